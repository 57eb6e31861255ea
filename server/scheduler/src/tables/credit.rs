//! Credit of hosts, and what a segment of each package costs on the reference device.
//!
//! The reference device is the operator's referee: a cost is what it measured of itself. Nothing that a host says of itself counts.

use protocol::Digest;
use serde::{Deserialize, Serialize};

/// Packages of which the cost is kept: the newest.
const PACKAGES_MAX: usize = 4096;
const DAY_MS: u64 = 24 * 3_600_000;

/// Work of a host that was verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credit {
    /// Segments.
    pub(crate) segments: u64,
    /// Their cost on the reference device, milliseconds; of packages of which it is not known, nothing.
    pub(crate) cost_ms: u64,
}

impl Credit {
    /// So many segments, each of which costs so much, where that is known.
    pub(crate) fn of(segments: u64, cost_ms: Option<u64>) -> Self {
        Self {
            segments,
            cost_ms: cost_ms.unwrap_or(0).saturating_mul(segments),
        }
    }
}

/// A host's credit, now and as it was when the day began: the host itself is told of the latter alone, since it would know otherwise when it is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    now: Credit,
    day: u64,
    before: Credit,
}

impl Account {
    /// Adds verified work.
    pub(crate) fn add(&mut self, now_ms: u64, credit: Credit) {
        let day = now_ms / DAY_MS;
        if day > self.day {
            (self.day, self.before) = (day, self.now);
        }
        self.now.segments = self.now.segments.saturating_add(credit.segments);
        self.now.cost_ms = self.now.cost_ms.saturating_add(credit.cost_ms);
    }

    /// Now.
    pub(crate) fn now(&self) -> Credit {
        self.now
    }

    /// As it was when the UTC day began.
    pub(crate) fn this_morning(&self, now_ms: u64) -> Credit {
        match now_ms / DAY_MS > self.day {
            true => self.now,
            false => self.before,
        }
    }

    /// Takes back what is verified no more.
    pub(crate) fn take_back(&mut self, credit: Credit) {
        for account in [&mut self.now, &mut self.before] {
            account.segments = account.segments.saturating_sub(credit.segments);
            account.cost_ms = account.cost_ms.saturating_sub(credit.cost_ms);
        }
    }

    /// A host of which a referee found a wrong result loses it.
    pub(crate) fn forfeit(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a segment of each package costs on the reference device, the package noted last at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Costs(Vec<(Digest, u64)>);

impl Costs {
    /// A referee computed so many segments of a package in this time.
    pub(crate) fn note(&mut self, package: Digest, segments: u64, ms: u64) {
        let Some(each) = ms.checked_div(segments).filter(|each| *each > 0) else {
            return;
        };
        self.0.retain(|(known, _)| *known != package);
        if self.0.len() == PACKAGES_MAX {
            self.0.remove(0);
        }
        self.0.push((package, each));
    }

    /// Milliseconds for a segment of a package, where it is known.
    pub(crate) fn of(&self, package: Digest) -> Option<u64> {
        self.0
            .iter()
            .rev()
            .find(|(known, _)| *known == package)
            .map(|(_, each)| *each)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
