//! Jobs that stay on the host that got them. *Batch*: a job is computed without interruption or is lost. *Same host*: it goes on from its
//! last boundary when its host is back. In both the server hears nothing until the result comes; a job without result at its deadline is given to
//! another host from the beginning, as BOINC does, and the first result counts. Other copies are told at once, which is kinder than reality.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Context, Policy, Wake};
use crate::grid::Grid;
use crate::parameters::Parameters;
use crate::population::{Change, HOUR};

/// A job on a host.
#[derive(Clone, Copy, Debug)]
struct Copy {
    job: u64,
    /// The boundary on disk.
    reached: u64,
    /// While it computes.
    grid: Option<Grid>,
}

#[derive(Clone, Debug, Default)]
struct Seat {
    up: bool,
    copy: Option<Copy>,
    /// Number of the newest wake-up; older ones are void.
    stamp: u64,
}

/// The policy.
#[derive(Debug)]
pub(crate) struct Fixed {
    /// Whether a copy survives its host's going down.
    checkpoints: bool,
    segments: u64,
    segment_work_ms: u64,
    deadline_ms: u64,
    fetch_bytes: u64,
    result_bytes: u64,
    seats: Vec<Seat>,
    waiting: VecDeque<u64>,
    /// Slots that are up and have nothing.
    free: BTreeSet<u64>,
    /// Slots that hold a copy of a job, and how often it was issued.
    issued: BTreeMap<u64, (Vec<u64>, u64)>,
}

impl Fixed {
    pub(crate) fn new(parameters: &Parameters, slots: u64, checkpoints: bool) -> Self {
        let jobs = &parameters.jobs;
        Self {
            checkpoints,
            segments: jobs.segments,
            segment_work_ms: (jobs.segment_s * 1000.0) as u64,
            deadline_ms: (parameters.policies.deadline_h * HOUR as f64) as u64,
            fetch_bytes: (jobs.package_mb * 1e6) as u64,
            result_bytes: (jobs.result_mb * 1e6) as u64,
            seats: vec![Seat::default(); super::index(slots)],
            waiting: VecDeque::new(),
            free: BTreeSet::new(),
            issued: BTreeMap::new(),
        }
    }

    /// A host without work takes the next job, if one waits.
    fn take(&mut self, context: &mut Context<'_>, slot: u64) {
        if !self.seats[super::index(slot)].up {
            return;
        }
        let mut next = self.waiting.pop_front();
        while next.is_some_and(|job| context.ledger.is_done(job)) {
            // It was late, and waited to be issued again.
            next = self.waiting.pop_front();
        }
        let Some(job) = next else {
            self.free.insert(slot);
            return;
        };
        self.free.remove(&slot);
        let (holders, issues) = self.issued.entry(job).or_default();
        holders.push(slot);
        *issues += 1;
        let issue = *issues;
        context.ledger.restarts += u64::from(issue > 1);
        context.wake(context.now_ms + self.deadline_ms, Wake::Deadline(job, issue));
        context.ledger.bytes += self.fetch_bytes;
        let from_ms = context.now_ms + context.host(slot).download_ms(self.fetch_bytes);
        self.seats[super::index(slot)].copy = Some(Copy {
            job,
            reached: 0,
            grid: None,
        });
        self.go(context, slot, from_ms);
    }

    /// A copy computes from its boundary on.
    fn go(&mut self, context: &mut Context<'_>, slot: u64, from_ms: u64) {
        let host = context.host(slot);
        let (segment_ms, upload) = (host.time(self.segment_work_ms), host.upload_ms(self.result_bytes));
        let seat = &mut self.seats[super::index(slot)];
        let Some(copy) = &mut seat.copy else { return };
        let grid = Grid {
            from_ms,
            first: copy.reached,
            until: self.segments,
            segment_ms,
        };
        copy.grid = Some(grid);
        seat.stamp += 1;
        context.ledger.goes(copy.job, context.now_ms);
        let wake = Wake::Host(slot, seat.stamp);
        context.wake(grid.end() + upload, wake);
    }

    /// A copy stops computing where it is.
    fn stop(&mut self, context: &mut Context<'_>, slot: u64) {
        let seat = &mut self.seats[super::index(slot)];
        seat.stamp += 1;
        let Some((copy, grid)) = seat.copy.as_mut().and_then(|copy| copy.grid.take().map(|grid| (copy, grid))) else {
            return;
        };
        let reached = grid.reached(context.now_ms);
        let unfinished = if reached == grid.until {
            0
        } else {
            grid.unfinished_ms(context.now_ms)
        };
        let unfinished = context.hosts[super::index(slot)].work(unfinished).min(self.segment_work_ms);
        context.ledger.computed += (reached - copy.reached) * self.segment_work_ms + unfinished;
        context.ledger.lost += unfinished;
        copy.reached = reached;
        let left = (self.segments - reached) * self.segment_work_ms;
        if left > 0 {
            context.ledger.stalls(copy.job, context.now_ms, left);
        }
    }

    /// A copy is void.
    fn discard(&mut self, context: &mut Context<'_>, slot: u64) {
        self.stop(context, slot);
        let Some(copy) = self.seats[super::index(slot)].copy.take() else {
            return;
        };
        context.ledger.lost += copy.reached * self.segment_work_ms;
        if let Some((holders, _)) = self.issued.get_mut(&copy.job) {
            holders.retain(|holder| *holder != slot);
        }
    }

    fn finish(&mut self, context: &mut Context<'_>, slot: u64) {
        self.stop(context, slot);
        let Some(copy) = self.seats[super::index(slot)].copy.take() else {
            return;
        };
        context.ledger.bytes += self.result_bytes;
        context.ledger.done(copy.job, context.now_ms);
        let (holders, _) = self.issued.remove(&copy.job).unwrap_or_default();
        for other in holders.into_iter().filter(|holder| *holder != slot) {
            self.discard(context, other);
            self.take(context, other);
        }
        self.take(context, slot);
    }
}

impl Policy for Fixed {
    fn arrive(&mut self, _context: &mut Context<'_>, slot: u64) {
        let seat = &mut self.seats[super::index(slot)];
        *seat = Seat {
            stamp: seat.stamp + 1,
            ..Seat::default()
        };
    }

    fn change(&mut self, context: &mut Context<'_>, slot: u64, change: Change, _next_ms: Option<u64>) {
        match change {
            Change::Announce { .. } => {}
            Change::Up => {
                self.seats[super::index(slot)].up = true;
                if self.seats[super::index(slot)].copy.is_some() {
                    self.go(context, slot, context.now_ms);
                } else {
                    self.take(context, slot);
                }
            }
            Change::Down | Change::Gone => {
                self.seats[super::index(slot)].up = false;
                self.free.remove(&slot);
                self.stop(context, slot);
                if !self.checkpoints || change == Change::Gone {
                    self.discard(context, slot);
                }
            }
        }
    }

    fn wake(&mut self, context: &mut Context<'_>, wake: Wake) {
        match wake {
            Wake::Host(slot, stamp) if self.seats[super::index(slot)].stamp == stamp => self.finish(context, slot),
            Wake::Deadline(job, issue) => {
                let current = self.issued.get(&job).is_some_and(|(_, issues)| *issues == issue);
                if current && !context.ledger.is_done(job) {
                    self.submit(context, job);
                }
            }
            Wake::Host(..) | Wake::Commit(..) | Wake::Silent(..) | Wake::Urgent => {}
        }
    }

    fn is_short(&self) -> bool {
        self.waiting.is_empty()
    }

    fn submit(&mut self, context: &mut Context<'_>, job: u64) {
        // What is urgent, or late, comes first.
        if context.ledger.is_urgent(job) || self.issued.contains_key(&job) {
            self.waiting.push_front(job);
        } else {
            self.waiting.push_back(job);
        }
        if let Some(slot) = self.free.first().copied() {
            self.take(context, slot);
        }
    }
}
