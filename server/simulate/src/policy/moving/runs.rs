//! Runs on hosts: how far each has come when something happens, what of it is committed, and what is lost.

use protocol::http::{Commit, EndAttempt, Heartbeat, JobProgress};
use protocol::{AttemptId, ChainEntry, Digest, ErrorCause, HostId, Outcome};
use scheduler::Event;
use scheduler::testing::START_MS;

use super::{Context, Moving, index};

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
        context.ledger.computed += (reached - local.reached) * self.segment_work_ms + unfinished;
        context.ledger.lost += unfinished;
        local.reached = reached;
        let (safe, commits) = grid.safe(now_ms, self.commit_ms, upload);
        context.ledger.bytes += commits * self.checkpoint_bytes;
        let job = local.job;
        if reached < self.segments {
            context
                .ledger
                .stalls(job, now_ms, (self.segments - reached) * self.segment_work_ms);
        }
        // The last boundary is committed with the result.
        if commits > 0 {
            self.commit(context, slot, attempt, safe.min(self.segments - 1));
        }
    }

    /// Boundaries up to `to` are safe.
    pub(super) fn commit(&mut self, context: &mut Context<'_>, slot: u64, attempt: AttemptId, to: u64) {
        let seat = &mut self.seats[index(slot)];
        let host = seat.host;
        let Some(local) = seat.locals.iter_mut().find(|local| local.attempt == attempt) else {
            return;
        };
        if to <= local.safe {
            return;
        }
        let count = to - local.safe;
        local.safe = to;
        let (epoch, class, job) = (local.epoch, local.class, protocol::JobId(local.job + 1));
        let computed_ms = count * context.hosts[index(slot)].time(self.segment_work_ms);
        let from = self.core.last_entry(job).map_or(0, |entry| index(entry.segment) + 1);
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
        };
        self.apply(context.now_ms, &event);
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
                context.ledger.computed += (reached - local.reached) * segment_work_ms + dropped;
                context.ledger.lost += dropped;
                context
                    .ledger
                    .stalls(local.job, now_ms, (self.segments - reached) * segment_work_ms);
                local.reached = reached;
            }
        }
        let seat = &mut self.seats[index(slot)];
        if let Some(at) = seat.locals.iter().position(|local| local.attempt == attempt) {
            let local = seat.locals.remove(at);
            context.ledger.lost += (local.reached - local.safe) * self.segment_work_ms;
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
        let at_end = local.grid.is_some_and(|grid| grid.reached(context.now_ms) == self.segments);
        self.pause(context, slot, attempt);
        let local = self.seats[index(slot)].locals.iter().find(|local| local.attempt == attempt);
        let reached = local.map_or(0, |local| local.reached);
        context.ledger.bytes += if at_end { self.result_bytes } else { self.checkpoint_bytes };
        self.commit(context, slot, attempt, reached);
        if at_end {
            context.ledger.done(job, context.now_ms);
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
