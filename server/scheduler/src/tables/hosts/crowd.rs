//! How many hosts come from where: by invited subject, and by network.
//!
//! Invariant: no count is 0, so that two crowds of the same hosts are equal.

use std::collections::BTreeMap;

use crate::Origin;

/// Counts of hosts by where they come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Crowd {
    subjects: BTreeMap<String, u32>,
    networks: BTreeMap<u64, u32>,
}

impl Crowd {
    /// Hosts of the same subject, and of the same network; 0 for what an origin does not say.
    pub(crate) fn beside(&self, origin: &Origin) -> (u32, u32) {
        let of_subject = origin.subject.as_ref().and_then(|subject| self.subjects.get(subject));
        let of_network = self.networks.get(&origin.network).filter(|_| origin.network != 0);
        (of_subject.copied().unwrap_or(0), of_network.copied().unwrap_or(0))
    }

    pub(super) fn enter(&mut self, origin: &Origin) {
        if let Some(subject) = &origin.subject {
            *self.subjects.entry(subject.clone()).or_default() += 1;
        }
        *self.networks.entry(origin.network).or_default() += 1;
    }

    pub(super) fn leave(&mut self, origin: &Origin) {
        if let Some(subject) = &origin.subject {
            lower(&mut self.subjects, subject);
        }
        lower(&mut self.networks, &origin.network);
    }
}

fn lower<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}
