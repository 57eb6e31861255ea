//! A host's changes of state, one after the other.

use super::{DAY, HOUR, Host, MINUTE, Pattern, Population};
use crate::random::{Draws, Stream};

/// Largest shift of a daily host's hours.
const SHIFT_MAX_MS: f64 = 1.5 * HOUR as f64;

/// What happens to a host. The order is that of events at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// It goes on.
    Up,
    /// It says when it will go off, and when it will be back.
    Announce { down_ms: u64, back_ms: u64 },
    /// It goes off; what it computes stops at once.
    Down,
    /// It leaves for good, without a word.
    Gone,
}

/// Where a host stands in its life.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    up: Draws,
    down: Draws,
    /// Number of the day, or of the recorded stretch, that comes next.
    next: u64,
    /// When the time up that has begun ends, and the next begins.
    down_ms: u64,
    back_ms: u64,
    announced: bool,
    is_up: bool,
}

impl Life {
    /// A life that begins now, with its first change: the host goes on, or leaves before it ever does.
    pub(crate) fn begin(population: &Population<'_>, host: &Host, now_ms: u64) -> (Self, u64, Change) {
        let draws = |stream| Draws::new(population.parameters.seed, stream, host.number);
        let mut life = Self {
            up: draws(Stream::Up),
            down: draws(Stream::Down),
            next: 0,
            down_ms: 0,
            back_ms: now_ms,
            announced: false,
            is_up: false,
        };
        match &host.pattern {
            Pattern::AlwaysOn => {}
            Pattern::Daily { on_ms, length_ms } => {
                life.next = now_ms / DAY;
                while life.window(population, host, *on_ms, *length_ms).1 <= now_ms {
                    life.next += 1;
                }
                life.back_ms = life.window(population, host, *on_ms, *length_ms).0.max(now_ms);
            }
            Pattern::Fickle => {
                // Up for a quarter of the time.
                if life.down.unit() < 0.75 {
                    life.back_ms = now_ms + (life.down_time(population) as f64 * life.down.unit()) as u64;
                }
            }
            Pattern::Recorded(up) => life.back_ms = up.first().map_or(u64::MAX, |(from, _)| *from),
        }
        let (at, change) = life.change(host, now_ms);
        (life, at, change)
    }

    /// The change after the one that just happened, which was the one named before.
    pub(crate) fn next(
        &mut self,
        population: &Population<'_>,
        host: &Host,
        now_ms: u64,
        happened: Change,
    ) -> Option<(u64, Change)> {
        match happened {
            Change::Gone => return None,
            Change::Up => {
                self.is_up = true;
                self.announced = false;
                self.plan(population, host, now_ms);
            }
            Change::Announce { .. } => self.announced = true,
            Change::Down => self.is_up = false,
        }
        Some(self.change(host, now_ms))
    }

    /// The next change by the plan.
    fn change(&self, host: &Host, now_ms: u64) -> (u64, Change) {
        let lead = 20 * MINUTE;
        let (at, change) = if !self.is_up {
            (self.back_ms, Change::Up)
        } else if host.announces && !self.announced && self.down_ms > now_ms + lead {
            let (down_ms, back_ms) = (self.down_ms, self.back_ms);
            (down_ms - lead, Change::Announce { down_ms, back_ms })
        } else {
            (self.down_ms, Change::Down)
        };
        if at >= host.leaves_ms {
            (host.leaves_ms.max(now_ms), Change::Gone)
        } else {
            (at.max(now_ms), change)
        }
    }

    /// The host goes on: plans when it goes off, and on again.
    fn plan(&mut self, population: &Population<'_>, host: &Host, now_ms: u64) {
        let p = &population.parameters.population;
        match &host.pattern {
            Pattern::AlwaysOn => {
                self.down_ms = now_ms + hours(self.up.exponential(p.interruption_every_h));
                self.back_ms = self.down_ms + hours(self.down.exponential(p.interruption_min / 60.0));
            }
            Pattern::Fickle => {
                self.down_ms = now_ms + hours(self.up.weibull(p.fickle_up_shape, p.fickle_up_scale_h));
                self.back_ms = self.down_ms + self.down_time(population);
            }
            Pattern::Daily { on_ms, length_ms } => {
                let (_, off) = self.window(population, host, *on_ms, *length_ms);
                self.next += 1;
                let (on, _) = self.window(population, host, *on_ms, *length_ms);
                self.down_ms = off.max(now_ms + MINUTE);
                self.back_ms = on.max(self.down_ms + MINUTE);
            }
            Pattern::Recorded(up) => {
                let index = usize::try_from(self.next).unwrap_or(usize::MAX);
                self.down_ms = up.get(index).map_or(now_ms, |(_, to)| *to);
                self.back_ms = up.get(index.saturating_add(1)).map_or(u64::MAX, |(from, _)| *from);
                self.next += 1;
            }
        }
    }

    fn down_time(&mut self, population: &Population<'_>) -> u64 {
        let p = &population.parameters.population;
        hours(self.down.log_normal(p.fickle_down_mu, p.fickle_down_sigma))
    }

    /// When the daily host goes on and off in the day that comes next; day 0 is the one before the beginning, since hours may lie over midnight.
    fn window(&self, population: &Population<'_>, host: &Host, on_ms: u64, length_ms: u64) -> (u64, u64) {
        let mut draws = Draws::new(population.parameters.seed, Stream::Hours, host.number ^ self.next << 48);
        let jitter = population.parameters.population.jitter_min * MINUTE as f64;
        let mut shift = || (SHIFT_MAX_MS + (jitter * draws.normal()).clamp(-SHIFT_MAX_MS, SHIFT_MAX_MS)) as u64;
        let on = self.next * DAY + on_ms;
        let (on, off) = (on + shift(), on + length_ms + shift());
        let before = DAY + SHIFT_MAX_MS as u64;
        (on.saturating_sub(before), off.saturating_sub(before))
    }
}

/// Milliseconds; at most a hundred years, so that sums fit.
fn hours(hours: f64) -> u64 {
    (hours * HOUR as f64).clamp(1.0, 876_000.0 * HOUR as f64) as u64
}
