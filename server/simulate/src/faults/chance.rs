//! What a world leaves to chance. Each draw is a function of the seed, what it is for, the machine, and how many there were before: what strikes one
//! machine changes no draw of another, so that a world replays much alike when some of its faults are left out.
//!
//! Invariant: with a [`Script`] only what it lists strikes, and nothing is drawn otherwise than without one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::random::{Draws, Stream};

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    World,
    Job,
    Start,
    Segment,
    Delay,
    Resend,
    Hostile,
    Strike(Kind),
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A request, an answer or orders do not arrive.
    Lost,
    /// A request arrives twice.
    Twice,
    /// A message takes minutes.
    Late,
    /// A segment's computation fails.
    DriverReset,
    /// What was fetched cannot be written.
    DiskFull,
    /// A hostile host makes a boundary up.
    MadeUp,
    /// A machine, the server, a line or a clock fails, or an owner comes and goes.
    Disturbance,
}

/// One fault of a world: the so-manieth opportunity of its kind at a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strike {
    /// What kind.
    pub kind: Kind,
    /// Where; 0 for what strikes the whole world.
    pub machine: usize,
    /// Opportunities before it.
    pub count: u64,
}

/// The faults that strike; all others of the seed do not.
pub type Script = BTreeSet<Strike>;

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// When, milliseconds of the world.
    pub at_ms: u64,
    /// Which.
    pub strike: Strike,
    /// What it was.
    pub text: String,
}

impl fmt::Display for Struck {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at_ms / 1000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(out, "{hours}:{minutes:02}:{:02} {}", seconds % 60, self.text)
    }
}

#[derive(Debug)]
pub(super) struct Chance {
    seed: u64,
    counts: BTreeMap<(Purpose, usize), u64>,
    script: Option<Script>,
    pub(super) struck: Vec<Struck>,
}

impl Chance {
    pub(super) fn new(seed: u64, script: Option<Script>) -> Self {
        Self {
            seed,
            counts: BTreeMap::new(),
            script,
            struck: Vec::new(),
        }
    }

    /// The next draws for a purpose, and how many there were before.
    fn next(&mut self, purpose: Purpose, machine: usize) -> (Draws, u64) {
        let count = self.counts.entry((purpose, machine)).or_default();
        let before = *count;
        *count += 1;
        let kind = match purpose {
            Purpose::World => 0,
            Purpose::Job => 1,
            Purpose::Start => 2,
            Purpose::Segment => 3,
            Purpose::Delay => 4,
            Purpose::Resend => 5,
            Purpose::Hostile => 6,
            Purpose::Strike(kind) => 8 + kind as u64,
        };
        let key = kind << 56 | (machine as u64 & 0xff) << 48 | before;
        (Draws::new(self.seed, Stream::Faults, key), before)
    }

    /// The next draws for a purpose.
    pub(super) fn draws(&mut self, purpose: Purpose, machine: usize) -> Draws {
        self.next(purpose, machine).0
    }

    /// Whether a fault strikes at this opportunity, one in so many, and the draws of how.
    pub(super) fn strikes(&mut self, kind: Kind, machine: usize, one_in: u64) -> Option<(Strike, Draws)> {
        let (mut draws, count) = self.next(Purpose::Strike(kind), machine);
        let strike = Strike { kind, machine, count };
        let hit = draws.below(one_in) == 0;
        let listed = self.script.as_ref().is_none_or(|script| script.contains(&strike));
        (hit && listed).then_some((strike, draws))
    }

    /// Notes that a fault struck.
    pub(super) fn note(&mut self, at_ms: u64, strike: Strike, text: String) {
        self.struck.push(Struck { at_ms, strike, text });
    }
}
