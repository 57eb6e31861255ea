//! Bytes on their way: blobs that were announced or uploaded and that no commit or submission refers to yet, by the subject that brings them.
//!
//! Invariant: a subject's bytes are the sum over its blobs here, and at most what one subject may have. A restart forgets them; what nothing ever refers to
//! goes a day after it came all the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::Digest;

/// Bytes that even an empty blob counts for.
const BLOB_BYTES_MIN: u64 = 4096;

#[derive(Default)]
struct Inner {
    blobs: BTreeMap<Digest, (String, u64)>,
    subjects: BTreeMap<String, u64>,
}

/// All blobs on their way.
pub struct Pending {
    most: u64,
    inner: Mutex<Inner>,
}

impl Pending {
    /// None yet; `most` bytes for one subject, 0 for no limit.
    pub fn new(most: u64) -> Self {
        Self {
            most,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a blob of so many bytes, before the first of them is taken. One that is counted already stays its subject's.
    ///
    /// # Errors
    /// The bytes that the subject has already: with these they are more than it may have.
    pub fn reserve(&self, digest: Digest, subject: &str, bytes: u64) -> Result<(), u64> {
        let bytes = bytes.max(BLOB_BYTES_MIN);
        let mut inner = self.inner();
        if inner.blobs.contains_key(&digest) {
            return Ok(());
        }
        let used = inner.subjects.get(subject).copied().unwrap_or(0);
        let all = used.saturating_add(bytes);
        if self.most > 0 && all > self.most {
            return Err(used);
        }
        inner.subjects.insert(subject.to_owned(), all);
        inner.blobs.insert(digest, (subject.to_owned(), bytes));
        Ok(())
    }

    /// A blob is referred to, or gone.
    pub fn release(&self, digest: Digest) {
        let mut inner = self.inner();
        let Some((subject, bytes)) = inner.blobs.remove(&digest) else {
            return;
        };
        if let Some(used) = inner.subjects.get_mut(&subject) {
            *used = used.saturating_sub(bytes);
            if *used == 0 {
                inner.subjects.remove(&subject);
            }
        }
    }

    /// Whether a subject brings a blob.
    pub fn is_of(&self, digest: Digest, subject: &str) -> bool {
        self.inner().blobs.get(&digest).is_some_and(|(owner, _)| owner == subject)
    }

    /// All of them.
    pub fn digests(&self) -> Vec<Digest> {
        self.inner().blobs.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_so_many_bytes_on_their_way_and_no_more() {
        let pending = Pending::new(100_000);
        let blob = |index: u64| Digest::of(&index.to_le_bytes());
        assert_eq!(pending.reserve(blob(1), "ann", 90_000), Ok(()));
        assert_eq!(pending.reserve(blob(1), "bob", 90_000), Ok(()), "the same blob counts once");
        assert!(pending.is_of(blob(1), "ann") && !pending.is_of(blob(1), "bob"));
        assert_eq!(pending.reserve(blob(2), "ann", 20_000), Err(90_000));
        assert_eq!(pending.reserve(blob(2), "bob", 20_000), Ok(()), "others have their own");
        pending.release(blob(1));
        let taken = (10..100)
            .take_while(|index| pending.reserve(blob(*index), "ann", 0).is_ok())
            .count();
        assert_eq!(taken, 24, "empty blobs take room as well");
        (10..100).for_each(|index| pending.release(blob(index)));
        pending.release(blob(2));
        assert!(pending.inner().blobs.is_empty() && pending.inner().subjects.is_empty());
        assert_eq!(Pending::new(0).reserve(blob(1), "ann", u64::MAX), Ok(()));
    }
}
