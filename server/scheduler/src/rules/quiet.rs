//! Heartbeats that change nothing for the scheduler: they are noted in memory and not logged, and many hosts' notes become one event.
//!
//! A host that reports what it reported before, idle or at work on the segment of its last report, changes three things: when it was heard, its round trips, its clock. No rule but
//! silence looks at them, and what is fetched ahead of its job's end. So such a heartbeat is kept as a [`Note`], outside the state that the log is folded to, and notes become
//! events only where the fold needs them: before a timer of a host that has one fires, such as that of its silence ([`Core::notes_due`], all notes at once,
//! since a host is heard of between two such moments anyway) or of its job's end (its own note), and before anything else that the host sends or that is done to it. A replay then sees in
//! [`Event::Heard`] what this process saw, and judges silence the same.
//!
//! Invariant: taking in a host's note gives the state that its heartbeats would have given one by one, but for `now`. What a crash forgets of
//! notes is at most one period of silence old, and a restart counts nobody's silence.

use protocol::http::{Heartbeat, JobProgress};
use protocol::{AttemptId, HostId, HostState};
use serde::{Deserialize, Serialize};

use super::presence::REASON_CHARS_MAX;
use crate::reliability::Trust;
use crate::tables::{Host, Stage, Timer};
use crate::{Core, Event};

/// What heartbeats of one host said since it was last logged that it was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The host.
    pub host: HostId,
    /// When it was heard last, Unix milliseconds.
    pub at_ms: u64,
    /// Its clock less the server's then, milliseconds.
    #[serde(default, rename = "skew", skip_serializing_if = "is_zero")]
    pub clock_skew_ms: i64,
    /// Round trips that it measured: the least, their sum and how many, milliseconds.
    #[serde(default, rename = "rtt", skip_serializing_if = "Option::is_none")]
    pub round_trips: Option<(u32, u64, u64)>,
    /// It said again what is known of all that it computes.
    #[serde(default, rename = "work", skip_serializing_if = "std::ops::Not::not")]
    pub at_work: bool,
}

fn is_zero(value: &i64) -> bool {
    *value == 0
}

impl Note {
    fn add(&mut self, beat: &Heartbeat, now_ms: u64) {
        self.at_ms = now_ms;
        self.at_work = !beat.jobs.is_empty();
        self.clock_skew_ms = skew_ms(beat.clock_ms, now_ms);
        if let Some(rtt) = beat.rtt_ms {
            let (least, sum, count) = self.round_trips.unwrap_or((rtt, 0, 0));
            self.round_trips = Some((least.min(rtt), sum.saturating_add(u64::from(rtt)), count.saturating_add(1)));
        }
    }

    /// Puts what it says into a host's row.
    fn enter(&self, host: &mut Host) {
        host.clock_skew_ms = self.clock_skew_ms;
        if let Some((least, sum, count)) = self.round_trips {
            host.rtt_min_ms = Some(host.rtt_min_ms.map_or(least, |before| before.min(least)));
            host.rtt_sum_ms = host.rtt_sum_ms.saturating_add(sum);
            host.rtt_count = host.rtt_count.saturating_add(count);
        }
    }
}

/// A clock less another, milliseconds.
pub(super) fn skew_ms(clock_ms: u64, now_ms: u64) -> i64 {
    i64::try_from(i128::from(clock_ms) - i128::from(now_ms)).unwrap_or(i64::MAX)
}

impl Core {
    /// Notes a heartbeat that changes nothing else. False for any other event: that one is to be applied, and logged.
    pub fn note(&mut self, event: &Event, now_ms: u64) -> bool {
        let Event::Heartbeat { host, beat, address } = event else {
            return false;
        };
        let now_ms = self.now_ms.max(now_ms);
        if self.admit(*host).is_err() || !self.is_quiet(*host, beat, *address, now_ms) {
            return false;
        }
        let fresh = Note {
            host: *host,
            at_ms: now_ms,
            clock_skew_ms: 0,
            round_trips: None,
            at_work: false,
        };
        self.notes.entry(*host).or_insert(fresh).add(beat, now_ms);
        true
    }

    fn is_quiet(&self, id: HostId, beat: &Heartbeat, address: u64, now_ms: u64) -> bool {
        let Some(host) = self.hosts.get(id) else { return false };
        let why = beat.why.as_deref().unwrap_or("");
        let same = host.accepting == beat.accepting && host.why_not.chars().eq(why.chars().take(REASON_CHARS_MAX));
        let known = host.knows(address) && (beat.instance.is_none() || host.instance == beat.instance);
        let known_work = self.is_known(host, &beat.jobs);
        // Trust changes with time, and with it what a free device may be given.
        let trusted = host.trust(now_ms);
        let is_listed = |trust| trust == trusted || trust == Trust::Leaving;
        let listed = host.devices().iter().filter_map(crate::tables::Device::trust).all(is_listed);
        host.state() == HostState::Online && !host.missed && beat.errors == 0 && same && known && known_work && listed
    }

    /// Whether reports say of all that a host has what is known of it, and of nothing else.
    fn is_known(&self, host: &Host, reports: &[JobProgress]) -> bool {
        let is_known = |id: AttemptId| {
            let attempt = self.attempts.get(id)?;
            let job = self.jobs.get(attempt.job)?;
            let of_it = |report: &&JobProgress| report.attempt == id && report.epoch == attempt.epoch;
            let report = reports.iter().find(of_it)?;
            let stage = match self.hosts.line(attempt.device).first() == Some(&id) {
                true => Stage::Running,
                false => Stage::Leased,
            };
            let reached = report.segment.clamp(job.segment(), job.until());
            let as_fast = report.segment_ms == 0 || job.segment_ms == Some(report.segment_ms);
            Some(attempt.stage >= stage && reached <= attempt.segment && as_fast)
        };
        host.attempts().count() == reports.len() && host.attempts().all(|id| is_known(id) == Some(true))
    }

    /// The event that has to come before the timers that are due at a time: what was noted of all hosts, when the silence or departure of one with a note
    /// is judged; else what was noted of those whose jobs' ends come near.
    pub fn notes_due(&mut self, now_ms: u64) -> Option<Event> {
        if self.notes.is_empty() {
            return None;
        }
        let due: Vec<Timer> = self.timers.due(now_ms).collect();
        let is_judged = |timer: &Timer| match timer {
            Timer::Silence(host)
            | Timer::Lead(host)
            | Timer::Depart(host)
            | Timer::Back(host)
            | Timer::Backoff(host)
            | Timer::Parole(host) => self.notes.contains_key(host),
            _ => false,
        };
        if due.iter().any(is_judged) {
            return self.take_notes();
        }
        let mut notes = Vec::new();
        for timer in due {
            let Timer::Prefetch(attempt) = timer else { continue };
            let host = self.attempts.get(attempt).map(|attempt| attempt.device.host);
            notes.extend(host.and_then(|host| self.notes.remove(&host)));
        }
        (!notes.is_empty()).then_some(Event::Heard(notes))
    }

    /// What was noted of all hosts, as an event; none when nothing was.
    pub fn take_notes(&mut self) -> Option<Event> {
        let notes: Vec<Note> = std::mem::take(&mut self.notes).into_values().collect();
        (!notes.is_empty()).then_some(Event::Heard(notes))
    }

    /// The event that has to come before another: what was noted of the host that sends it, or that it is about.
    pub fn note_before(&mut self, event: &Event) -> Option<Event> {
        let note = self.notes.remove(&event.about()?)?;
        Some(Event::Heard(vec![note]))
    }

    /// Takes over what another state of the same log has noted.
    pub fn keep_notes(&mut self, other: &mut Self) {
        self.notes = std::mem::take(&mut other.notes);
    }

    /// Hosts were heard. What is not online, or banned, since then was heard of in another way.
    pub(crate) fn heard(&mut self, notes: &[Note]) {
        for note in notes {
            let id = note.host;
            let here = |host: &&mut Host| host.state() == HostState::Online && host.banned().is_none();
            let Some(host) = self.hosts.get_mut(id).filter(here) else {
                continue;
            };
            note.enter(host);
            self.hosts.hear_at(id, note.at_ms);
            self.timers
                .set(Timer::Silence(id), note.at_ms.saturating_add(self.config.unreachable_ms));
            if note.at_work {
                self.still_at_work(id, note.at_ms);
            }
            self.pending.hosts.insert(id);
        }
    }

    /// A host said again what is known of all that it computes.
    fn still_at_work(&mut self, id: HostId, at_ms: u64) {
        let attempts: Vec<AttemptId> = self.hosts.get(id).into_iter().flat_map(Host::attempts).collect();
        for id in attempts {
            let Some(attempt) = self.attempts.get_mut(id).filter(|attempt| attempt.stage > Stage::Offered) else {
                continue;
            };
            attempt.seen_ms = attempt.seen_ms.max(at_ms);
            self.arm_prefetch(id, at_ms);
        }
    }

    /// A host as it is known now, with what was noted since.
    pub(crate) fn host_with_note(&self, host: &Host) -> Host {
        let mut known = host.clone();
        if let Some(note) = self.notes.get(&host.id) {
            note.enter(&mut known);
            known.heard_ms = known.heard_ms.max(note.at_ms);
        }
        known
    }
}
