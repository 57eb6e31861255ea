//! An index of things that a job could get: found by class or tier without a search.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{HardwareClass, Tier};

use super::jobs::Need;

/// Sets of things, each listed under every class of a device and its tier.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pool<T: Ord + Copy> {
    by_class: BTreeMap<HardwareClass, BTreeSet<T>>,
    by_tier: BTreeMap<Tier, BTreeSet<T>>,
}

impl<T: Ord + Copy> Default for Pool<T> {
    fn default() -> Self {
        Self {
            by_class: BTreeMap::new(),
            by_tier: BTreeMap::new(),
        }
    }
}

impl<T: Ord + Copy> Pool<T> {
    pub(crate) fn insert(&mut self, classes: &[HardwareClass], item: T) {
        for class in classes {
            self.by_class.entry(*class).or_default().insert(item);
            self.by_tier.entry(class.tier).or_default().insert(item);
        }
    }

    pub(crate) fn remove(&mut self, classes: &[HardwareClass], item: T) {
        for class in classes {
            if let Some(set) = self.by_class.get_mut(class) {
                set.remove(&item);
                if set.is_empty() {
                    self.by_class.remove(class);
                }
            }
            if let Some(set) = self.by_tier.get_mut(&class.tier) {
                set.remove(&item);
                if set.is_empty() {
                    self.by_tier.remove(&class.tier);
                }
            }
        }
    }

    /// Those that fit a need, in order.
    pub(crate) fn fitting(&self, need: Need) -> Option<&BTreeSet<T>> {
        match need {
            Need::Class(class) => self.by_class.get(&class),
            Need::Any(tier) => self.by_tier.get(&tier),
        }
    }
}
