//! Who computes what. Three policies over the same hosts and jobs.
//!
//! | module | owns |
//! |---|---|
//! | `ledger` | jobs, and what was computed, lost and moved |
//! | `fixed` | jobs that stay on the host that got them: batch, and checkpoint on the same host |
//! | `moving` | the serving core: leases, commits, migration |

mod fixed;
mod ledger;
mod moving;

pub(crate) use fixed::Fixed;
pub(crate) use ledger::{Ledger, Outcome};
pub(crate) use moving::Moving;

use crate::population::{Change, Host};
use crate::timeline::Timeline;

/// Something a policy waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// A host's run is at a point that matters. The second number tells whether it still does.
    Host(u64, u64),
    /// A commit of a host's run has arrived, where commits are events. The second number tells whether it still does.
    Commit(u64, u64),
    /// A job's deadline, with the number of the issue.
    Deadline(u64, u64),
    /// A host has been silent for as long as it takes to give up what it was doing. With the number of its absence.
    Silent(u64, u64),
    /// An urgent job is submitted.
    Urgent,
}

/// What comes up in a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A change of a slot's host in its generation.
    Change(u64, u64, Change),
    /// What a policy waits for.
    Wake(Wake),
}

/// What a policy is given with each event.
pub(crate) struct Context<'a> {
    pub(crate) now_ms: u64,
    pub(crate) timeline: &'a mut Timeline<Event>,
    /// The hosts in the slots now.
    pub(crate) hosts: &'a [Host],
    pub(crate) ledger: &'a mut Ledger,
}

impl Context<'_> {
    pub(crate) fn wake(&mut self, at_ms: u64, wake: Wake) {
        self.timeline.put(at_ms, Event::Wake(wake));
    }

    pub(crate) fn host(&self, slot: u64) -> &Host {
        &self.hosts[index(slot)]
    }
}

pub(crate) fn index(number: u64) -> usize {
    usize::try_from(number).expect("numbers of hosts and jobs count rows in memory")
}

/// A way to use hosts.
pub(crate) trait Policy {
    /// A new host is in a slot; it has not gone on yet.
    fn arrive(&mut self, context: &mut Context<'_>, slot: u64);
    /// A host's state changed; its next change comes at `next_ms`, if any does.
    fn change(&mut self, context: &mut Context<'_>, slot: u64, change: Change, next_ms: Option<u64>);
    /// What was waited for is there.
    fn wake(&mut self, context: &mut Context<'_>, wake: Wake);
    /// A job that was just entered in the ledger is to be computed.
    fn submit(&mut self, context: &mut Context<'_>, job: u64);
    /// Whether no job waits, though hosts could take one.
    fn is_short(&self) -> bool {
        false
    }
    /// When the policy has something due by itself.
    fn due_ms(&self) -> Option<u64> {
        None
    }
    /// Does what is due by now.
    fn tick(&mut self, _context: &mut Context<'_>) {}
    /// Events of the serving core so far.
    fn core_events(&self) -> u64 {
        0
    }
    /// The first of the core's invariants that does not hold.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}
