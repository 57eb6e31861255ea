//! All blobs of one place copied to another, from where they are read while a server may run: a folder, or a bucket.
//!
//! Invariant: nothing arrives but bytes whose digest was checked on the way, and the place's mark comes last, once all blobs are there. What is there already is passed over,
//! and a blob of which some came is gone on with, so a copy that was ended goes on where it was.

use std::fmt;

use anyhow::bail;
use futures_util::stream::{self, StreamExt as _};
use protocol::Digest;

use crate::blob::{BlobError, BlobPlace, Blobs};

/// Blobs on their way at the same time.
const AT_ONCE: usize = 8;
/// From one word on how far it is to the next, blobs.
const TELLS_EACH: u64 = 1000;

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Blobs, and their bytes.
    pub came: (u64, u64),
    /// Blobs that were there already.
    pub there: u64,
    /// What did not arrive, each in a sentence.
    pub wrong: Vec<String>,
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (blobs, bytes) = self.came;
        write!(
            f,
            "{blobs} blobs of {:.1} MB copied, {} were there",
            bytes as f64 / 1e6,
            self.there
        )?;
        match self.wrong.len() {
            0 => Ok(()),
            wrong => write!(f, ", {wrong} did not arrive"),
        }
    }
}

/// Copies all blobs from one place to another. `tell` is called now and then.
///
/// # Errors
/// A place cannot be read or written at all, or the second is another database's.
pub async fn copy(from: &BlobPlace, to: &BlobPlace, mut tell: impl FnMut(&Copied)) -> anyhow::Result<Copied> {
    if from == to {
        bail!("{from}: both places are the same");
    }
    let (source, target) = (from.open_to_read().await?, to.open().await?);
    let (mark, other) = (source.mark().await?, target.mark().await?);
    if other.is_some() && other != mark {
        bail!("{to}: these are the blobs of another database: name an empty place");
    }
    let copied = copy_all(&*source, &*target, &mut tell).await?;
    if let (Some(mark), true) = (mark, copied.wrong.is_empty()) {
        target.set_mark(mark).await?;
    }
    Ok(copied)
}

/// Copies all blobs, without the mark.
pub(super) async fn copy_all(
    from: &dyn Blobs,
    to: &dyn Blobs,
    tell: &mut (dyn FnMut(&Copied) + '_),
) -> Result<Copied, BlobError> {
    let mut copied = Copied::default();
    let mut missing = from.all().await?;
    let all = missing.len();
    for (digest, bytes) in to.all().await? {
        if missing.get(&digest) == Some(&bytes) {
            missing.remove(&digest);
        }
    }
    copied.there = (all - missing.len()) as u64;
    let mut results = stream::iter(missing)
        .map(|(digest, bytes)| async move { (digest, bytes, one(from, to, digest, bytes).await) })
        .buffer_unordered(AT_ONCE);
    while let Some((digest, bytes, result)) = results.next().await {
        match result {
            Ok(()) => {
                copied.came.0 += 1;
                copied.came.1 += bytes;
            }
            // It went meanwhile.
            Err(BlobError::Missing(_)) => continue,
            Err(BlobError::Digest { found, .. }) => {
                copied.wrong.push(format!(
                    "blob {digest}: its {bytes} bytes have digest {found}: it is damaged where it is; a backup may have it whole"
                ));
            }
            Err(error) => copied.wrong.push(format!("blob {digest}: {error}")),
        }
        if copied.came.0 % TELLS_EACH == TELLS_EACH - 1 {
            tell(&copied);
        }
    }
    copied.wrong.sort_unstable();
    Ok(copied)
}

async fn one(from: &dyn Blobs, to: &dyn Blobs, digest: Digest, bytes: u64) -> Result<(), BlobError> {
    let there = to.received(digest).await?;
    let offset = if there < bytes { there } else { 0 };
    let stream = from.get(digest, offset, bytes - offset).await?;
    match to.put(digest, offset, bytes, stream).await {
        // What came before may have been of something else.
        Err(BlobError::Digest { .. }) if offset > 0 => {
            let stream = from.get(digest, 0, bytes).await?;
            to.put(digest, 0, bytes, stream).await?;
        }
        put => {
            put?;
        }
    }
    Ok(())
}
