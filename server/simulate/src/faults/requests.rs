//! The server's side of requests: what each does to the core and to the blobs, and what the host is answered.

use planner::{Answer, Cause, Errand, ErrandId, Failure, Presence, Trouble};
use protocol::http::{Commit, Heartbeat, Lease, LeaveNotice};
use protocol::{AttemptId, ChainEntry, HostId};
use scheduler::testing::START_MS;
use scheduler::{Event, Origin, Refusal, Reply};

use super::Mutant;
use super::server::{Server, blob};

impl Server {
    fn ordered(&mut self, host: HostId) -> Answer {
        match self.orders(host) {
            Some(orders) => Answer::Orders(orders),
            None => Answer::Trouble(Trouble::UnknownHost("no such host".to_owned())),
        }
    }

    /// Carries a request out, and says what the host is answered.
    pub(super) fn serve(
        &mut self,
        now_ms: u64,
        key: (usize, u64, ErrandId),
        host: Option<HostId>,
        wall_ms: u64,
        errand: &Errand,
    ) -> Answer {
        let answer = self.carry_out(now_ms, key, host, wall_ms, errand);
        // A commit that comes again is answered again, and says nothing new of its host.
        let unheard = matches!(
            errand,
            Errand::Fetch(_) | Errand::Enrol(_) | Errand::Commit { .. } | Errand::End { .. }
        );
        let unheard = unheard || matches!(answer, Answer::Trouble(_));
        if let Some(host) = host.filter(|_| !unheard) {
            self.heard.insert(host, now_ms);
        }
        answer
    }

    fn carry_out(
        &mut self,
        now_ms: u64,
        key: (usize, u64, ErrandId),
        host: Option<HostId>,
        wall_ms: u64,
        errand: &Errand,
    ) -> Answer {
        match errand {
            Errand::Enrol(body) => {
                if let Some(host) = self.enrolled.get(&key) {
                    return Answer::Enrolled(*host);
                }
                let event = Event::Register {
                    host: None,
                    body: (**body).clone(),
                    address: key.0 as u64,
                    origin: Origin::default(),
                };
                match self.apply(now_ms, &event) {
                    Ok(Reply::Host(host)) => {
                        self.enrolled.insert(key, host);
                        Answer::Enrolled(host)
                    }
                    other => Answer::NotEnrolled(format!("{other:?}")),
                }
            }
            Errand::Update(host, body) => {
                let event = Event::Register {
                    host: Some(*host),
                    body: (**body).clone(),
                    address: key.0 as u64,
                    origin: Origin::default(),
                };
                self.apply(now_ms, &event).map_or_else(refused, |_| Answer::Updated)
            }
            Errand::Announce(host, presence) => {
                let (reason, back_in_s) = match presence {
                    Presence::Here => ("", None),
                    Presence::Away { back_in_ms, .. } => ("paused", back_in_ms.map(|ms| ms.div_ceil(1000))),
                    Presence::Leaving(_) => ("leaves", None),
                };
                let event = if reason.is_empty() {
                    Event::Return { host: *host }
                } else {
                    let notice = LeaveNotice {
                        in_s: 0,
                        back_in_s,
                        reason: reason.to_owned(),
                    };
                    Event::Leave { host: *host, notice }
                };
                let done = self.apply(now_ms, &event);
                done.map_or_else(refused, |_| self.ordered(*host))
            }
            Errand::TakeOffers(host) => {
                let done = self.apply(now_ms, &Event::Take { host: *host });
                done.map_or_else(refused, |_| self.ordered(*host))
            }
            Errand::Heartbeat(host, beat) => {
                if self.mutant == Some(Mutant::ClockBelieved) {
                    self.clock_ms = i64::try_from(wall_ms).unwrap_or(0) - i64::try_from(START_MS + now_ms).unwrap_or(0);
                }
                let beat = Heartbeat {
                    clock_ms: wall_ms,
                    rtt_ms: Some(125),
                    jobs: beat.jobs.clone(),
                    accepting: beat.declined.is_none(),
                    why: beat.declined.as_ref().map(|_| "declined".to_owned()),
                    errors: 0,
                    instance: None,
                };
                let event = Event::Heartbeat {
                    host: *host,
                    beat,
                    address: key.0 as u64,
                };
                let done = self.apply(now_ms, &event);
                done.map_or_else(refused, |_| self.ordered(*host))
            }
            Errand::Fetch(lease) => match &lease.checkpoint {
                Some(checkpoint) if !self.blobs.contains(&checkpoint.blob) => {
                    // Orders that were saved may name one that newer orders do not.
                    let current = self.core.orders(host.unwrap_or_default());
                    let names_it = |live: &Lease| live.attempt == lease.attempt && live.checkpoint == lease.checkpoint;
                    if current.is_ok_and(|orders| orders.leases.iter().any(names_it)) {
                        self.breaks(format!(
                            "the checkpoint of job {} is gone, which attempt {} is to start from",
                            lease.job, lease.attempt
                        ));
                    }
                    Answer::Trouble(Trouble::LeaseOver("the checkpoint is gone".to_owned()))
                }
                // The host looks into its folder for the rest.
                _ => Answer::Updated,
            },
            Errand::Commit {
                attempt,
                epoch,
                boundaries,
            } => {
                let entries: Vec<ChainEntry> = boundaries.iter().map(|boundary| boundary.entry.clone()).collect();
                self.commit(now_ms, host.unwrap_or_default(), (*attempt, *epoch), entries)
            }
            Errand::End { attempt, end } => {
                let host = host.unwrap_or_default();
                let event = Event::End {
                    host,
                    attempt: *attempt,
                    end: end.clone(),
                };
                let done = self.apply(now_ms, &event);
                done.map_or_else(refused, |_| self.ordered(host))
            }
        }
    }

    fn commit(&mut self, now_ms: u64, host: HostId, (attempt, epoch): (AttemptId, u64), entries: Vec<ChainEntry>) -> Answer {
        let Some(last) = entries.last() else {
            self.breaks("a commit without boundaries".to_owned());
            return Answer::Trouble(Trouble::Failed(Failure::new(Cause::Host, "no boundaries")));
        };
        let checkpoint = blob(last);
        let job = self.jobs_of.get(&attempt).copied();
        let before = job.and_then(|job| self.safe(job));
        let current = job.and_then(|job| self.told.get(&job)).copied();
        let mut sent = (host, attempt, epoch);
        if let (Some(Mutant::EpochUnchecked), Some(current)) = (self.mutant, current) {
            sent = (current.host, current.attempt, current.epoch);
        }
        // The blob comes first, whatever becomes of the commit.
        self.blobs.insert(checkpoint);
        let class = self
            .core
            .orders(sent.0)
            .ok()
            .and_then(|orders| orders.leases.into_iter().find(|lease| lease.attempt == sent.1));
        let commit = Commit {
            epoch: sent.2,
            entries: entries.clone(),
            checkpoint,
            outputs: None,
            computed_ms: 60_000,
            signature: None,
        };
        let event = Event::Commit {
            host: sent.0,
            attempt: sent.1,
            commit,
            class: class.map_or(scheduler::testing::class(protocol::Tier::Portable, 0), |lease| lease.class),
            bytes: 1000,
            outputs_bytes: 10,
            done: false,
        };
        let reply = self.apply(now_ms, &event);
        let after = job.and_then(|job| self.safe(job));
        if before < after && current.is_none_or(|current| current.attempt != attempt) {
            let newest = current.map(|current| current.attempt);
            self.breaks(format!(
                "boundaries of attempt {attempt} were taken, though the job's newest lease is {newest:?}"
            ));
        }
        match reply {
            Ok(Reply::Committed(committed)) => {
                if let Some(reached) = self.checks.get_mut(&attempt) {
                    *reached = (*reached).max(Some(last.segment));
                    return Answer::Committed(committed);
                }
                if let (Some(Mutant::TakenTwice), Some(job), true) = (self.mutant, job, before == after) {
                    self.extend(job, entries);
                }
                Answer::Committed(committed)
            }
            Ok(_) => Answer::Trouble(Trouble::Failed(Failure::new(Cause::Unknown, "no answer to a commit"))),
            Err(refusal) => refused(refusal),
        }
    }
}

fn refused(refusal: Refusal) -> Answer {
    let text = refusal.to_string();
    Answer::Trouble(match refusal {
        Refusal::NoHost(_) => Trouble::UnknownHost(text),
        Refusal::NoAttempt(_) | Refusal::Over(_) | Refusal::StaleEpoch { .. } => Trouble::LeaseOver(text),
        _ => Trouble::Failed(Failure::new(Cause::Unknown, text)),
    })
}
