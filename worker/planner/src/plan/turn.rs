//! What this project's planner says to the choice between several projects of one agent ([`crate::shares`]): whether it has work, and what it holds.

use std::collections::BTreeSet;

use super::Planner;
use crate::input::Server;
use crate::job::Job;
use crate::reason::Declined;
use crate::shares::Demand;

/// Whether the server was told that new jobs are taken, and what is here, since a job came or went last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    No,
    UnderWay,
    Answered,
}

impl Planner {
    /// A job came or went: what the server said before of further work does not hold any more.
    pub(super) fn ask_anew(&mut self) {
        self.asked = Asked::No;
        self.hurry();
    }

    /// A heartbeat was answered.
    pub(super) fn work_is_answered(&mut self) {
        match self.asked {
            Asked::UnderWay => self.asked = Asked::Answered,
            Asked::Answered => {}
            Asked::No => self.hurry(),
        }
    }

    /// Other projects wait for the answer.
    fn hurry(&mut self) {
        if self.turn.is_shared && self.declined().is_none() {
            self.beat_due = self.now;
        }
    }

    /// What is known of this project's work.
    #[must_use]
    pub fn demand(&self) -> Demand {
        let is_own = |why: Declined| !matches!(why, Declined::Elsewhere(_));
        let goes_home = !self.jobs.is_empty() && self.jobs.values().all(Job::is_stopped);
        match () {
            () if self.declined().is_some_and(is_own) || matches!(self.server, Server::Away(_)) => Demand::Nothing,
            () if self.orders.as_ref().is_some_and(|orders| orders.offers > 0) => Demand::Work,
            () if self.asked == Asked::Answered && !goes_home => Demand::Nothing,
            () => Demand::Unknown,
        }
    }

    /// Devices for which jobs are here that are not computed yet.
    #[must_use]
    pub fn holds(&self) -> BTreeSet<String> {
        let open = self.jobs.values().filter(|job| !job.is_stopped());
        open.map(|job| job.lease.device.clone()).collect()
    }

    /// Devices that compute.
    pub fn computes(&self) -> impl Iterator<Item = &str> {
        let running = self.slots.iter().filter(|slot| slot.running.is_some());
        running.map(|slot| slot.device.as_str())
    }
}
