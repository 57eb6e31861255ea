//! What came of blobs that are not whole yet, as far as this server has it in memory: parts that the store has, and bytes behind them that are no part yet.
//!
//! What is forgotten here, the client sends again from the last part that the store has.
//!
//! Invariant: an upload's offset is the bytes of its parts and those behind them, at every moment; a request that is cut or dropped leaves it so. The bytes of all
//! uploads are at most [`BYTES_MAX`], and the uploads at most [`UPLOADS_MAX`] and those on which requests work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use blake3::hazmat::ChainingValue;
use object_store::MultipartId;
use protocol::Digest;

use super::tree::PART_BYTES;
use crate::blob::BlobError;

/// Memory for bytes that are no part yet, over all uploads.
const BYTES_MAX: u64 = 256 << 20;

/// Uploads that are remembered.
const UPLOADS_MAX: usize = 10_000;

/// A part that the store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The store's name for it (ETag).
    pub(super) id: String,
    /// Its hash in the tree of the blob's digest.
    pub(super) value: ChainingValue,
}

/// What came of a blob.
pub(super) struct Upload {
    /// When its first byte came to this server.
    began: Instant,
    /// When a request for it ended last.
    used: Instant,
    /// The store's name for the upload; none while there is no part.
    pub(super) multipart: Option<MultipartId>,
    /// All that the store has, in order.
    pub(super) parts: Vec<Part>,
    /// Bytes behind them.
    pub(super) tail: Vec<u8>,
}

impl Upload {
    /// What the store has of an upload.
    pub(super) fn of(multipart: Option<MultipartId>, parts: Vec<Part>) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            used: now,
            multipart,
            parts,
            tail: Vec::new(),
        }
    }

    /// Bytes that came.
    pub(super) fn offset(&self) -> u64 {
        (self.parts.len() * PART_BYTES + self.tail.len()) as u64
    }
}

enum Slot {
    /// A request works on it; so many bytes came.
    Busy(Arc<AtomicU64>),
    Idle(Upload),
}

#[derive(Default)]
struct Inner {
    slots: BTreeMap<Digest, Slot>,
    /// Bytes behind parts, of all uploads.
    bytes: u64,
}

impl Inner {
    /// The upload that waits longest for its next request.
    fn oldest_idle(&self) -> Option<Digest> {
        let idle = self.slots.iter().filter_map(|(digest, slot)| match slot {
            Slot::Idle(upload) => Some((upload.used, *digest)),
            Slot::Busy(_) => None,
        });
        idle.min().map(|(_, digest)| digest)
    }

    /// Forgets an upload on which no request works. The bytes behind its parts.
    fn forget(&mut self, digest: Digest) -> u64 {
        let Some(Slot::Idle(upload)) = self.slots.get(&digest) else {
            return 0;
        };
        let bytes = upload.tail.len() as u64;
        self.slots.remove(&digest);
        self.bytes -= bytes;
        bytes
    }
}

/// All of them.
#[derive(Clone, Default)]
pub(super) struct Uploads(Arc<Mutex<Inner>>);

impl Uploads {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an upload for one request, an empty one where none is known.
    ///
    /// # Errors
    /// Another request works on it.
    pub(super) fn take(&self, digest: Digest) -> Result<Working, BlobError> {
        let came = Arc::new(AtomicU64::new(0));
        let mut inner = self.inner();
        let upload = match inner.slots.remove(&digest) {
            Some(Slot::Idle(upload)) => upload,
            None => Upload::of(None, Vec::new()),
            Some(busy) => {
                inner.slots.insert(digest, busy);
                return Err(BlobError::Busy(digest));
            }
        };
        inner.slots.insert(digest, Slot::Busy(Arc::clone(&came)));
        came.store(upload.offset(), Ordering::Relaxed);
        Ok(Working {
            uploads: self.clone(),
            digest,
            counted: upload.tail.len() as u64,
            came,
            upload,
        })
    }

    /// Bytes that came of a blob, and whether a request works on it; none where this server knows nothing of it.
    pub(super) fn received(&self, digest: Digest) -> Option<(u64, bool)> {
        self.inner().slots.get(&digest).map(|slot| match slot {
            Slot::Busy(came) => (came.load(Ordering::Relaxed), true),
            Slot::Idle(upload) => (upload.offset(), false),
        })
    }

    /// Forgets those on which no request works and whose first byte came longer ago than `cut`. The bytes behind their parts.
    pub(super) fn sweep(&self, cut: Duration) -> u64 {
        let mut inner = self.inner();
        let old = |slot: &Slot| matches!(slot, Slot::Idle(upload) if upload.began.elapsed() >= cut);
        let old: Vec<Digest> = inner
            .slots
            .iter()
            .filter(|(_, slot)| old(slot))
            .map(|(digest, _)| *digest)
            .collect();
        old.into_iter().map(|digest| inner.forget(digest)).sum()
    }
}

/// An upload on which one request works, until it is dropped.
pub(super) struct Working {
    uploads: Uploads,
    digest: Digest,
    /// Bytes of it that are counted.
    counted: u64,
    came: Arc<AtomicU64>,
    pub(super) upload: Upload,
}

impl Working {
    /// Adds bytes behind the parts.
    ///
    /// # Errors
    /// There is no memory for them, even when all others that wait are forgotten.
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        let more = bytes.len() as u64;
        {
            let mut inner = self.uploads.inner();
            while inner.bytes + more > BYTES_MAX {
                let oldest = inner.oldest_idle().ok_or(BlobError::Crowded)?;
                inner.forget(oldest);
            }
            inner.bytes += more;
        }
        self.counted += more;
        self.upload.tail.extend_from_slice(bytes);
        self.came.store(self.upload.offset(), Ordering::Relaxed);
        Ok(())
    }

    /// Begins again, from what the store has.
    pub(super) fn replace(&mut self, upload: Upload) {
        let began = self.upload.began;
        self.upload = Upload { began, ..upload };
        self.recount();
    }

    /// Counts what is behind the parts, after these have changed.
    pub(super) fn recount(&mut self) {
        let now = self.upload.tail.len() as u64;
        let mut inner = self.uploads.inner();
        inner.bytes = inner.bytes - self.counted + now;
        self.counted = now;
        self.came.store(self.upload.offset(), Ordering::Relaxed);
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.recount();
        let upload = std::mem::replace(&mut self.upload, Upload::of(None, Vec::new()));
        let mut inner = self.uploads.inner();
        if inner.slots.len() > UPLOADS_MAX
            && let Some(oldest) = inner.oldest_idle()
        {
            inner.forget(oldest);
        }
        match upload.offset() {
            0 => inner.slots.remove(&self.digest),
            _ => inner.slots.insert(
                self.digest,
                Slot::Idle(Upload {
                    used: Instant::now(),
                    ..upload
                }),
            ),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_wait_give_way_to_those_that_come_and_are_counted_until_they_go() {
        let uploads = Uploads::default();
        let blob = |index: u64| Digest::of(&index.to_le_bytes());
        let part = vec![0; PART_BYTES];
        let most = BYTES_MAX / PART_BYTES as u64;
        for index in 0..most {
            uploads.take(blob(index)).unwrap().extend(&part).unwrap();
        }
        let mut working = uploads.take(blob(most)).unwrap();
        assert!(matches!(uploads.take(blob(most)), Err(BlobError::Busy(_))));
        working.extend(&part).unwrap();
        assert_eq!(uploads.received(blob(0)), None, "the one that waited longest is forgotten");
        assert_eq!(uploads.received(blob(1)), Some((PART_BYTES as u64, false)));
        let busy: Vec<Working> = (1..most).map(|index| uploads.take(blob(index)).unwrap()).collect();
        assert!(matches!(working.extend(b"x"), Err(BlobError::Crowded)));
        assert_eq!(uploads.received(blob(most)), Some((PART_BYTES as u64, true)));
        drop(busy);
        working.upload.parts.push(Part {
            id: "1".to_owned(),
            value: [0; 32],
        });
        working.upload.tail.clear();
        drop(working);
        assert_eq!(uploads.inner().bytes, (most - 1) * PART_BYTES as u64);
        assert_eq!(uploads.sweep(Duration::ZERO), (most - 1) * PART_BYTES as u64);
        let inner = uploads.inner();
        assert_eq!((inner.bytes, inner.slots.len()), (0, 0));
    }
}
