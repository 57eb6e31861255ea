//! Rows by number. Each has an allocation of its own: a node of the tree would otherwise be as large as eleven rows, and a look at one of 300,000 hosts
//! would touch a dozen of them.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use serde::{Deserialize, Serialize};

/// A table's rows, in the order of their numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent, bound(deserialize = "K: Ord + Deserialize<'de>, T: Deserialize<'de>"))]
pub(crate) struct Rows<K, T>(BTreeMap<K, Box<T>>);

impl<K, T> Default for Rows<K, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Copy, T> Rows<K, T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    pub(crate) fn get(&self, key: &K) -> Option<&T> {
        self.0.get(key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut T> {
        self.0.get_mut(key).map(Box::as_mut)
    }

    pub(crate) fn insert(&mut self, key: K, row: T) {
        self.0.insert(key, Box::new(row));
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<T> {
        self.0.remove(key).map(|row| *row)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.values().map(Box::as_ref)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut().map(Box::as_mut)
    }

    /// Those with numbers in a range.
    pub(crate) fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (&K, &T)> {
        self.0.range(keys).map(|(key, row)| (key, row.as_ref()))
    }
}
