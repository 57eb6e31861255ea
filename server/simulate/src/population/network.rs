//! A host's line: when it gets another address, and when it cannot be reached though it is up.
//!
//! No policy looks at it. An agent that does not hear its server asks again every few minutes, so another address costs that at most, and a host
//! that cannot be reached computes on: it loses something only after half an hour, as one that is off does.

use super::{HOUR, Host, MINUTE, Population};
use crate::random::{Draws, Stream};

/// An agent that does not hear the server checks in after so long, and again each time \[BP\].
const CHECK_IN_MS: u64 = 6 * MINUTE;

/// What a server would see of a host's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// Distinct addresses.
    pub(crate) addresses: u64,
    /// Check-ins because the server was not heard from.
    pub(crate) check_ins: u64,
}

impl Network {
    /// What is seen over a time in which a host is up for `up`, stretches in milliseconds.
    ///
    /// Each address is new: providers give them out of thousands. One that changes while the host is off is found when it is back, and that start
    /// is no check-in because of silence, so only changes and outages while it is up count as such.
    pub(crate) fn of(population: &Population<'_>, host: &Host, up: &[(u64, u64)]) -> Self {
        let p = &population.parameters.population;
        let draws = |stream| Draws::new(population.parameters.seed, stream, host.number);
        let is_up = |at: u64| up.iter().any(|(from, to)| (*from..*to).contains(&at));
        let end = up.last().map_or(0, |(_, to)| *to);
        let (mut addresses, mut check_ins) = (1, 0);
        let mut address = draws(Stream::Address);
        if address.unit() >= p.fixed_address {
            let every = p.address_days * 24.0 * address.log_normal(0.0, p.address_sigma);
            let mut at = milliseconds(address.exponential(every));
            while at < end {
                addresses += 1;
                check_ins += u64::from(is_up(at));
                at = at.saturating_add(milliseconds(address.exponential(every)));
            }
        }
        let mut outage = draws(Stream::Outage);
        let every = p.outage_every_h * outage.log_normal(0.0, p.outage_sigma);
        let mut at = milliseconds(outage.exponential(every));
        while at < end {
            let until = at.saturating_add(milliseconds(outage.exponential(p.outage_h)));
            let seen = up.iter().map(|(from, to)| until.min(*to).saturating_sub(at.max(*from)));
            check_ins += seen.map(|silent| silent / CHECK_IN_MS).sum::<u64>();
            at = until.saturating_add(milliseconds(outage.exponential(every)));
        }
        Self { addresses, check_ins }
    }
}

/// At least one; at most a century, so that sums fit.
fn milliseconds(hours: f64) -> u64 {
    (hours * HOUR as f64).clamp(1.0, 876_000.0 * HOUR as f64) as u64
}
