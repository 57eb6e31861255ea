//! Bytes on their way: blobs that were announced or uploaded and that no commit or submission refers to yet, by the subject that brings them.
//!
//! Invariant: a subject's bytes are the sum over its blobs here, each at the most that the subject announced for it, and at most what one subject may
//! have. Who brings a blob that another brings too counts it as well: only one of two sizes can be true, and the file may become as large as either.
//! A restart forgets them; what nothing ever refers to goes a day after it came all the same.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::Digest;

/// Bytes that even an empty blob counts for.
const BLOB_BYTES_MIN: u64 = 4096;

#[derive(Default)]
struct Inner {
    /// Bytes of each blob, by the subjects that bring it.
    blobs: BTreeMap<Digest, BTreeMap<String, u64>>,
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

    /// Counts a blob of so many bytes, before the first of them is taken. One that the subject brings already counts with the larger of its sizes.
    ///
    /// # Errors
    /// The bytes that the subject has already: with these they are more than it may have.
    pub fn reserve(&self, digest: Digest, subject: &str, bytes: u64) -> Result<(), u64> {
        let bytes = bytes.max(BLOB_BYTES_MIN);
        let mut inner = self.inner();
        let counted = inner.blobs.get(&digest).and_then(|subjects| subjects.get(subject)).copied();
        let more = bytes.saturating_sub(counted.unwrap_or(0));
        let used = inner.subjects.get(subject).copied().unwrap_or(0);
        let all = used.saturating_add(more);
        if more > 0 && self.most > 0 && all > self.most {
            return Err(used);
        }
        if more > 0 {
            inner.subjects.insert(subject.to_owned(), all);
            inner.blobs.entry(digest).or_default().insert(subject.to_owned(), bytes);
        }
        Ok(())
    }

    /// A blob is referred to, or gone.
    pub fn release(&self, digest: Digest) {
        let mut inner = self.inner();
        for (subject, bytes) in inner.blobs.remove(&digest).into_iter().flatten() {
            inner.lower(&subject, bytes);
        }
    }

    /// What a subject brought of a blob is gone.
    pub fn release_of(&self, digest: Digest, subject: &str) {
        let mut inner = self.inner();
        let Some(subjects) = inner.blobs.get_mut(&digest) else {
            return;
        };
        let bytes = subjects.remove(subject);
        if subjects.is_empty() {
            inner.blobs.remove(&digest);
        }
        inner.lower(subject, bytes.unwrap_or(0));
    }

    /// Whether a subject brings a blob.
    pub fn is_of(&self, digest: Digest, subject: &str) -> bool {
        self.inner()
            .blobs
            .get(&digest)
            .is_some_and(|subjects| subjects.contains_key(subject))
    }

    /// All of them.
    pub fn digests(&self) -> Vec<Digest> {
        self.inner().blobs.keys().copied().collect()
    }
}

impl Inner {
    fn lower(&mut self, subject: &str, bytes: u64) {
        if let Some(used) = self.subjects.get_mut(subject) {
            *used = used.saturating_sub(bytes);
            if *used == 0 {
                self.subjects.remove(subject);
            }
        }
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
        assert_eq!(pending.reserve(blob(1), "ann", 80_000), Ok(()), "the same blob counts once");
        assert!(pending.is_of(blob(1), "ann") && !pending.is_of(blob(1), "bob"));
        assert_eq!(pending.reserve(blob(2), "ann", 20_000), Err(90_000));
        assert_eq!(
            pending.reserve(blob(1), "ann", 100_001),
            Err(90_000),
            "nor by the blob that is there"
        );
        assert_eq!(pending.reserve(blob(2), "bob", 20_000), Ok(()), "others have their own");
        assert_eq!(
            pending.reserve(blob(1), "bob", 90_000),
            Err(20_000),
            "what another brings counts as well"
        );
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

    #[test]
    fn a_blob_that_grows_is_counted_and_one_subjects_failure_leaves_what_another_brings() {
        let pending = Pending::new(100_000);
        let [one, two] = [b"one", b"two"].map(|text| Digest::of(text));
        assert_eq!(pending.reserve(one, "ann", 1), Ok(()));
        assert_eq!(pending.reserve(one, "ann", 60_000), Ok(()), "announced small, sent large");
        assert_eq!(pending.reserve(two, "ann", 50_000), Err(60_000));
        assert_eq!(pending.reserve(one, "bob", 60_000), Ok(()));
        pending.release_of(one, "bob");
        assert!(pending.is_of(one, "ann") && !pending.is_of(one, "bob"));
        assert_eq!(
            pending.reserve(two, "ann", 50_000),
            Err(60_000),
            "another's failure frees nothing of hers"
        );
        pending.release_of(one, "ann");
        pending.release_of(one, "ann");
        assert!(pending.inner().blobs.is_empty() && pending.inner().subjects.is_empty());
    }
}
