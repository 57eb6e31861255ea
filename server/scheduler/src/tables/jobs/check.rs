//! Where each boundary of a job came from, and checks: stretches of a job that are computed a second time.
//!
//! A check is a row of the same table as jobs, under a number of its own that nothing outside the scheduler sees: a host gets it in a lease
//! under the number, name and epoch of the job that it belongs to.
//!
//! Invariant: the spans of a job follow each other from its first boundary to its last safe one; a span is *open* exactly while the check that
//! it names is a row.

use protocol::http::HostSignature;
use protocol::{Digest, HardwareClass, HostId, JobId};
use serde::{Deserialize, Serialize};

use super::Jobs;
use super::job::{Job, Safe};
use crate::tables::credit::Credit;

/// Numbers of checks begin here: far above those of jobs.
pub(crate) const FIRST_CHECK: u64 = 1 << 62;

/// A stretch of boundaries that one host brought home, from one checkpoint to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Span {
    /// The boundary that it begins from.
    pub(crate) from: u64,
    /// The checkpoint there; none for C0.
    pub(crate) start: Option<Safe>,
    /// The boundary that it ends at.
    pub(crate) to: u64,
    /// Digest of the chain there: it covers every boundary before.
    pub(crate) digest: Digest,
    pub(crate) host: HostId,
    pub(crate) class: HardwareClass,
    /// The driver of the device that computed it.
    #[serde(default)]
    pub(crate) driver: Option<HardwareClass>,
    pub(crate) state: SpanState,
    /// Its host's word for the boundary at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<HostSignature>,
    /// The word of the host that confirmed it, while it is passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) confirmed: Option<HostSignature>,
    /// What its host and the one that confirmed it are credited with, each, while it is passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credit: Option<Credit>,
}

/// What is known of a span beside its host's word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum SpanState {
    /// It was not chosen.
    Unchecked,
    /// It is being checked.
    Open(JobId),
    /// This host computed it, too, to the same digest.
    Passed(HostId),
    /// It was chosen, but not decided in time, for this reason.
    Lapsed(String),
}

impl SpanState {
    /// The check that goes on.
    pub(crate) fn open(&self) -> Option<JobId> {
        match self {
            Self::Open(check) => Some(*check),
            _ => None,
        }
    }

    /// The host that computed it, too.
    pub(crate) fn witness(&self) -> Option<HostId> {
        match self {
            Self::Passed(host) => Some(*host),
            _ => None,
        }
    }
}

impl Span {
    /// Whether its digest rests on its host's word alone.
    pub(crate) fn is_unverified(&self) -> bool {
        !matches!(self.state, SpanState::Passed(_))
    }

    /// Whether nothing but devices of a driver stands for its digest.
    pub(crate) fn rests_on_driver(&self, driver: HardwareClass) -> bool {
        self.driver == Some(driver) && self.is_unverified()
    }
}

/// What a host found a span to end in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vote {
    pub(crate) host: HostId,
    pub(crate) digest: Digest,
    /// The driver of the device that computed it.
    #[serde(default)]
    pub(crate) driver: Option<HardwareClass>,
    /// The host's word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<HostSignature>,
}

/// A check of a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Check {
    /// The job.
    pub(crate) of: JobId,
    /// The checkpoint that it begins from; none for C0.
    pub(crate) start: Option<Safe>,
    pub(crate) class: HardwareClass,
    /// The first is that of the host whose span it is.
    pub(crate) votes: Vec<Vote>,
    /// Hosts that could not compute it.
    pub(crate) failed: Vec<HostId>,
    /// Hosts whose result would say nothing: they were given the boundary at its end, or kept the check too long.
    #[serde(default)]
    pub(crate) barred: Vec<HostId>,
    /// Two hosts found this digest, and a referee is to compute it, too.
    #[serde(default)]
    pub(crate) agreed: Option<Digest>,
    /// Its results differ, and a host whose own work passed checks is to compute it next.
    #[serde(default)]
    pub(crate) wants_proven: bool,
    pub(crate) opened_ms: u64,
    /// It lapses if it is not decided then.
    pub(crate) until_ms: u64,
    /// Waits for a device.
    pub(crate) waits: bool,
}

impl Job {
    /// Whether this is a check, and not a job of a user.
    pub(crate) fn is_check(&self) -> bool {
        self.check.is_some()
    }

    /// The number under which hosts know it.
    pub(crate) fn shown_id(&self) -> JobId {
        self.check.as_ref().map_or(self.id, |check| check.of)
    }

    /// A check of one of its spans.
    pub(super) fn to_check(&self, id: JobId, span: &Span, (opened_ms, until_ms): (u64, u64)) -> Self {
        let check = Check {
            of: self.id,
            start: span.start.clone(),
            class: span.class,
            votes: vec![Vote {
                host: span.host,
                digest: span.digest,
                driver: span.driver,
                signed: span.signed,
            }],
            failed: Vec::new(),
            barred: Vec::new(),
            agreed: None,
            wants_proven: false,
            opened_ms,
            until_ms,
            waits: false,
        };
        Self {
            id,
            safe: span.start.clone(),
            first_segment: 0,
            segments: span.to,
            now: false,
            pressed: false,
            deadline_ms: None,
            after: None,
            blocked: false,
            tags: Vec::new(),
            restart: false,
            state: protocol::JobState::Queued,
            attempt: None,
            place: None,
            stays: Vec::new(),
            computed_ms: 0,
            moved_bytes: 0,
            failed_on: Vec::new(),
            errors: Vec::new(),
            verify: protocol::Verify::None,
            spans: Vec::new(),
            notify: None,
            check: Some(Box::new(check)),
            ..self.clone()
        }
    }

    /// Adds the segments up to the last safe boundary, which `host` brought home from the checkpoint `start` on. `note`: why they are not to be
    /// checked; such segments become part of the span before, where it is the same host's and not checked for the same reason. False: there are no
    /// segments, but C0 alone.
    pub(crate) fn extend(
        &mut self,
        start: Option<Safe>,
        (host, class, driver): (HostId, HardwareClass, Option<HardwareClass>),
        note: Option<SpanState>,
    ) -> bool {
        let Some(safe) = &self.safe else { return false };
        let (to, digest, signed) = (safe.entry.segment, safe.entry.digest, safe.signed);
        let from = start.as_ref().map_or(0, |safe| safe.entry.segment);
        if from == to {
            return false;
        }
        let joins = |span: &&mut Span| {
            let same = (span.host, span.class, span.driver) == (host, class, driver);
            note.as_ref() == Some(&span.state) && same
        };
        match self.spans.last_mut().filter(joins) {
            Some(span) => (span.to, span.digest, span.signed) = (to, digest, signed),
            None => self.spans.push(Span {
                from,
                start,
                to,
                digest,
                host,
                class,
                driver,
                state: note.unwrap_or(SpanState::Unchecked),
                signed,
                confirmed: None,
                credit: None,
            }),
        }
        true
    }

    /// A check of a span came to nothing. Spans of one host of which that is so for the same reason become one; the checkpoints that lay between them.
    pub(crate) fn lapse(&mut self, check: JobId, reason: &str) -> Vec<Digest> {
        for span in self.spans.iter_mut().filter(|span| span.state == SpanState::Open(check)) {
            span.state = SpanState::Lapsed(reason.to_owned());
        }
        let mut dropped = Vec::new();
        self.spans.dedup_by(|next, span| {
            let lapsed = matches!(span.state, SpanState::Lapsed(_));
            let whose = |span: &Span| (span.host, span.class, span.driver);
            let joins = lapsed && span.state == next.state && whose(span) == whose(next);
            if joins {
                (span.to, span.digest, span.signed) = (next.to, next.digest, next.signed);
                dropped.extend(next.start.as_ref().map(|safe| safe.blob));
            }
            joins
        });
        dropped
    }

    /// Segments that a second host computed to the same digest.
    pub(crate) fn verified(&self) -> u64 {
        let passed = self.spans.iter().filter(|span| !span.is_unverified());
        passed.map(|span| span.to - span.from).sum()
    }

    /// Hosts that were given the boundary at the end of a span, as far as the job knows: their result for that span would say nothing.
    fn given_end_of(&self, index: usize) -> Vec<HostId> {
        let Some(span) = self.spans.get(index) else {
            return Vec::new();
        };
        let went_on = self.stays.iter().filter(|stay| stay.from_segment == span.to);
        let next = self.spans.get(index + 1).into_iter().flat_map(|next| match next.state {
            SpanState::Passed(witness) => vec![next.host, witness],
            _ => vec![next.host],
        });
        went_on.map(|stay| stay.host).chain(next).collect()
    }

    /// Checks of it that go on.
    pub(crate) fn open_checks(&self) -> impl Iterator<Item = JobId> {
        self.spans.iter().filter_map(|span| span.state.open())
    }

    /// Blobs of checkpoints that it needs beside its last: to check spans, and to go back to.
    pub(crate) fn span_blobs(&self) -> impl Iterator<Item = Digest> {
        let started = self.check.as_ref().and_then(|check| check.start.as_ref());
        let spans = self.spans.iter().filter_map(|span| span.start.as_ref());
        spans.chain(started).map(|safe| safe.blob)
    }
}

impl Jobs {
    /// Opens a check of a span of a job. Its number; none where there is no such span.
    pub(crate) fn open_check(&mut self, of: JobId, index: usize, (opened_ms, until_ms): (u64, u64)) -> Option<JobId> {
        let job = self.rows.get_mut(&of)?;
        let id = JobId(self.next_check);
        let barred = job.given_end_of(index);
        let span = job.spans.get_mut(index)?;
        span.state = SpanState::Open(id);
        let span = span.clone();
        let mut check = job.to_check(id, &span, (opened_ms, until_ms));
        check.check.iter_mut().for_each(|check| check.barred.clone_from(&barred));
        self.next_check += 1;
        self.rows.insert(id, check);
        Some(id)
    }

    /// A host is given the boundary from which a job, or a check, goes on: of that job, what ends there says nothing from that host any more.
    pub(crate) fn bar(&mut self, id: JobId, host: HostId) {
        let Some(row) = self.rows.get(&id) else { return };
        let (of, segment) = (row.shown_id(), row.segment());
        let Some(job) = self.rows.get(&of) else { return };
        let ends_there = job.spans.iter().rev().filter(|span| span.to == segment);
        let check = ends_there.filter_map(|span| span.state.open()).next();
        let row = check.filter(|check| *check != id).and_then(|check| self.rows.get_mut(&check));
        if let Some(check) = row.and_then(|row| row.check.as_mut())
            && !check.barred.contains(&host)
        {
            check.barred.push(host);
        }
    }

    /// Takes a check out that has no attempt.
    pub(crate) fn close_check(&mut self, id: JobId) -> Option<Job> {
        self.set_waiting(id, false);
        self.rows.get(&id).filter(|job| job.is_check())?;
        self.rows.remove(&id)
    }

    /// Lists a check among those that wait for a device, or not.
    pub(crate) fn set_waiting(&mut self, id: JobId, waits: bool) {
        let Some(check) = self.rows.get_mut(&id).and_then(|job| job.check.as_mut()) else {
            return;
        };
        check.waits = waits;
        let waiting = self.checks.entry(check.class).or_default();
        match waits {
            true => waiting.insert(id),
            false => waiting.remove(&id),
        };
        if waiting.is_empty() {
            let class = check.class;
            self.checks.remove(&class);
        }
    }

    /// The checks that wait for a device of a class, oldest first.
    pub(crate) fn waiting_checks(&self, class: HardwareClass) -> impl Iterator<Item = &Job> {
        self.checks
            .get(&class)
            .into_iter()
            .flatten()
            .filter_map(|id| self.rows.get(id))
    }

    /// Number of the next check.
    pub(crate) fn next_check(&self) -> u64 {
        self.next_check
    }
}
