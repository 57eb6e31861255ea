//! Small worlds under faults: the real core and real planners, in virtual time, over a network that loses, repeats, delays and reorders.
//!
//! | module | owns |
//! |---|---|
//! | `world` | the events of one world, in order |
//! | [`chance`] | what is left to chance, and the faults that struck |
//! | `happening` | what happens, one thing at a time |
//! | `disturb` | the faults, and the calm afterwards |
//! | `machine` | a host: its planner, its disk, its compute threads |
//! | `effects` | what a machine does with the planner's effects, and what none of them may do |
//! | `server` | the core: blobs, chains, restarts |
//! | `requests` | what each request does to it, and is answered |
//! | `shrink` | fewer faults that break the same |
//!
//! A world has a time of faults and a calm afterwards, in which every job has to come to its end. After each event the invariants are held:
//! of the core (its own check), of the agents (no boundary lost, no computing for a lease that is gone, one thread a device), and of the whole
//! (boundaries are taken only under the job's newest lease, each follows the last, and each job ends with the one right chain). In one world of
//! four a host makes boundaries up, and all jobs are verified in full: they, too, end with the one right chain, unless all other hosts are gone; then
//! a job says that nobody confirmed what is wrong of it.
//!
//! Invariant: a seed is a world; it replays exactly.

pub mod chance;
mod disturb;
mod effects;
mod happening;
mod machine;
mod requests;
mod server;
mod shrink;
mod world;

use std::ops::Range;

use chance::{Script, Struck};
pub use shrink::shrink;

/// A part that works wrongly on purpose, to see that the checks find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// A commit is taken whatever its lease is.
    EpochUnchecked,
    /// Boundaries leave the disk when their commit is sent, not when it is answered.
    DeletedEarly,
    /// A commit that comes twice is entered twice.
    TakenTwice,
    /// The server takes the time from a host's clock.
    ClockBelieved,
    /// A host whose newest checkpoint is torn goes on as if it were whole.
    RollbackForgotten,
    /// What hosts return is believed: no job is verified.
    ResultsBelieved,
    /// What a check found wrong is not taken back.
    WrongKept,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::EpochUnchecked,
        Self::DeletedEarly,
        Self::TakenTwice,
        Self::ClockBelieved,
        Self::RollbackForgotten,
        Self::ResultsBelieved,
        Self::WrongKept,
    ];
}

/// What happened in a world in which all went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Events of the world, and those that the core took.
    pub events: u64,
    /// See above.
    pub core_events: u64,
    /// Jobs, all completed.
    pub jobs: u64,
    /// Requests and answers lost, and requests that came twice.
    pub lost: u64,
    /// See above.
    pub twice: u64,
    /// Crashes of agents, and of the server.
    pub crashes: u64,
    /// See above.
    pub restarts: u64,
    /// Agents that were told to end, and ended.
    pub ended: u64,
    /// Boundaries that were made up, and times a job was taken back behind some.
    pub made_up: u64,
    /// See above.
    pub taken_back: u64,
    /// Jobs that ended wrong since no second host was there, and say so of the segments in question.
    pub unconfirmed: u64,
    /// Digest of everything that happened, in order.
    pub digest: u64,
}

impl Played {
    fn plus(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            core_events: self.core_events + other.core_events,
            jobs: self.jobs + other.jobs,
            lost: self.lost + other.lost,
            twice: self.twice + other.twice,
            crashes: self.crashes + other.crashes,
            restarts: self.restarts + other.restarts,
            ended: self.ended + other.ended,
            made_up: self.made_up + other.made_up,
            taken_back: self.taken_back + other.taken_back,
            unconfirmed: self.unconfirmed + other.unconfirmed,
            digest: self.digest.rotate_left(1) ^ other.digest,
        }
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, {at_ms} ms: {what}\n{}", .before.join("\n"))]
pub struct Broken {
    /// The world.
    pub seed: u64,
    /// When.
    pub at_ms: u64,
    /// What does not hold.
    pub what: String,
    /// What happened before, the newest last.
    pub before: Vec<String>,
    /// The faults that struck, in order.
    pub script: Vec<Struck>,
}

impl Broken {
    /// What broke, whichever job, host and boundary it was: the sentence without its numbers.
    #[must_use]
    pub fn kind(&self) -> String {
        self.what.chars().filter(|c| !c.is_ascii_digit()).collect()
    }
}

/// Plays one world.
///
/// # Errors
/// The first invariant that does not hold, with what happened before.
pub fn play(seed: u64, mutant: Option<Mutant>) -> Result<Played, Box<Broken>> {
    quick(seed, mutant, None)
}

/// Plays one world, and takes the digest of the texts of all that happens, which is slower.
///
/// # Errors
/// See [`play`].
pub fn play_noted(seed: u64, mutant: Option<Mutant>) -> Result<Played, Box<Broken>> {
    world::World::new(seed, mutant, None, true).play()
}

/// Plays a world in which only these of its faults strike.
///
/// # Errors
/// See [`play`].
pub fn replay(seed: u64, mutant: Option<Mutant>, script: Script) -> Result<Played, Box<Broken>> {
    quick(seed, mutant, Some(script))
}

/// A world is played without notes, and once more with them when it breaks.
fn quick(seed: u64, mutant: Option<Mutant>, script: Option<Script>) -> Result<Played, Box<Broken>> {
    let played = world::World::new(seed, mutant, script.clone(), false).play();
    played.or_else(|_| world::World::new(seed, mutant, script, true).play())
}

/// Plays one world after the other, and adds up.
///
/// # Errors
/// The first that is broken.
pub fn campaign(seeds: Range<u64>, mutant: Option<Mutant>) -> Result<Played, Box<Broken>> {
    seeds
        .into_iter()
        .try_fold(Played::default(), |sum, seed| Ok(sum.plus(play(seed, mutant)?)))
}
