//! Rows by number. Each has an allocation of its own: blocks stay small, and a look at one row touches no other.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::RangeBounds;

use protocol::{AttemptId, HostId, JobId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::blocks::Blocks;

/// What rows are numbered by.
pub(crate) trait Numbered: Copy + Ord {
    fn number(self) -> u64;
    fn of(number: u64) -> Self;
}

macro_rules! numbered {
    ($($id:ident),*) => {$(
        impl Numbered for $id {
            fn number(self) -> u64 {
                self.0
            }

            fn of(number: u64) -> Self {
                Self(number)
            }
        }
    )*};
}

numbered!(AttemptId, HostId, JobId);

/// A table's rows, in the order of their numbers.
#[derive(Clone, Debug)]
pub(crate) struct Rows<K, T> {
    rows: Blocks<Box<T>>,
    numbered: PhantomData<K>,
}

impl<K, T> Default for Rows<K, T> {
    fn default() -> Self {
        Self {
            rows: Blocks::default(),
            numbered: PhantomData,
        }
    }
}

impl<K: Numbered, T> Rows<K, T> {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.rows.get(key.number()).is_some()
    }

    pub(crate) fn get(&self, key: &K) -> Option<&T> {
        self.rows.get(key.number()).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut T> {
        self.rows.get_mut(key.number()).map(Box::as_mut)
    }

    pub(crate) fn insert(&mut self, key: K, row: T) {
        self.rows.insert(key.number(), Box::new(row));
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<T> {
        self.rows.remove(key.number()).map(|row| *row)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.range(..).map(|(_, row)| row)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rows.values_mut().map(Box::as_mut)
    }

    /// Those with numbers in a range.
    pub(crate) fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (K, &T)> {
        let bounds = (
            keys.start_bound().map(|key| key.number()),
            keys.end_bound().map(|key| key.number()),
        );
        self.rows.range(bounds).map(|(number, row)| (K::of(number), row.as_ref()))
    }
}

impl<K: Numbered + Serialize, T: Serialize> Serialize for Rows<K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.range(..))
    }
}

impl<'de, K: Numbered + Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for Rows<K, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rows = Self::default();
        for (key, row) in BTreeMap::<K, Box<T>>::deserialize(deserializer)? {
            rows.rows.insert(key.number(), row);
        }
        Ok(rows)
    }
}
