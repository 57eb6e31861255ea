//! What follows from a wrong result: its host has no work for a while and is checked in full afterwards, and what rests on its word alone is void.

use protocol::{HostId, JobId, JobState, Outcome};

use super::super::Then;
use crate::tables::{Job, Safe, Span, SpanState, Suspension, Timer};
use crate::{Command, Core, Refusal};

/// Wrong results that a referee found, after which a host stays without work until an operator forgives it.
const REFEREED_MAX: u32 = 3;

impl Core {
    /// A host returned a wrong result.
    pub(super) fn convict(&mut self, id: HostId, refereed: bool, reason: &str) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(id) else { return };
        host.faults = host.faults.saturating_add(1);
        host.records.iter_mut().for_each(|record| record.passed = 0);
        if refereed {
            host.credit.forfeit();
        }
        let doublings = (host.faults - 1).min(20);
        let pause = self.config.suspect_ms.saturating_mul(1 << doublings);
        let is_out = refereed && host.faults >= REFEREED_MAX;
        let until_ms = if is_out { u64::MAX } else { now_ms.saturating_add(pause) };
        host.suspended = Some(Suspension {
            until_ms,
            refereed,
            reason: reason.to_owned(),
        });
        if !is_out {
            self.timers.set(Timer::Parole(id), until_ms);
        }
        self.evict(id, "returned a wrong result elsewhere");
        self.pending.hosts.insert(id);
        self.touch(id);
        self.void(id);
    }

    /// Takes every job that has not ended back to before the first span that rests on a host's word alone.
    fn void(&mut self, host: HostId) {
        let rests = |job: &&Job| !job.state().is_final() && job.spans.iter().any(|span| self.rests_on(span, host));
        let jobs: Vec<JobId> = self.jobs.values().filter(rests).map(|job| job.id).collect();
        let label = self.hosts.label(host);
        for id in jobs {
            let rests = |job: &Job| job.spans.iter().position(|span| self.rests_on(span, host));
            if let Some(index) = self.jobs.get(id).and_then(rests) {
                self.roll_back(
                    id,
                    index,
                    &format!("what {label} brought home is void, a check found a wrong result of it"),
                );
            }
        }
        // What it confirmed for others is confirmed by others.
        let confirmed = |job: &&Job| !job.state().is_final() && job.spans.iter().any(|span| span.state.witness() == Some(host));
        let jobs: Vec<JobId> = self.jobs.values().filter(confirmed).map(|job| job.id).collect();
        for id in jobs {
            let spans = self.jobs.get(id).map_or(0, |job| job.spans.len());
            for index in 0..spans {
                self.confirm_again(id, index, host);
            }
        }
        // Its word in checks that go on counts no more.
        let heard = |job: &&Job| {
            job.check
                .as_ref()
                .is_some_and(|check| check.votes.iter().skip(1).any(|vote| vote.host == host))
        };
        let checks: Vec<JobId> = self.jobs.values().filter(heard).map(|job| job.id).collect();
        for id in checks {
            if let Some(check) = self.jobs.get_mut(id).and_then(|job| job.check.as_mut()) {
                let owner = check.votes.first().map(|vote| vote.host);
                check.votes.retain(|vote| vote.host != host || Some(host) == owner);
                let agreeing = |digest| check.votes.iter().filter(|vote| vote.digest == digest).count();
                check.agreed = check.agreed.filter(|digest| agreeing(*digest) > 1);
                check.failed.push(host);
            }
        }
    }

    /// Whether a span rests on the word of a host alone, or on that of two that both returned wrong results.
    fn rests_on(&self, span: &Span, host: HostId) -> bool {
        match span.state.witness() {
            None => span.host == host,
            Some(witness) => [span.host, witness].contains(&host) && self.is_confirmed_among_liars(span),
        }
    }

    /// Whether both hosts that stand for a span returned wrong results.
    fn is_confirmed_among_liars(&self, span: &Span) -> bool {
        let lied = |host: HostId| self.hosts.get(host).is_some_and(|host| host.faults > 0);
        span.state.witness().is_some_and(lied) && lied(span.host)
    }

    /// A span that a host confirmed, whose own result was wrong elsewhere, is checked again.
    fn confirm_again(&mut self, id: JobId, index: usize, host: HostId) {
        let Some(job) = self.jobs.get(id) else { return };
        let Some(span) = job.spans.get(index).filter(|span| span.state.witness() == Some(host)) else {
            return;
        };
        let span = span.clone();
        if let Some(owner) = self.hosts.get_mut(span.host) {
            let record = owner.record_mut(span.class);
            record.passed = record.passed.saturating_sub(1);
        }
        self.take_credit_back(&span);
        if let Some(span) = self.jobs.get_mut(id).and_then(|job| job.spans.get_mut(index)) {
            span.credit = None;
        }
        self.open(id, index);
    }

    /// Takes a job back to before one of its spans.
    pub(super) fn roll_back(&mut self, id: JobId, index: usize, because: &str) {
        let Some(job) = self.jobs.get(id) else { return };
        let (was, attempt) = (job.segment(), job.attempt());
        let (start, from) = (job.spans[index].start.clone(), job.spans[index].from);
        let reason = format!("goes back to boundary {from} from {was}: {because}");
        if let Some(attempt) = attempt {
            let stop = self.attempts.get(attempt).and_then(|attempt| attempt.stop.clone());
            let then = match stop.filter(|stop| stop.cause == crate::tables::Cause::Hold) {
                Some(stop) => Then::Hold(stop.reason),
                None => Then::Requeue(None, reason.clone()),
            };
            self.finish(attempt, Outcome::Aborted, then);
        }
        self.dequeue(id);
        self.cut(id, index, start);
        let Some(job) = self.jobs.get(id) else { return };
        let state = match job.state() {
            JobState::Verifying => JobState::Queued,
            other => other,
        };
        self.change(id, state, reason);
        if state != JobState::Held {
            self.enqueue(id);
        }
    }

    /// Results of a span differed, and nothing decided between them: the job is held before it.
    pub(super) fn give_up(&mut self, check: JobId, reason: &str) {
        let Some(row) = self.jobs.get(check) else { return };
        let of = row.shown_id();
        let votes = row.check.iter().flat_map(|check| &check.votes);
        let labels: Vec<String> = votes.map(|vote| self.hosts.label(vote.host)).collect();
        let Some(job) = self.jobs.get(of) else { return };
        let open = |span: &Span| span.state == SpanState::Open(check);
        let Some(index) = job.spans.iter().position(open) else {
            return;
        };
        let (span, attempt) = (job.spans[index].clone(), job.attempt());
        let reason = format!(
            "segments {} to {} came out differently on {}, and nothing decided between them ({reason}): baton release {of} computes them again",
            span.from + 1,
            span.to,
            labels.join(" and ")
        );
        match attempt {
            Some(attempt) => self.finish(attempt, Outcome::Aborted, Then::Hold(reason.clone())),
            None => self.dequeue(of),
        }
        self.cut(of, index, span.start);
        self.change(of, JobState::Held, reason);
    }

    /// Forgets the spans of a job from one on, with their checks and boundaries: its last safe one is `start`.
    fn cut(&mut self, id: JobId, index: usize, start: Option<Safe>) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let spans = job.spans.split_off(index);
        let last = std::mem::replace(&mut job.safe, start);
        let segment = job.safe.as_ref().map(|safe| safe.entry.segment);
        for span in &spans {
            if let SpanState::Open(check) = span.state {
                self.drop_check(check);
            }
            if self.is_confirmed_among_liars(span) {
                self.take_credit_back(span);
            }
        }
        for blob in spans
            .iter()
            .filter_map(|span| span.start.as_ref())
            .chain(&last)
            .map(|safe| safe.blob)
        {
            self.supersede(id, Some(blob));
        }
        self.commands.push(match segment {
            Some(segment) => Command::ChainCut(id, segment),
            None => Command::ChainReset(id),
        });
    }

    /// A job starts over or has ended: none of its spans is checked or gone back to any more.
    pub(in crate::rules) fn forget_checks(&mut self, id: JobId, keep_spans: bool) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        let starts: Vec<_> = job.spans.iter_mut().filter_map(|span| span.start.take()).collect();
        let open: Vec<JobId> = job.open_checks().collect();
        for span in &mut job.spans {
            if matches!(span.state, SpanState::Open(_)) {
                span.state = SpanState::Lapsed("its job ended before".to_owned());
            }
        }
        if !keep_spans {
            job.spans.clear();
        }
        for check in open {
            self.drop_check(check);
        }
        for start in starts {
            self.supersede(id, Some(start.blob));
        }
    }

    /// A host may have work again, and is checked in full.
    pub(in crate::rules) fn parole(&mut self, id: HostId) {
        if let Some(host) = self.hosts.get_mut(id)
            && host
                .suspended
                .as_ref()
                .is_some_and(|suspended| suspended.until_ms <= self.now_ms)
        {
            host.suspended = None;
            self.pending.hosts.insert(id);
            self.touch(id);
        }
    }

    /// An operator forgives a host what checks found, or lets it have work again.
    pub(crate) fn forgive(&mut self, id: HostId, by: &str) -> Result<(), Refusal> {
        let host = self.hosts.get_mut(id).ok_or(Refusal::NoHost(id))?;
        if host.suspended.is_none() && host.drained.is_none() && host.faults == 0 {
            return Err(Refusal::State(format!(
                "host {id} has nothing to be forgiven, and is not drained"
            )));
        }
        (host.suspended, host.drained, host.faults) = (None, None, 0);
        let state = host.state();
        self.timers.clear(Timer::Parole(id));
        // A log of an older version does not say by whom, and left the reason as it was.
        if !by.is_empty() {
            self.set_state(id, state, &format!("forgiven by {by}"));
        }
        self.pending.hosts.insert(id);
        self.touch(id);
        Ok(())
    }
}
