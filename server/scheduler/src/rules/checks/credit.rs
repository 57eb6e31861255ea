//! Credit: segments that a second host computed to the same digest, times their cost on the reference device. Both hosts computed them, both are credited.
//!
//! Invariant: a span is credited exactly while it is passed. What is cut off behind a wrong result stays credited to hosts that computed it rightly.

use protocol::{Digest, HostId};

use crate::Core;
use crate::tables::{Credit, Span};

impl Core {
    /// A host brought segments of a check home: where it is a referee, their cost is known from then on.
    pub(super) fn note_cost(&mut self, host: HostId, package: Digest, segments: u64, computed_ms: u64) {
        if self.hosts.get(host).is_some_and(|host| host.origin().referee) {
            self.costs.note(package, segments, computed_ms);
        }
    }

    /// Credits hosts with a span that they computed alike. Referees are the operator's own.
    pub(super) fn credit(&mut self, hosts: [HostId; 2], credit: Option<Credit>) {
        let now_ms = self.now_ms;
        for id in hosts {
            if let (Some(host), Some(credit)) = (self.hosts.get_mut(id), credit)
                && !host.origin().referee
            {
                host.credit.add(now_ms, credit);
            }
        }
    }

    /// A span is passed no more.
    pub(super) fn take_credit_back(&mut self, span: &Span) {
        let hosts = [Some(span.host), span.state.witness()];
        for id in hosts.into_iter().flatten() {
            if let (Some(host), Some(credit)) = (self.hosts.get_mut(id), span.credit)
                && !host.origin().referee
            {
                host.credit.take_back(credit);
            }
        }
    }
}
