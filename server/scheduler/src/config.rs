//! What an operator can set, and what the scheduler waits for. Part of the state: a replay sees the values of its time.

use protocol::Digest;
use serde::{Deserialize, Serialize};

use crate::tables::ERRORS_KEPT;

/// Times in milliseconds unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Longest time between two heartbeats of a host.
    pub heartbeat_ms: u64,
    /// Silence after which a host is unreachable.
    pub unreachable_ms: u64,
    /// Silence after which a host is given up.
    pub lost_ms: u64,
    /// An announced absence becomes a loss this long after the announced return.
    pub overdue_ms: u64,
    /// An offer not taken in this time goes to another host.
    pub offer_ms: u64,
    /// A host that no longer reports a lease for this long has dropped it.
    pub dropped_ms: u64,
    /// A host told to stop at a boundary has this long.
    pub stop_ms: u64,
    /// A host told to stop now has this long.
    pub stop_now_ms: u64,
    /// Jobs leave a host this long before it departs.
    pub lead_ms: u64,
    /// The next job is offered this long before the current one ends.
    pub prefetch_ms: u64,
    /// A job with at most this left is short.
    pub short_ms: u64,
    /// A job with at most this left may share a grant with others.
    pub small_ms: u64,
    /// Small jobs are granted together up to this much work.
    pub batch_ms: u64,
    /// Most jobs in one grant.
    pub batch_max: usize,
    /// A host commits when this much time has passed since its last commit.
    pub commit_ms: u64,
    /// A job that may start over on another class does so after waiting this long.
    pub restart_ms: u64,
    /// First back-off of a failing host; doubles with every further error.
    pub backoff_ms: u64,
    /// Longest back-off of a failing host.
    pub backoff_max_ms: u64,
    /// Errors of this many origins hold a job (`rules/errors.rs`).
    pub failures_max: usize,
    /// So many errors hold a job, of whatever origin.
    pub errors_max: usize,
    /// Bytes of archives and outputs that are kept for one user; 0 for no limit.
    pub user_stored_max: u64,
    /// Hosts that are not lost of one invited subject; 0 for no limit.
    pub hosts_per_subject: u32,
    /// Hosts that are not lost in one network; 0 for no limit.
    pub hosts_per_network: u32,
    /// Jobs of one user on hosts at the same time.
    pub user_running_max: u32,
    /// Unfinished jobs of one user.
    pub user_jobs_max: u32,
    /// The oldest waiting job of a queue is passed over at most this many times in a row.
    pub passed_max: u32,
    /// A finished job leaves memory after this long; the store keeps it.
    pub retire_ms: u64,
    /// Key from which it follows what is checked.
    pub check_key: CheckKey,
    /// A check that waits this long for a free device makes room for itself on a busy one.
    pub check_patience_ms: u64,
    /// A check that is not decided in this time lapses.
    pub check_ms: u64,
    /// A job whose last boundary is committed waits this long for its checks.
    pub check_end_ms: u64,
    /// A host may check another one of its own network.
    pub check_same_network: bool,
    /// A host that returned a wrong result has no work for this long; doubles with each.
    pub suspect_ms: u64,
    /// The share of agreements that a referee computes once more, parts per million.
    pub audit_ppm: u64,
    /// A host that brings no boundary of a job home for this long, or for four segments if that is longer, has it no more.
    pub stall_ms: u64,
}

/// A secret of the server. It is part of the log, so that a replay chooses the same, and of no message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckKey(pub Digest);

impl std::fmt::Debug for CheckKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CheckKey(…)")
    }
}

const MINUTE: u64 = 60_000;
/// Longest of the times: sums of a few of them and any date fit easily.
const TIME_MAX_MS: u64 = 10 * 366 * 24 * 60 * MINUTE;
/// Most jobs in one grant that an operator can set.
const BATCH_MAX: usize = 1000;

impl Config {
    /// Whether the scheduler can work with these settings.
    ///
    /// # Errors
    /// A sentence that names the setting, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        let times = [
            ("heartbeat_ms", self.heartbeat_ms, 1),
            ("unreachable_ms", self.unreachable_ms, 1),
            ("lost_ms", self.lost_ms, 1),
            ("overdue_ms", self.overdue_ms, 0),
            ("offer_ms", self.offer_ms, 1),
            ("dropped_ms", self.dropped_ms, 1),
            ("stop_ms", self.stop_ms, 1),
            ("stop_now_ms", self.stop_now_ms, 1),
            ("lead_ms", self.lead_ms, 0),
            ("prefetch_ms", self.prefetch_ms, 0),
            ("short_ms", self.short_ms, 0),
            ("small_ms", self.small_ms, 0),
            ("batch_ms", self.batch_ms, 0),
            ("commit_ms", self.commit_ms, 0),
            ("restart_ms", self.restart_ms, 1),
            ("backoff_ms", self.backoff_ms, 0),
            ("backoff_max_ms", self.backoff_max_ms, 0),
            ("retire_ms", self.retire_ms, 0),
            ("check_patience_ms", self.check_patience_ms, 1),
            ("check_ms", self.check_ms, 1),
            ("check_end_ms", self.check_end_ms, 0),
            ("suspect_ms", self.suspect_ms, 1),
            ("stall_ms", self.stall_ms, 1),
        ];
        for (name, found, least) in times {
            if !(least..=TIME_MAX_MS).contains(&found) {
                return Err(format!("{name}: {found} ms, expected {least} ms to ten years"));
            }
        }
        if self.batch_max == 0 || self.batch_max > BATCH_MAX {
            return Err(format!("batch_max: {}, expected 1 to {BATCH_MAX}", self.batch_max));
        }
        if self.audit_ppm > 1_000_000 {
            return Err(format!("audit_ppm: {}, expected 0 to 1000000", self.audit_ppm));
        }
        if self.failures_max == 0 {
            return Err("failures_max: 0, expected at least 1".to_owned());
        }
        if !(1..=ERRORS_KEPT).contains(&self.errors_max) {
            return Err(format!("errors_max: {}, expected 1 to {ERRORS_KEPT}", self.errors_max));
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            heartbeat_ms: 5 * MINUTE,
            unreachable_ms: 6 * MINUTE,
            lost_ms: 30 * MINUTE,
            overdue_ms: 24 * 60 * MINUTE,
            offer_ms: 2 * MINUTE,
            dropped_ms: 20 * MINUTE,
            stop_ms: 30 * MINUTE,
            stop_now_ms: 5 * MINUTE,
            lead_ms: 20 * MINUTE,
            prefetch_ms: 3 * MINUTE,
            short_ms: 15 * MINUTE,
            small_ms: 2 * MINUTE,
            batch_ms: 10 * MINUTE,
            batch_max: 8,
            commit_ms: 10 * MINUTE,
            restart_ms: 24 * 60 * MINUTE,
            backoff_ms: MINUTE,
            backoff_max_ms: 24 * 60 * MINUTE,
            failures_max: 3,
            errors_max: 12,
            user_stored_max: 0,
            hosts_per_subject: 0,
            hosts_per_network: 0,
            user_running_max: 10_000,
            user_jobs_max: 200_000,
            passed_max: 8,
            retire_ms: 24 * 60 * MINUTE,
            check_key: CheckKey(Digest([0; 32])),
            check_patience_ms: 10 * MINUTE,
            check_ms: 24 * 60 * MINUTE,
            check_end_ms: 2 * 60 * MINUTE,
            check_same_network: false,
            suspect_ms: 60 * MINUTE,
            audit_ppm: 20_000,
            stall_ms: 24 * 60 * MINUTE,
        }
    }
}
