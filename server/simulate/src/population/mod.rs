//! Hosts: how fast each is, how it is connected, when it is up, and when it leaves for good.
//!
//! Invariant: a host is a function of (seed, slot, generation): it lives the same life under every policy, however many servers share the hosts. A host
//! that leaves is replaced at once by the next generation of its slot, so that their number stays.

mod life;
mod lifetime;
mod network;

pub(crate) use life::{Change, Life};
pub(crate) use lifetime::Lifetimes;
pub(crate) use network::Network;

use crate::parameters::Parameters;
use crate::random::{Draws, Stream};
use crate::trace::Recorded;

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// How a host's time up is distributed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    /// Nearly always on, with short interruptions.
    AlwaysOn,
    /// On every day from a minute of the day for so long, milliseconds.
    Daily { on_ms: u64, length_ms: u64 },
    /// On and off at random.
    Fickle,
    /// As recorded.
    Recorded(Vec<(u64, u64)>),
}

/// One host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Host {
    /// Number of all its random draws.
    pub(crate) number: u64,
    pub(crate) pattern: Pattern,
    /// When it leaves for good.
    pub(crate) leaves_ms: u64,
    /// Thousandths of the reference device's speed.
    pub(crate) speed_pm: u64,
    pub(crate) class: u64,
    /// Bytes per millisecond.
    pub(crate) down: u64,
    pub(crate) up: u64,
    /// Whether it announces that it goes off.
    pub(crate) announces: bool,
}

/// All that hosts of one server are drawn from. Hosts are dealt: the first to server 0, the second to server 1, and so on.
#[derive(Debug)]
pub(crate) struct Population<'a> {
    pub(crate) parameters: &'a Parameters,
    /// Number of the server, from 0.
    pub(crate) server: u64,
    pub(crate) lifetimes: Lifetimes,
    recorded: Option<&'a [Recorded]>,
}

impl<'a> Population<'a> {
    pub(crate) fn of_server(parameters: &'a Parameters, recorded: Option<&'a [Recorded]>, server: u64) -> Self {
        Self {
            parameters,
            server,
            lifetimes: Lifetimes::new(&parameters.population),
            recorded,
        }
    }

    /// Hosts of all servers.
    pub(crate) fn size(parameters: &Parameters, recorded: Option<&[Recorded]>) -> u64 {
        recorded.map_or(parameters.hosts, |recorded| recorded.len() as u64)
    }

    /// Hosts of this server.
    pub(crate) fn slots(&self) -> u64 {
        let (size, servers) = (Self::size(self.parameters, self.recorded), self.parameters.servers);
        size / servers + u64::from(self.server < size % servers)
    }

    /// Jobs that this server is to have unfinished.
    pub(crate) fn jobs(&self) -> u64 {
        let size = Self::size(self.parameters, self.recorded);
        let (jobs, servers) = ((self.parameters.jobs.per_host * size as f64) as u64, self.parameters.servers);
        jobs / servers + u64::from(self.server < jobs % servers)
    }

    /// Whether a host that leaves is replaced.
    pub(crate) fn replaces(&self) -> bool {
        self.recorded.is_none()
    }

    /// The host of a slot in its generation, which arrives at `now_ms`. Generation 0 is there from the beginning, and of any age.
    pub(crate) fn host(&self, slot: u64, generation: u64, now_ms: u64) -> Host {
        let (seed, p) = (self.parameters.seed, &self.parameters.population);
        let slot = slot * self.parameters.servers + self.server;
        let number = generation << 32 | slot;
        let draws = |stream| Draws::new(seed, stream, number);
        let mut link = draws(Stream::Link);
        let mut rate = |mbit: f64| ((mbit * link.log_normal(0.0, p.link_sigma) * 125.0) as u64).max(1);
        let (down, up) = (rate(p.downlink_mbit), rate(p.uplink_mbit));
        if let Some(recorded) = self.recorded.and_then(|recorded| recorded.get(usize::try_from(slot).ok()?)) {
            return Host {
                number,
                pattern: Pattern::Recorded(recorded.up.clone()),
                leaves_ms: recorded.up.last().map_or(0, |(_, end)| *end),
                speed_pm: recorded.speed_pm,
                class: recorded.class,
                down,
                up,
                announces: false,
            };
        }
        let mut kind = draws(Stream::Kind);
        let (which, announced, class) = (kind.unit(), kind.unit(), kind.below(p.classes));
        let pattern = if which < p.always_on {
            Pattern::AlwaysOn
        } else if which < p.always_on + p.daily {
            let hours = p.daily_hours_least + kind.unit() * (p.daily_hours_most - p.daily_hours_least);
            Pattern::Daily {
                on_ms: kind.below(DAY),
                length_ms: (hours * HOUR as f64) as u64,
            }
        } else {
            Pattern::Fickle
        };
        let mut life = draws(Stream::Life);
        let days = match generation {
            0 => self.lifetimes.remaining(&mut life),
            _ => self.lifetimes.whole(&mut life),
        };
        let speed = draws(Stream::Speed).exponential(1.0).clamp(p.speed_least, p.speed_most);
        Host {
            number,
            announces: matches!(pattern, Pattern::Daily { .. }) && announced < p.announced,
            pattern,
            leaves_ms: now_ms.saturating_add((days * DAY as f64) as u64),
            speed_pm: ((speed * 1000.0) as u64).max(1),
            class,
            down,
            up,
        }
    }
}

impl Host {
    /// Milliseconds to bring so many bytes here, with a round trip of 125 ms [BP].
    pub(crate) fn download_ms(&self, bytes: u64) -> u64 {
        125 + bytes / self.down
    }

    /// Milliseconds to send so many bytes from here.
    pub(crate) fn upload_ms(&self, bytes: u64) -> u64 {
        125 + bytes / self.up
    }

    /// Work done in a time here, in milliseconds of the reference device.
    pub(crate) fn work(&self, ms: u64) -> u64 {
        ms * self.speed_pm / 1000
    }

    /// Time that a piece of work takes here.
    pub(crate) fn time(&self, work_ms: u64) -> u64 {
        (work_ms * 1000 / self.speed_pm).max(1)
    }
}
