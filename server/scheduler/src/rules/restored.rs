//! A state that comes from a backup. Since the backup was taken, numbers were given and leases granted that it does not know: no number may be given
//! twice, and no order may look older than one that a host has seen.

use crate::Core;

/// Numbers that may have been given since the backup, of each kind: a thousand a minute for most of a day.
const NUMBERS_SKIPPED: u64 = 1_000_000;
/// The same for a host's orders, each of which counts.
const ORDERS_SKIPPED: u64 = 1_000_000_000;

impl Core {
    /// Ends every lease (its job goes on from the last boundary that is known here) and goes on with numbers that were never given.
    pub(crate) fn restored(&mut self) {
        let hosts: Vec<_> = self.hosts.values().map(|host| host.id).collect();
        for host in &hosts {
            self.evict(*host, "may have gone on: the server was restored from a backup");
        }
        self.jobs.skip_numbers(NUMBERS_SKIPPED);
        self.attempts.skip_numbers(NUMBERS_SKIPPED);
        self.hosts.skip_numbers(NUMBERS_SKIPPED);
        for host in hosts {
            if let Some(host) = self.hosts.get_mut(host) {
                host.sequence = host.sequence.saturating_add(ORDERS_SKIPPED);
            }
            self.touch(host);
        }
    }
}
