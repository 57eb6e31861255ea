//! Runs on hosts: how far each has come when something happens, what of it is committed, and what is lost.

use protocol::http::{Commit, EndAttempt, Heartbeat, JobProgress};
use protocol::{AttemptId, ChainEntry, Digest, ErrorCause, HostId, JobState, Outcome, Verify};
use scheduler::config::CheckKey;
use scheduler::testing::START_MS;
use scheduler::{Config, Event, Reply};

use super::{Context, Moving, Wake, index};
use crate::grid::Grid;

/// The chain that every job has, from C0 to the boundary of so many segments.
pub(super) fn chain(segments: u64) -> Vec<ChainEntry> {
    let mut chain: Vec<ChainEntry> = Vec::new();
    for segment in 0..=segments {
        let content = Digest::of(&segment.to_le_bytes());
        let entry = ChainEntry::next(Digest::of(b"package"), chain.last(), segment * 10, content, content);
        chain.push(entry);
    }
    chain
}

/// A server's secret, from which it follows what it checks; the first one has the usual.
pub(super) fn check_key(server: u64) -> CheckKey {
    match server {
        0 => Config::default().check_key,
        _ => CheckKey(Digest::of(&server.to_le_bytes())),
    }
}

impl Moving {
    pub(super) fn beat(&mut self, now_ms: u64, host: HostId, jobs: Vec<JobProgress>) {
        let beat = Heartbeat {
            clock_ms: START_MS + now_ms,
            rtt_ms: Some(125),
            jobs,
            accepting: true,
            why: None,
            errors: 0,
            instance: None,
        };
        self.apply(
            now_ms,
            &Event::Heartbeat {
                host,
                beat,
                address: host.0,
            },
        );
    }

    /// The head of a host's line computes, up to its end or the boundary at which it is to stop.
    pub(super) fn compute(&mut self, context: &mut Context<'_>, slot: u64, attempt: AttemptId, stops: bool, at_once: bool) {
        let now_ms = context.now_ms;
        let host = context.host(slot);
        let (segment_ms, upload) = (host.time(self.segment_work_ms), host.upload_ms(self.checkpoint_bytes));
        let result = host.upload_ms(self.result_bytes);
        let seat = &mut self.seats[index(slot)];
        let (id, stamp) = (seat.host, seat.stamp + 1);
        let Some(local) = seat.locals.iter_mut().find(|local| local.attempt == attempt) else {
            return;
        };
        let until = local.until;
        let begins = local.grid.is_none();
        let was = (begins, local.stops);
        local.stops = stops;
        let grid = local.grid.get_or_insert(Grid {
            from_ms: local.ready_ms.max(now_ms),
            first: local.reached,
            until,
            segment_ms,
        });
        if was == (false, stops) {
            return;
        }
        grid.until = until;
        let at = match (stops, at_once) {
            (true, true) => {
                let dropped = host.work(grid.unfinished_ms(now_ms)).min(self.segment_work_ms);
                context.ledger.computes(local.job, dropped);
                context.ledger.loses(local.job, dropped);
                now_ms + upload
            }
            (true, false) => grid.next_boundary(now_ms) + upload,
            (false, _) => grid.end() + result,
        };
        if stops {
            grid.until = grid.reached(at - upload);
        }
        seat.stamp = stamp;
        let progress = JobProgress {
            attempt,
            epoch: local.epoch,
            segment: local.reached,
            segment_ms,
        };
        let job = local.job;
        let is_news = local.told_ms.replace(now_ms) != Some(now_ms);
        let commit = grid.next_commit(now_ms, self.commit_ms, upload);
        context.wake(at, Wake::Host(slot, stamp));
        // What is checked is one commit: they cannot be made up later, all in one.
        if let Some(at) = commit.filter(|_| self.verify != Verify::None && !stops) {
            context.wake(at, Wake::Commit(slot, stamp));
        }
        if begins {
            if let Some(job) = job {
                context.ledger.goes(job, now_ms);
            }
            if is_news {
                self.beat(now_ms, id, vec![progress]);
            }
        }
    }

    /// A run stops where it is: what its last segment had done is lost. Commits that were due by now have been made.
    pub(super) fn pause(&mut self, context: &mut Context<'_>, slot: u64, attempt: AttemptId) {
        let now_ms = context.now_ms;
        let host = context.host(slot);
        let upload = host.upload_ms(self.checkpoint_bytes);
        let seat = &mut self.seats[index(slot)];
        seat.stamp += 1;
        let Some(local) = seat.locals.iter_mut().find(|local| local.attempt == attempt) else {
            return;
        };
        let Some(grid) = local.grid.take() else { return };
        let reached = grid.reached(now_ms);
        let unfinished = if reached == grid.until {
            0
        } else {
            host.work(grid.unfinished_ms(now_ms))
        };
        let unfinished = unfinished.min(self.segment_work_ms);
        context
            .ledger
            .computes(local.job, (reached - local.reached) * self.segment_work_ms + unfinished);
        context.ledger.loses(local.job, unfinished);
        local.reached = reached;
        let (safe, commits) = grid.safe(now_ms, self.commit_ms, upload);
        context.ledger.bytes += commits * self.checkpoint_bytes;
        let until = local.until;
        if let Some(job) = local.job.filter(|_| reached < until) {
            context.ledger.stalls(job, now_ms, (until - reached) * self.segment_work_ms);
        }
        // The last boundary is committed with the result.
        if commits > 0 {
            local.arrived = Some(safe.min(until - 1));
        }
        if self.verify != Verify::None {
            self.tell(context, slot, attempt);
        }
    }

    /// The core is told what has arrived at the server.
    pub(super) fn tell(&mut self, context: &mut Context<'_>, slot: u64, attempt: AttemptId) {
        let seat = &mut self.seats[index(slot)];
        let local = seat.locals.iter_mut().find(|local| local.attempt == attempt);
        if let Some(to) = local.and_then(|local| local.arrived.take()) {
            self.commit(context, slot, attempt, to);
        }
    }

    /// A commit of the run on a host has arrived, and it computes on.
    pub(super) fn commit_under_way(&mut self, context: &mut Context<'_>, slot: u64, stamp: u64) {
        let upload = context.host(slot).upload_ms(self.checkpoint_bytes);
        let seat = &self.seats[index(slot)];
        let Some((attempt, grid)) = seat.locals.iter().find_map(|local| Some((local.attempt, local.grid?))) else {
            return;
        };
        let (safe, _) = grid.safe(context.now_ms, self.commit_ms, upload);
        self.commit(context, slot, attempt, safe);
        if let Some(at) = grid.next_commit(context.now_ms, self.commit_ms, upload) {
            context.wake(at, Wake::Commit(slot, stamp));
        }
        self.follow(context);
    }

    /// Boundaries up to `to` are safe.
    pub(super) fn commit(&mut self, context: &mut Context<'_>, slot: u64, attempt: AttemptId, to: u64) {
        let seat = &mut self.seats[index(slot)];
        let host = seat.host;
        let Some(local) = seat.locals.iter_mut().find(|local| local.attempt == attempt) else {
            return;
        };
        if Some(to) <= local.safe {
            return;
        }
        let count = to - local.safe.unwrap_or(0);
        let from = local.safe.replace(to).map_or(0, |safe| index(safe) + 1);
        let (epoch, class, job) = (local.epoch, local.class, local.number);
        let computed_ms = count * context.hosts[index(slot)].time(self.segment_work_ms);
        let entries = self.chain.get(from..=index(to)).unwrap_or_default().to_vec();
        let commit = Commit {
            epoch,
            entries,
            checkpoint: self.chain[index(to)].content,
            outputs: None,
            computed_ms,
            signature: None,
        };
        let event = Event::Commit {
            host,
            attempt,
            commit,
            class,
            bytes: self.checkpoint_bytes,
            outputs_bytes: 0,
            done: false,
        };
        if let Some(Reply::Committed(committed)) = self.apply(context.now_ms, &event)
            && committed.state == JobState::Verifying
        {
            self.verifying.insert(job);
        }
    }

    /// A lease is over: what was not safe is lost.
    pub(super) fn drop_local(&mut self, context: &mut Context<'_>, slot: u64, attempt: AttemptId) {
        let running = self.seats[index(slot)]
            .locals
            .iter()
            .any(|local| local.attempt == attempt && local.grid.is_some());
        if running {
            // The server took it away: it stops without another commit.
            let segment_work_ms = self.segment_work_ms;
            let now_ms = context.now_ms;
            let host = context.host(slot);
            let seat = &mut self.seats[index(slot)];
            seat.stamp += 1;
            if let Some(local) = seat.locals.iter_mut().find(|local| local.attempt == attempt)
                && let Some(grid) = local.grid.take()
            {
                let reached = grid.reached(now_ms);
                let dropped = if reached == grid.until {
                    0
                } else {
                    host.work(grid.unfinished_ms(now_ms))
                };
                let dropped = dropped.min(segment_work_ms);
                context
                    .ledger
                    .computes(local.job, (reached - local.reached) * segment_work_ms + dropped);
                context.ledger.loses(local.job, dropped);
                if let Some(job) = local.job {
                    context.ledger.stalls(job, now_ms, (local.until - reached) * segment_work_ms);
                }
                local.reached = reached;
            }
        }
        let seat = &mut self.seats[index(slot)];
        if let Some(at) = seat.locals.iter().position(|local| local.attempt == attempt) {
            let local = seat.locals.remove(at);
            context
                .ledger
                .loses(local.job, (local.reached - local.safe.unwrap_or(0)) * self.segment_work_ms);
        }
    }

    /// A run is at its end, or at the boundary at which it was to stop, and all of it has arrived at the server.
    pub(super) fn arrived(&mut self, context: &mut Context<'_>, slot: u64) {
        let seat = &self.seats[index(slot)];
        let host = seat.host;
        let Some(local) = seat.locals.iter().find(|local| local.grid.is_some()) else {
            return;
        };
        let (attempt, epoch, job, stops) = (local.attempt, local.epoch, local.job, local.stops);
        let (number, until) = (local.number, local.until);
        let at_end = local.grid.is_some_and(|grid| grid.reached(context.now_ms) == until);
        self.pause(context, slot, attempt);
        let local = self.seats[index(slot)].locals.iter().find(|local| local.attempt == attempt);
        let reached = local.map_or(0, |local| local.reached);
        context.ledger.bytes += if at_end { self.result_bytes } else { self.checkpoint_bytes };
        self.commit(context, slot, attempt, reached);
        if at_end {
            if let Some(job) = job.filter(|_| !self.verifying.contains(&number)) {
                context.ledger.done(job, context.now_ms);
            }
        } else if stops {
            let end = EndAttempt {
                epoch,
                outcome: Outcome::Migrated,
                cause: ErrorCause::Host,
                message: String::new(),
            };
            self.apply(context.now_ms, &Event::End { host, attempt, end });
        }
        self.drop_local(context, slot, attempt);
        self.follow(context);
        self.obey(context, slot);
        self.follow(context);
    }
}
