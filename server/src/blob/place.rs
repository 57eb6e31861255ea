//! Where blobs are: a folder, or a bucket of an S3-compatible store. What `--blobs` says.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context as _;

use super::s3::{self, S3Blobs};
use super::{Blobs, FolderBlobs};

/// Where blobs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobPlace {
    /// A folder.
    Folder(PathBuf),
    /// A bucket, and what the keys of all blobs in it begin with.
    S3(s3::Settings),
}

impl FromStr for BlobPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("s3", _)) => Ok(Self::S3(s3::Settings::parse(text)?)),
            Some((scheme, _)) => Err(format!(
                "{scheme}://: expected a folder, or s3://BUCKET or s3://BUCKET/PREFIX"
            )),
            None => Ok(Self::Folder(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for BlobPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::S3(settings) => settings.fmt(f),
        }
    }
}

impl BlobPlace {
    /// Opens it. A folder is made when it is missing; a bucket is tried: something small is written, read and removed.
    ///
    /// # Errors
    /// It cannot be read and written: which setting is at fault, and what to do.
    pub async fn open(&self) -> anyhow::Result<Arc<dyn Blobs>> {
        Ok(match self {
            Self::Folder(folder) => Arc::new(FolderBlobs::open(folder).with_context(|| format!("--blobs {self}"))?),
            Self::S3(settings) => {
                let blobs = S3Blobs::open(settings).with_context(|| format!("--blobs {self}"))?;
                s3::tried::by_writing(&blobs)
                    .await
                    .with_context(|| format!("--blobs {self}"))?;
                Arc::new(blobs)
            }
        })
    }

    /// Opens it to read what is there; nothing is made or written.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub async fn open_to_read(&self) -> anyhow::Result<Arc<dyn Blobs>> {
        Ok(match self {
            Self::Folder(folder) => Arc::new(FolderBlobs::there(folder).with_context(|| self.to_string())?),
            Self::S3(settings) => {
                let blobs = S3Blobs::open(settings).with_context(|| self.to_string())?;
                s3::tried::by_reading(&blobs).await.with_context(|| self.to_string())?;
                Arc::new(blobs)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_told_from_a_folder_and_what_is_neither_is_refused() {
        let place = |text: &str| text.parse::<BlobPlace>();
        assert_eq!(place("/var/blobs"), Ok(BlobPlace::Folder("/var/blobs".into())));
        assert_eq!(place("s3://lab/baton/").unwrap().to_string(), "s3://lab/baton");
        assert_eq!(place("s3://lab").unwrap().to_string(), "s3://lab");
        for wrong in [
            "s3://",
            "s3:///prefix",
            "gs://lab",
            "https://lab/x",
            "s3://lab/../x",
            "s3://lab/a//b",
            "s3://la b",
        ] {
            assert!(place(wrong).unwrap_err().contains("s3://BUCKET"), "{wrong}");
        }
    }
}
