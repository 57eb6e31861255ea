//! Referees: the operator's hosts. They take no jobs; they decide where results differ, and compute a share of agreements once more.
//!
//! Two hosts that conspire agree on what they like, so agreement alone shows nothing of them: with a share φ of conspirators and a share α of audits,
//! what passes wrongly is φ·(1 − α) of what they check of each other.

use protocol::JobId;

use super::place::has_class;
use crate::Core;
use crate::tables::{Check, Device, DeviceId, Host, Job};

/// Checks that one decision of a referee looks at.
const LOOKS_MAX: usize = 1024;
/// Told apart from the number by which a span is chosen.
const AUDIT: u64 = u64::MAX;

impl Core {
    /// The referees that can compute a check, were they there.
    fn referees_of<'a>(&'a self, check: &'a Check) -> impl Iterator<Item = &'a Host> {
        let can = |host: &&Host| has_class(host, check.class) && !check.failed.contains(&host.id);
        self.hosts.referees().filter(can)
    }

    /// Whether a referee is there that can compute a check.
    pub(super) fn has_referee(&self, check: &Check) -> bool {
        self.referees_of(check).any(|referee| referee.closed(self.now_ms).is_none())
    }

    /// Whether two hosts that agree are to be confirmed by a referee: always where a third one found something else, else a share that only the
    /// server's key tells.
    pub(super) fn is_audited(&self, row: &Job) -> bool {
        let Some(check) = &row.check else { return false };
        let Some(last) = check.votes.last() else { return false };
        if check.votes.iter().any(|vote| vote.digest != last.digest) {
            return self.referees_of(check).any(|referee| referee.may_come(self.now_ms));
        }
        let number = self.config.check_key.0.keyed(&[check.of.0, row.until(), row.id.0, AUDIT]);
        let drawn = number.0.first_chunk().copied().map_or(0, u64::from_le_bytes) % 1_000_000;
        drawn < self.config.audit_ppm && self.has_referee(check)
    }

    /// Whether a check is a referee's: results differ, or are to be confirmed; and any that no other host took in good time.
    fn is_for_referee(&self, row: &Job) -> bool {
        let Some(check) = &row.check else { return false };
        let urgent = check.votes.len() > 1;
        let ends = || {
            let job = self.jobs.get(check.of);
            job.is_some_and(|job| job.segment() == job.until())
        };
        let late = || check.opened_ms + self.config.check_patience_ms <= self.now_ms;
        urgent || ends() || late()
    }

    /// A device of a referee that has nothing to do, for a check.
    pub(super) fn idle_referee(&self, row: &Job) -> Option<DeviceId> {
        let class = row.check.as_ref()?.class;
        if !self.is_for_referee(row) {
            return None;
        }
        let open = |host: &&Host| host.closed(self.now_ms).is_none() && self.may_check(row, host);
        self.hosts.referees().filter(open).find_map(|host| {
            let idle = |device: &Device| device.line().is_empty() && device.classes().contains(&class);
            let index = host.devices().iter().position(idle)?;
            Some(DeviceId {
                host: host.id,
                index: u16::try_from(index).ok()?,
            })
        })
    }

    /// Gives a referee's device the check that is most needed of it, if it has nothing to do.
    pub(in crate::rules) fn fill_referee(&mut self, device: DeviceId) {
        if self.hosts.line(device).is_empty()
            && let Some(check) = self.pick_for_referee(device)
        {
            self.grant(check, device, None, "its turn came");
        }
    }

    /// The check that a referee's device should take next: those first in which results differ or wait to be confirmed.
    pub(super) fn pick_for_referee(&self, device: DeviceId) -> Option<JobId> {
        let host = self.hosts.get(device.host)?;
        if host.closed(self.now_ms).is_some() {
            return None;
        }
        let waiting = |class| self.jobs.waiting_checks(class).take(LOOKS_MAX);
        let checks = self.hosts.classes(device).iter().flat_map(|class| waiting(*class));
        let mine = checks.filter(|row| !self.jobs.is_at_limit(row) && self.is_for_referee(row) && self.may_check(row, host));
        let alone = |row: &&Job| row.check.as_ref().is_some_and(|check| check.votes.len() == 1);
        mine.min_by_key(|row| (alone(row), row.id)).map(|row| row.id)
    }
}
