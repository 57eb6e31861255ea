//! Secret keys, and the files that hold them: one line, `baton secret key 1 ` and 64 hexadecimal digits.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use protocol::{Digest, PublicKey, Signature};

const PREFIX: &str = "baton secret key 1 ";
/// Bytes of a file that may be one.
const FILE_BYTES_MAX: u64 = 4096;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    /// The file is there already.
    #[error("{0} exists: choose another name, since a key that is overwritten is lost")]
    Exists(PathBuf),
    /// The file system refuses.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Its error.
        error: std::io::Error,
    },
    /// The file holds something else.
    #[error(
        "{0} holds no secret key: expected one line, \"baton secret key 1\" and 64 hexadecimal digits (`baton key new` writes one)"
    )]
    Form(PathBuf),
    /// Others may read it.
    #[error(
        "{0} can be read by others than its owner: run `chmod 600 {0}`, and make a new key if anybody had the time to read it"
    )]
    Open(PathBuf),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// A secret Ed25519 key. It is wiped from memory when dropped, and shown nowhere.
pub struct SecretKey(SigningKey);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

/// 32 bytes of the system's random numbers.
///
/// # Errors
/// The system gives none.
pub fn random() -> Result<[u8; 32], SecretKeyError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(SecretKeyError::Random)?;
    Ok(bytes)
}

impl SecretKey {
    /// A new key.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new() -> Result<Self, SecretKeyError> {
        Ok(Self::from_seed(random()?))
    }

    /// The key of a seed (RFC 8032).
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        Signature(self.0.sign(bytes).to_bytes())
    }

    /// Makes a new key and its file, which its owner alone may read.
    ///
    /// # Errors
    /// The file is there already, or cannot be written.
    pub fn create(path: &Path) -> Result<Self, SecretKeyError> {
        let key = Self::new()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let io = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => SecretKeyError::Exists(path.to_owned()),
            _ => SecretKeyError::Io {
                path: path.to_owned(),
                error,
            },
        };
        let mut file = options.open(path).map_err(io)?;
        let digits = Digest(key.0.to_bytes());
        file.write_all(format!("{PREFIX}{digits}\n").as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        Ok(key)
    }

    /// Reads a key's file.
    ///
    /// # Errors
    /// It cannot be read, holds no key, or others than its owner may read it.
    pub fn read(path: &Path) -> Result<Self, SecretKeyError> {
        let io = |error| SecretKeyError::Io {
            path: path.to_owned(),
            error,
        };
        let about = fs::metadata(path).map_err(io)?;
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
            return Err(SecretKeyError::Open(path.to_owned()));
        }
        if about.len() > FILE_BYTES_MAX {
            return Err(SecretKeyError::Form(path.to_owned()));
        }
        let bytes = fs::read(path).map_err(io)?;
        let text = String::from_utf8(bytes).map_err(|_| SecretKeyError::Form(path.to_owned()))?;
        let digits = text
            .trim_end()
            .strip_prefix(PREFIX)
            .and_then(|digits| digits.parse::<Digest>().ok());
        digits
            .map(|seed| Self::from_seed(seed.0))
            .ok_or_else(|| SecretKeyError::Form(path.to_owned()))
    }

    /// The key in a file; a new one where there is none yet.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::create`].
    pub fn read_or_create(path: &Path) -> Result<Self, SecretKeyError> {
        if path.exists() { Self::read(path) } else { Self::create(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_vector_of_rfc_8032() {
        let digits = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let key = SecretKey::from_seed(digits.parse::<Digest>().unwrap().0);
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public().to_string(), public);
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        assert_eq!(key.sign(b"").to_string(), signature);
    }

    #[test]
    fn a_file_is_read_back_and_what_is_none_is_refused() {
        let folder = tempfile();
        let path = folder.join("ann.key");
        let key = SecretKey::create(&path).unwrap();
        assert_eq!(SecretKey::read(&path).unwrap().public(), key.public());
        assert!(matches!(SecretKey::create(&path), Err(SecretKeyError::Exists(_))));
        assert!(!format!("{key:?}").contains(&Digest(key.0.to_bytes()).to_string()));
        for wrong in ["", "baton secret key 1 ", "baton secret key 1 00", &"a".repeat(9000)] {
            fs::write(&path, wrong).unwrap();
            assert!(matches!(SecretKey::read(&path), Err(SecretKeyError::Form(_))), "{wrong:?}");
        }
        #[cfg(unix)]
        {
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
            assert!(matches!(SecretKey::read(&path), Err(SecretKeyError::Open(_))));
        }
        fs::remove_dir_all(folder).unwrap();
    }

    fn tempfile() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("baton-keys-{}", Digest(random().unwrap()).short()));
        fs::create_dir(&folder).unwrap();
        folder
    }
}
