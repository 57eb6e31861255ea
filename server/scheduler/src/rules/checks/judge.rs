//! Results of checks, held against what was committed.
//!
//! Equal digests of two hosts that nothing connects decide a span; a referee decides alone, and confirms a share of what two agree on. Until then
//! another host computes it.

use protocol::{AttemptId, HostId, JobId, JobState, Outcome, Tier};

use super::place::is_proven;
use crate::Core;
use crate::tables::{Attempt, Credit, Host, Job, Safe, SpanState, Vote, driver_of};

/// Results of a span that are all different, after which it is given up.
const VOTES_MAX: usize = 5;

impl Core {
    /// Boundaries of a check come home, which took so long to compute. The number of the last, and the state that its host is told.
    pub(in crate::rules) fn keep_check(
        &mut self,
        id: JobId,
        attempt: AttemptId,
        safe: Safe,
        computed_ms: u64,
    ) -> (u64, JobState) {
        let (segment, now_ms) = (safe.entry.segment, self.now_ms);
        let Some(row) = self.jobs.get_mut(id) else {
            return (segment, JobState::Completed);
        };
        let (of, package) = (row.shown_id(), row.package);
        let segments = segment.saturating_sub(row.segment());
        let before = row.safe.replace(safe);
        // Where the package ended the run before the span's end, that is this host's result.
        let until = row.until();
        if let Some(host) = self.attempts.get(attempt).map(|attempt| attempt.device.host) {
            self.note_cost(host, package, segments, computed_ms);
        }
        if let Some(attempt) = self.attempts.get_mut(attempt) {
            let computed_ms = now_ms.saturating_sub(attempt.charged_ms);
            attempt.segment = attempt.segment.max(segment);
            attempt.charged_ms = now_ms;
            attempt.shielded = false;
            self.jobs.serve(id, computed_ms);
        }
        self.supersede(of, before.map(|safe| safe.blob));
        if segment < until {
            self.sync_yield(attempt);
            return (segment, JobState::Running);
        }
        self.finish(
            attempt,
            Outcome::Success,
            super::super::Then::Final(JobState::Completed, String::new()),
        );
        (segment, JobState::Completed)
    }

    /// A checkpoint that belonged to a job or its checks is not needed any more, unless the job still names it.
    pub(in crate::rules) fn supersede(&mut self, of: JobId, blob: Option<protocol::Digest>) {
        let Some(blob) = blob else { return };
        let needs = |id: &JobId| self.jobs.get(*id).is_some_and(|job| job.needs_checkpoint(blob));
        let checks: Vec<JobId> = self.jobs.get(of).map_or_else(Vec::new, |job| job.open_checks().collect());
        if !needs(&of) && !checks.iter().any(needs) {
            self.commands.push(crate::Command::Superseded(blob));
        }
    }

    /// An attempt at a check is over.
    pub(in crate::rules) fn check_over(&mut self, attempt: &Attempt, outcome: Outcome) {
        let (id, host) = (attempt.job, attempt.device.host);
        let driver = driver_of(self.hosts.classes(attempt.device));
        let Some(row) = self.jobs.get_mut(id) else { return };
        let of = row.shown_id();
        let Some(check) = row.check.as_mut() else { return };
        if outcome == Outcome::Success {
            let Some(safe) = &row.safe else { return };
            check.votes.push(Vote {
                host,
                digest: safe.entry.digest,
                driver,
                signed: safe.signed,
            });
        } else if matches!(outcome, Outcome::ClientError | Outcome::Mismatch) {
            check.failed.push(host);
        }
        let failures = check.failed.len();
        // Each host computes all of it: nothing rests on what another one began.
        let reached = std::mem::replace(&mut row.safe, check.start.clone());
        self.supersede(of, reached.map(|safe| safe.blob));
        if failures >= self.config.failures_max {
            self.lapse(id, &format!("{failures} hosts could not compute it"));
        } else if outcome == Outcome::Success {
            self.judge(id, host);
        } else {
            self.wait_for_device(id);
        }
    }

    /// A host has given a result: it decides, or another host computes the span, too.
    fn judge(&mut self, id: JobId, newest: HostId) {
        let Some(row) = self.jobs.get(id) else { return };
        let Some(check) = &row.check else { return };
        let Some(last) = check.votes.last().cloned() else { return };
        let refereed = self.hosts.get(newest).is_some_and(|host| host.origin().referee);
        let agreeing = check.votes.iter().filter(|vote| vote.digest == last.digest).count();
        if !refereed && agreeing > 1 && self.is_audited(row) {
            if let Some(check) = self.jobs.get_mut(id).and_then(|row| row.check.as_mut()) {
                check.agreed = Some(last.digest);
            }
            self.wait_for_device(id);
        } else if refereed || agreeing > 1 {
            self.decide(id, last.digest, refereed);
        } else if check.votes.len() >= VOTES_MAX {
            let votes = check.votes.len();
            self.lapse(id, &format!("{votes} hosts gave {votes} different results"));
        } else {
            let of = row.shown_id();
            let (first, to) = (check.start.as_ref().map_or(0, |start| start.entry.segment) + 1, row.until());
            let labels: Vec<String> = check.votes.iter().map(|vote| self.hosts.label(vote.host)).collect();
            let reason = format!(
                "segments {first} to {to} came out differently on {}: another host computes them",
                labels.join(" and ")
            );
            if let Some(state) = self.jobs.get(of).map(Job::state) {
                self.change(of, state, reason);
            }
            let wants_proven = self.jobs.get(id).is_some_and(|row| {
                let class = row.check.as_ref().map(|check| check.class);
                let may = |host: &Host| host.may_come(self.now_ms) && self.may_check(row, host);
                class.is_some_and(|class| self.hosts.values().any(|host| is_proven(host, class) && may(host)))
            });
            if let Some(check) = self.jobs.get_mut(id).and_then(|row| row.check.as_mut()) {
                check.wants_proven = wants_proven;
            }
            self.wait_for_device(id);
        }
    }

    /// A span has this digest: it passes or is void, and hosts that gave another one are suspended.
    pub(super) fn decide(&mut self, id: JobId, digest: protocol::Digest, refereed: bool) {
        let Some(row) = self.jobs.get(id) else { return };
        let (of, to, package) = (row.shown_id(), row.until(), row.package);
        let Some(check) = row.check.clone() else { return };
        self.drop_check(id);
        let Some((owner, others)) = check.votes.split_first() else {
            return;
        };
        let agreeing = others.iter().rev().find(|vote| vote.digest == digest);
        let (witness, confirmed) = (agreeing.map(|vote| vote.host), agreeing.and_then(|vote| vote.signed));
        if let (true, Some(witness)) = (owner.digest == digest, witness) {
            let cost_ms = self.costs.of(package);
            let spans = self.jobs.get_mut(of).into_iter().flat_map(|job| job.spans.iter_mut());
            let mut credit = None;
            for span in spans.filter(|span| span.state == SpanState::Open(id)) {
                (span.state, span.confirmed) = (SpanState::Passed(witness), confirmed);
                span.credit = Some(Credit::of(span.to - span.from, cost_ms));
                credit = span.credit;
            }
            self.credit([owner.host, witness], credit);
            if let Some(host) = self.hosts.get_mut(owner.host) {
                let record = host.record_mut(check.class);
                record.passed = record.passed.saturating_add(1);
                record.checker = Some(witness);
            }
        }
        let first = check.start.as_ref().map_or(0, |start| start.entry.segment) + 1;
        let portable = check.class.tier == Tier::Portable;
        let right = || check.votes.iter().filter(|vote| vote.digest == digest);
        for driver in right().filter_map(|vote| vote.driver).filter(|_| portable) {
            if refereed || right().any(|other| other.driver != Some(driver)) {
                self.drivers.note_right(driver, package);
            }
        }
        for vote in check.votes.iter().filter(|vote| vote.digest != digest) {
            let witness = witness.map(|host| self.hosts.label(host)).unwrap_or_default();
            let by = if refereed { "the referee" } else { "two others" };
            let reason = format!(
                "segments {first} to {to} of job {of} ended in {} on it, {by} found {} (decided by {witness})",
                vote.digest.short(),
                digest.short()
            );
            self.convict(vote.host, refereed, &reason);
            if let (true, Some(driver)) = (refereed && portable, vote.driver) {
                self.blame(driver, vote.host, package);
            }
        }
        // A span that was voided is no span of the job any more.
        self.checked(of);
    }
}
