//! A package as one blob, to travel: the folder's files in a [`protocol::bundle`]. Its identity stays the package's digest, not the blob's.

use std::collections::BTreeMap;

use protocol::bundle;

use super::Package;
use super::error::PackageError;
use super::folder::{self, Files};

/// Bytes that an archive may unpack to.
const ARCHIVE_BYTES_MAX: u64 = 1 << 30;

impl Files for BTreeMap<String, Vec<u8>> {
    /// All that a package needs travels with it.
    fn has(&self, _: &str) -> bool {
        true
    }

    fn read(&self, file: &str, key: &str, bytes_max: u64) -> Result<Vec<u8>, PackageError> {
        match self.get(file) {
            Some(bytes) if bytes.len() as u64 <= bytes_max => Ok(bytes.clone()),
            Some(bytes) => {
                let found = bytes.len();
                let message = format_args!("found {found} bytes, expected at most {bytes_max}");
                Err(PackageError::file(format_args!("{key}: '{file}'"), message))
            }
            None => Err(PackageError::file(format_args!("{key}: '{file}'"), "is not in the archive")),
        }
    }
}

impl Package {
    /// The package as one blob that [`Package::from_archive`] reads back with the same digest.
    ///
    /// # Errors
    /// It is larger than an archive may be.
    pub fn to_archive(&self) -> Result<Vec<u8>, PackageError> {
        let files: BTreeMap<_, _> = self.files()?.into_iter().collect();
        let bytes: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
        if bytes > ARCHIVE_BYTES_MAX / 2 {
            let message = format_args!("found {bytes} bytes of files, expected at most {}", ARCHIVE_BYTES_MAX / 2);
            return Err(PackageError::file("archive", message));
        }
        bundle::pack(&files).map_err(|error| PackageError::file("archive", error))
    }

    /// Read and check the package in an archive.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, PackageError> {
        Self::from_archive_within(bytes, ARCHIVE_BYTES_MAX)
    }

    /// The same, for a reader that has room for no more than `bytes_max` unpacked bytes. It takes twice the unpacked size of memory, beside
    /// what reading WGSL takes.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn from_archive_within(bytes: &[u8], bytes_max: u64) -> Result<Self, PackageError> {
        let files = bundle::unpack(bytes, bytes_max).map_err(|error| PackageError::file("archive", error))?;
        let (manifest, shaders, init) = folder::read(&files)?;
        drop(files);
        Self::new(manifest, shaders, init)
    }
}

/// How many bytes an archive unpacks to, found without keeping them.
///
/// # Errors
/// It is no archive, or unpacks to more than `bytes_max`.
pub fn unpacked_bytes(archive: &[u8], bytes_max: u64) -> Result<u64, PackageError> {
    bundle::unpacked_bytes(archive, bytes_max.min(ARCHIVE_BYTES_MAX)).map_err(|error| PackageError::file("archive", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_foreign_is_named() {
        let empty = bundle::pack(&BTreeMap::new()).unwrap();
        let message = Package::from_archive(&empty).unwrap_err().to_string();
        assert!(message.contains("kernel.toml"), "{message}");
        let message = Package::from_archive(b"nothing").unwrap_err().to_string();
        assert!(message.contains("archive"), "{message}");
    }
}
