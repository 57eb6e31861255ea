//! Blobs: packages, checkpoints and outputs, each under the BLAKE3 digest of its bytes.
//!
//! Invariant: a blob is visible only when it is whole and its digest was checked.
//!
//! | module | owns |
//! |---|---|
//! | `place` | where blobs are, as `--blobs` says it |
//! | [`folder`] | blobs in a folder |
//! | [`s3`] | blobs in a bucket of an S3-compatible store |

pub mod folder;
mod place;
pub mod s3;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt};
use protocol::Digest;

pub use self::folder::FolderBlobs;
pub use self::place::BlobPlace;
pub use self::s3::S3Blobs;

/// Bytes as they come or go.
pub type Bytes = axum::body::Bytes;
/// A stream of them.
pub type ByteStream<'a> = BoxStream<'a, io::Result<Bytes>>;

/// A blob that is whole is as good as new for so long: half of the time that one has to which nothing refers.
pub const FRESH: Duration = Duration::from_secs(12 * 3600);

/// Why a blob was not taken or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is not there.
    #[error("there is no blob {0}")]
    Missing(Digest),
    /// The upload does not go on where the last one stopped.
    #[error("offset {found}, but {expected} bytes are there: go on from {expected}")]
    Offset {
        /// Offset of the request.
        found: u64,
        /// Bytes on disk.
        expected: u64,
    },
    /// More bytes than announced, or an announcement beyond the limit.
    #[error("{found} bytes or more, at most {limit} are taken")]
    TooLarge {
        /// Bytes that came, or were announced.
        found: u64,
        /// Bytes that are taken.
        limit: u64,
    },
    /// All bytes came, and are not what the digest says. They are dropped.
    #[error("the {bytes} bytes have digest {found}, expected {expected}: start over from offset 0")]
    Digest {
        /// Bytes that came.
        bytes: u64,
        /// Digest of these bytes.
        found: Digest,
        /// Of what should have come.
        expected: Digest,
    },
    /// Another request uploads the same blob at this moment.
    #[error("blob {0} is being uploaded by another request")]
    Busy(Digest),
    /// The stream from the client broke off.
    #[error("the upload was cut: {0}")]
    Cut(io::Error),
    /// So many uploads are under way that there is no memory for the bytes of this one.
    #[error("too many uploads are under way: come again")]
    Crowded,
    /// The object store does not answer, or not as expected.
    #[error("the object store: {0}")]
    Away(String),
    /// The disk.
    #[error("storage: {0}")]
    Io(io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl BlobError {
    /// Whether the disk has no room.
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Io(error) if full.contains(&error.kind()))
    }
}

/// A place for blobs.
pub trait Blobs: Send + Sync + 'static {
    /// Bytes of a whole blob; none when it is not there.
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, BlobError>>;

    /// Bytes of an upload that is not whole.
    fn received(&self, digest: Digest) -> BoxFuture<'_, Result<u64, BlobError>>;

    /// Takes bytes from `offset` on of a blob of `size` bytes, unless it is there and fresh. How many are there now; when all, the blob is whole.
    fn put<'a>(
        &'a self,
        digest: Digest,
        offset: u64,
        size: u64,
        bytes: ByteStream<'a>,
    ) -> BoxFuture<'a, Result<u64, BlobError>>;

    /// Gives `length` bytes from `offset` on.
    fn get(&self, digest: Digest, offset: u64, length: u64) -> BoxFuture<'_, Result<ByteStream<'static>, BlobError>>;

    /// A URL from which all of a blob can be read for some minutes without a token; none where the server itself has to give the bytes.
    fn link(&self, _digest: Digest) -> BoxFuture<'_, Result<Option<String>, BlobError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// All whole blobs with their bytes.
    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<Digest, u64>, BlobError>>;

    /// The mark that says which database's blobs these are.
    fn mark(&self) -> BoxFuture<'_, Result<Option<String>, BlobError>>;

    /// Writes that mark.
    fn set_mark(&self, mark: String) -> BoxFuture<'_, Result<(), BlobError>>;

    /// Whether a blob is whole and came so short a time ago that who is told so can refer to it before it is swept. One that is older is sent again.
    fn is_fresh(&self, digest: Digest) -> BoxFuture<'_, Result<bool, BlobError>>;

    /// Whole blobs that came longer ago than `age`.
    fn older(&self, age: Duration) -> BoxFuture<'_, Result<BTreeSet<Digest>, BlobError>>;

    /// Removes those of these blobs that are older than `age`, and unfinished uploads whose first byte came longer ago than `cut`. How many
    /// bytes that freed.
    fn sweep(&self, unneeded: BTreeSet<Digest>, age: Duration, cut: Duration) -> BoxFuture<'_, Result<u64, BlobError>>;
}

/// Name of the file or object that holds a place's [mark](Blobs::mark).
pub(crate) const MARK: &str = "blobs-mark";
/// Longest mark that is read, bytes.
const MARK_BYTES: usize = 64;

/// The text of a mark's file or object.
fn read_mark(bytes: &[u8]) -> Result<String, BlobError> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= MARK_BYTES => Ok(text.trim().to_owned()),
        _ => Err(BlobError::Io(io::Error::other(format!(
            "{MARK} has {} bytes, expected a text of at most {MARK_BYTES}: remove it when no server uses these blobs",
            bytes.len()
        )))),
    }
}

/// All of a blob, when it has at most `limit` bytes.
///
/// # Errors
/// It is not there, or larger, or its place gives other bytes: those who sent it are not to blame.
pub async fn read(blobs: &dyn Blobs, digest: Digest, limit: u64) -> Result<Vec<u8>, BlobError> {
    let size = blobs.size(digest).await?.ok_or(BlobError::Missing(digest))?;
    if size > limit {
        return Err(BlobError::TooLarge { found: size, limit });
    }
    let mut stream = blobs.get(digest, 0, size).await?;
    let mut all = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk?);
    }
    let found = Digest::of(&all);
    match found == digest {
        true => Ok(all),
        false => Err(BlobError::Away(format!("blob {digest} arrived as {found}"))),
    }
}
