//! Credit: segments that a second host computed to the same digest, times their cost on the reference device. Both hosts computed them, both are credited.

use protocol::{Digest, HostId};

use crate::Core;

impl Core {
    /// A host brought segments of a check home: where it is a referee, their cost is known from then on.
    pub(super) fn note_cost(&mut self, host: HostId, package: Digest, segments: u64, computed_ms: u64) {
        if self.hosts.get(host).is_some_and(|host| host.origin().referee) {
            self.costs.note(package, segments, computed_ms);
        }
    }

    /// Credits a host with verified segments of a package. Referees are the operator's own.
    pub(super) fn credit(&mut self, id: HostId, package: Digest, segments: u64) {
        let cost_ms = self.costs.of(package).unwrap_or(0).saturating_mul(segments);
        let now_ms = self.now_ms;
        if let Some(host) = self.hosts.get_mut(id).filter(|host| !host.origin().referee) {
            host.credit.add(now_ms, segments, cost_ms);
        }
    }
}
