//! What is checked. It follows from the server's secret after the commit, so that no host can know before.
//!
//! The unit is a commit: the segments between two checkpoints that reached the server. A host's first [`PROBATION`] spans of a class are all
//! checked, afterwards a share of 5/k, k being the spans that passed, and never less than 2 %. With f saboteurs the share of wrong results is then
//! below f/(1−f) · 1/(k·e) (Sarmenta 2002, credibility).

use protocol::{AttemptId, HardwareClass, HostId, JobId, Verify};

use super::place::NO_OTHER;
use crate::Core;
use crate::tables::{Job, Safe, SpanState, Timer, driver_of};

/// Spans of a host and class that are all checked before a share is.
pub(crate) const PROBATION: u64 = 5;
/// So many checks of a job are kept for hosts that may still enrol, while none is there that may compute one.
const KEPT_MAX: usize = 16;
/// The least share, parts per million.
const LEAST_PPM: u64 = 20_000;

/// The share of spans that is checked after so many passed, parts per million.
pub(crate) fn share_ppm(passed: u64) -> u64 {
    match passed {
        0..PROBATION => 1_000_000,
        passed => (PROBATION * 1_000_000 / passed).max(LEAST_PPM),
    }
}

impl Core {
    /// The boundaries of a job behind the checkpoint `before` were just committed: notes whose they are, and opens a check where one is chosen.
    pub(in crate::rules) fn trace(
        &mut self,
        id: JobId,
        attempt: AttemptId,
        (host, class): (HostId, HardwareClass),
        before: Option<Safe>,
    ) {
        if self.rules < 4 {
            return;
        }
        let passed = self.hosts.get(host).and_then(|host| host.record(class));
        let passed = passed.map_or(0, |record| record.passed);
        let key = &self.config.check_key.0;
        let device = self.attempts.get(attempt).map(|attempt| attempt.device);
        let driver = device.and_then(|device| driver_of(self.hosts.classes(device)));
        let Some(job) = self.jobs.get(id) else { return };
        let number = key.keyed(&[id.0, job.segment(), attempt.0]);
        let drawn = number.0.first_chunk().copied().map_or(0, u64::from_le_bytes) % 1_000_000;
        let chosen = match job.verify {
            Verify::None => return,
            Verify::Sampled => drawn < share_ppm(passed),
            Verify::Full => true,
        };
        let note = match chosen {
            false => Some(SpanState::Unchecked),
            true if self.is_alone(job, host, class) => Some(SpanState::Lapsed(NO_OTHER.to_owned())),
            true => None,
        };
        let opens = note.is_none();
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.extend(before, (host, class, driver), note) && opens {
            let newest = job.spans.len() - 1;
            self.open(id, newest);
        }
    }

    /// Whether no host is there, or may come back, that may check what `host` brings home of a job, and enough of its checks wait already. What a
    /// job alone with its host keeps for later is bounded by that: each check keeps the checkpoint that it begins from.
    fn is_alone(&self, job: &Job, host: HostId, class: HardwareClass) -> bool {
        if job.open_checks().take(KEPT_MAX).count() < KEPT_MAX {
            return false;
        }
        let Some(owner) = self.hosts.get(host) else { return true };
        let may = |other: HostId| {
            let other = self.hosts.get(other);
            other.is_some_and(|other| other.may_come(self.now_ms) && !self.alike(owner, other))
        };
        self.class_presence(class).devices < 2 || !self.hosts.with_class(class).any(|device| may(device.host))
    }

    /// Opens a check of a span of a job.
    pub(super) fn open(&mut self, id: JobId, index: usize) {
        let times = (self.now_ms, self.now_ms + self.config.check_ms);
        if let Some(check) = self.jobs.open_check(id, index, times) {
            let at_ms = self.now_ms + self.config.check_patience_ms;
            self.timers.set(Timer::Check(check), at_ms);
            self.wait_for_device(check);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_all_of_the_first_five_then_five_over_k_and_never_below_two_percent() {
        let shares = [0, 4, 5, 10, 100, 250, 251, u64::MAX].map(share_ppm);
        assert_eq!(
            shares,
            [1_000_000, 1_000_000, 1_000_000, 500_000, 50_000, 20_000, 20_000, 20_000]
        );
        // The mean over all segments of an honest host, beside the formula's own table: 31, 10 and 3.3 %.
        for (segments, percent) in [(100, 31.0), (1_000, 10.0), (10_000, 3.3)] {
            let (mut checked, mut passed) = (0.0, 0.0_f64);
            for _ in 0..segments {
                let share = share_ppm(passed as u64) as f64 / 1e6;
                checked += share;
                passed += share;
            }
            let mean = checked / f64::from(segments) * 100.0;
            assert!((mean - percent).abs() < 0.15 * percent, "{segments} segments: {mean:.2} %");
        }
    }
}
