//! A table by number for numbers that are given in order: blocks of 64 places in a tree. A look at one of 300,000 rows goes through a tree of a few
//! thousand blocks, which stays in the cache, instead of one of all rows.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

/// Places in a block.
const PLACES: u64 = 64;

/// A block: its places, and how many of them are taken.
#[derive(Clone, Debug, PartialEq)]
struct Block<T> {
    places: Box<[Option<T>]>,
    taken: u64,
}

/// Values by number, in the order of their numbers. A block without a value is dropped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blocks<T> {
    blocks: BTreeMap<u64, Block<T>>,
    len: usize,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            blocks: BTreeMap::new(),
            len: 0,
        }
    }
}

/// The block and the place in it of a number.
fn place(number: u64) -> (u64, usize) {
    (number / PLACES, (number % PLACES) as usize)
}

impl<T> Blocks<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, number: u64) -> Option<&T> {
        let (block, place) = place(number);
        self.blocks.get(&block)?.places[place].as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let (block, place) = place(number);
        self.blocks.get_mut(&block)?.places[place].as_mut()
    }

    /// Puts a value in, in place of the one that was there.
    pub(crate) fn insert(&mut self, number: u64, value: T) -> Option<T> {
        let (block, place) = place(number);
        let block = self.blocks.entry(block).or_insert_with(|| Block {
            places: (0..PLACES).map(|_| None).collect(),
            taken: 0,
        });
        let old = block.places[place].replace(value);
        if old.is_none() {
            block.taken += 1;
            self.len += 1;
        }
        old
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<T> {
        let (at, place) = place(number);
        let block = self.blocks.get_mut(&at)?;
        let old = block.places[place].take()?;
        block.taken -= 1;
        self.len -= 1;
        if block.taken == 0 {
            self.blocks.remove(&at);
        }
        Some(old)
    }

    /// Those with numbers in a range, in the order of their numbers.
    pub(crate) fn range(&self, numbers: impl RangeBounds<u64>) -> impl DoubleEndedIterator<Item = (u64, &T)> {
        let bounds = (numbers.start_bound().cloned(), numbers.end_bound().cloned());
        // The blocks at the ends of the range: more than are looked for where it is empty, which the places then say.
        let first = match bounds.0 {
            Bound::Included(number) | Bound::Excluded(number) => number / PLACES,
            Bound::Unbounded => 0,
        };
        let last = match bounds.1 {
            Bound::Included(number) | Bound::Excluded(number) => number / PLACES,
            Bound::Unbounded => u64::MAX,
        };
        let blocks = self.blocks.range(first..=last.max(first));
        let values = blocks.flat_map(|(block, found)| {
            let from = block * PLACES;
            let places = found.places.iter().enumerate();
            places.filter_map(move |(place, value)| value.as_ref().map(|value| (from + place as u64, value)))
        });
        values.filter(move |(number, _)| bounds.contains(number))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        let places = self.blocks.values_mut().flat_map(|block| block.places.iter_mut());
        places.filter_map(Option::as_mut)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blocks_hold_what_a_tree_holds(steps in prop::collection::vec((any::<bool>(), 0..300_u64), 1..200), from in 0..320_u64, to in 0..320_u64) {
            let (mut blocks, mut tree) = (Blocks::default(), BTreeMap::new());
            for (put, number) in steps {
                // Numbers that skip, as those of a restored state do.
                let number = if number > 200 { number << 40 } else { number };
                if put {
                    prop_assert_eq!(blocks.insert(number, number + 1), tree.insert(number, number + 1));
                } else {
                    prop_assert_eq!(blocks.remove(number), tree.remove(&number));
                }
                prop_assert_eq!(blocks.get(number), tree.get(&number));
                prop_assert_eq!(blocks.get_mut(number), tree.get_mut(&number));
                prop_assert_eq!(blocks.len(), tree.len());
            }
            let in_tree = |wanted: &dyn Fn(u64) -> bool| tree.iter().filter(|(number, _)| wanted(**number)).map(|(number, value)| (*number, value)).collect::<Vec<_>>();
            prop_assert_eq!(blocks.range(..).collect::<Vec<_>>(), in_tree(&|_| true));
            prop_assert_eq!(blocks.range(from..).collect::<Vec<_>>(), in_tree(&|number| number >= from));
            prop_assert_eq!(blocks.range(from..to).collect::<Vec<_>>(), in_tree(&|number| from <= number && number < to));
            prop_assert_eq!(blocks.range(..=to).collect::<Vec<_>>(), in_tree(&|number| number <= to));
            prop_assert_eq!(blocks.range(..).rev().count(), tree.len());
            prop_assert!(blocks.blocks.values().all(|block| block.taken > 0), "an empty block is kept");
            prop_assert_eq!(blocks.values_mut().map(|value| *value).collect::<Vec<_>>(), tree.into_values().collect::<Vec<_>>());
        }
    }
}
