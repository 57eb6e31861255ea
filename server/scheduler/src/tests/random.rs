//! Random events against all invariants: hosts that obey, lag, lie, vanish and return; scientists who change their minds; requests that
//! come twice, late, and in another order.

use std::collections::BTreeMap;

use protocol::http::{Commit, EndAttempt, Heartbeat, JobProgress, Lease, LeaveNotice, Night, RegisterHost, SubmitJob};
use protocol::{ChainEntry, Digest, HostId, JobId, JobState, Outcome, Tier, Verify};

use super::driver::{DAY, HOUR, MINUTE, is_check, job, next_entry, reached};
use crate::testing::{START_MS, class, registration};
use crate::{Command, Config, Core, Event, Finished, Origin};

/// A series of numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        protocol::split_mix::next(&mut self.0)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

pub(super) struct Chaos {
    pub(super) core: Core,
    random: Random,
    now_ms: u64,
    hosts: u64,
    jobs: u64,
    /// Leases that hosts remember, live or not.
    remembered: Vec<(HostId, Lease)>,
    /// The epoch of each job's newest attempt that was seen.
    epochs: BTreeMap<JobId, (u64, Lease)>,
    /// Events that may come again, late.
    sent: Vec<Event>,
    /// Events under way: they come after others that were sent later.
    delayed: Vec<Event>,
    /// Each job's boundaries as they became safe.
    chains: BTreeMap<JobId, Vec<ChainEntry>>,
    /// Finished jobs that left memory.
    retired: BTreeMap<JobId, Finished>,
    /// Requests that came twice, and those that came late.
    strays: (u64, u64),
    /// Every event that was accepted, with its time.
    pub(super) log: Vec<(u64, Event)>,
}

impl Chaos {
    pub(super) fn new(seed: u64) -> Self {
        let config = Config {
            user_running_max: 5,
            user_jobs_max: 60,
            retire_ms: 8 * HOUR,
            check_end_ms: HOUR / 2,
            ..Config::default()
        };
        Self {
            core: Core::new(config),
            random: Random(seed),
            now_ms: START_MS,
            hosts: 0,
            jobs: 0,
            remembered: Vec::new(),
            epochs: BTreeMap::new(),
            sent: Vec::new(),
            delayed: Vec::new(),
            chains: BTreeMap::new(),
            retired: BTreeMap::new(),
            strays: (0, 0),
            log: Vec::new(),
        }
    }

    fn body(&mut self) -> RegisterHost {
        let mut body = registration("host", self.random.below(3));
        if self.random.below(3) == 0 {
            let mut second = body.devices[0].clone();
            second.id = "gpu".to_owned();
            second.classes = vec![class(Tier::ClassBound, self.random.below(3))];
            body.devices.push(second);
        }
        if self.random.below(4) == 0 {
            let from_minute = self.random.below(1440) as u16;
            body.night = Some(Night {
                from_minute,
                until_minute: (from_minute + 1 + self.random.below(1000) as u16) % 1440,
            });
        }
        body
    }

    fn origin(&mut self) -> Origin {
        let subject = self.random.below(4);
        Origin {
            subject: (subject > 0).then(|| format!("volunteer {subject}")),
            network: self.random.below(4),
            referee: self.random.below(24) == 0,
        }
    }

    fn a_host(&mut self) -> HostId {
        HostId(1 + self.random.below(self.hosts.max(1)))
    }

    fn a_job(&mut self) -> JobId {
        JobId(1 + self.random.below(self.jobs.max(1)))
    }

    fn submission(&mut self) -> SubmitJob {
        let r = &mut self.random;
        SubmitJob {
            tier: if r.below(2) == 0 { Tier::Portable } else { Tier::ClassBound },
            segments: 1 + r.below(6),
            priority: r.below(10) as u8,
            now: r.below(2) == 0,
            deadline_ms: (r.below(4) == 0).then(|| self.now_ms + r.below(2 * DAY)),
            after: (r.below(4) == 0).then(|| JobId(1 + r.below(self.jobs.max(1)))),
            segment_ms: (r.below(3) > 0).then(|| 1 + r.below(10 * MINUTE)),
            restart_on_other_class: r.below(3) == 0,
            hold: r.below(8) == 0,
            verify: Verify::ALL[r.below(3) as usize],
            ..job("job")
        }
    }

    fn lease(&mut self) -> Option<(HostId, Lease)> {
        if self.random.below(5) == 0 && !self.remembered.is_empty() {
            let index = self.random.below(self.remembered.len() as u64) as usize;
            return Some(self.remembered[index].clone());
        }
        let host = self.a_host();
        let leases = self.core.orders(host).ok()?.leases;
        let index = self.random.below(leases.len().max(1) as u64) as usize;
        leases.get(index).map(|lease| (host, lease.clone()))
    }

    fn commit(&mut self) -> Option<Event> {
        let (host, lease) = self.lease()?;
        let mut parent = reached(&self.core, &lease);
        let mut entries = Vec::new();
        for _ in 0..self.random.below(6) {
            let mut entry = next_entry(lease.package, parent.as_ref());
            if self.random.below(40) == 0 {
                entry.content = Digest::of(b"other bits");
            }
            parent = Some(entry.clone());
            entries.push(entry);
        }
        Some(Event::Commit {
            host,
            attempt: lease.attempt,
            commit: Commit {
                epoch: lease.epoch - u64::from(self.random.below(10) == 0),
                entries,
                checkpoint: Digest::of(&self.random.next().to_le_bytes()),
                outputs: None,
                computed_ms: self.random.below(HOUR),
                signature: None,
            },
            class: if self.random.below(30) == 0 {
                class(Tier::Portable, 77)
            } else {
                lease.class
            },
            bytes: self.random.below(1 << 24),
            outputs_bytes: self.random.below(1 << 20),
            done: false,
        })
    }

    fn heartbeat(&mut self) -> Event {
        let host = self.a_host();
        let leases = self.core.orders(host).map(|orders| orders.leases).unwrap_or_default();
        let mut jobs = Vec::new();
        for lease in leases {
            if self.random.below(6) > 0 {
                jobs.push(JobProgress {
                    attempt: lease.attempt,
                    epoch: lease.epoch,
                    segment: self.random.below(60),
                    segment_ms: self.random.below(10 * MINUTE),
                });
            }
        }
        let beat = Heartbeat {
            clock_ms: self.random.next(),
            rtt_ms: Some(self.random.below(1000) as u32),
            jobs,
            accepting: self.random.below(10) > 0,
            why: Some("on battery".to_owned()),
            errors: 0,
            instance: None,
        };
        Event::Heartbeat {
            host,
            beat,
            address: self.random.below(9),
        }
    }

    fn end(&mut self) -> Option<Event> {
        let (host, lease) = self.lease()?;
        let outcome = Outcome::ALL[self.random.below(Outcome::ALL.len() as u64) as usize];
        let causes = protocol::ErrorCause::ALL;
        let end = EndAttempt {
            epoch: lease.epoch,
            outcome,
            cause: causes[self.random.below(causes.len() as u64) as usize],
            message: "chaos".to_owned(),
        };
        Some(Event::End {
            host,
            attempt: lease.attempt,
            end,
        })
    }

    fn event(&mut self) -> Option<Event> {
        let by = "ann".to_owned();
        Some(match self.random.below(100) {
            0..4 if self.hosts < 30 => Event::Register {
                host: None,
                body: self.body(),
                address: 0,
                origin: self.origin(),
            },
            4..6 => Event::Register {
                host: Some(self.a_host()),
                body: self.body(),
                address: 0,
                origin: self.origin(),
            },
            6..14 => Event::Submit {
                user: format!("user {}", self.random.below(4)),
                job: Box::new(self.submission()),
                bytes: self.random.below(1 << 20),
            },
            14..40 => self.heartbeat(),
            40..55 => Event::Take { host: self.a_host() },
            55..75 => self.commit()?,
            75..82 => self.end()?,
            82..84 => {
                let in_s = [0, 60, 3600, 40_000][self.random.below(4) as usize];
                let back_in_s = (self.random.below(2) == 0).then(|| in_s + self.random.below(40_000));
                let notice = LeaveNotice {
                    in_s,
                    back_in_s,
                    reason: "chaos".to_owned(),
                };
                Event::Leave {
                    host: self.a_host(),
                    notice,
                }
            }
            84..85 => Event::Return { host: self.a_host() },
            85..87 => Event::Hold { job: self.a_job(), by },
            87..90 => Event::Release { job: self.a_job(), by },
            90..91 => Event::Cancel { job: self.a_job(), by },
            91..94 => Event::Prioritize {
                job: self.a_job(),
                priority: self.random.below(12) as u8,
                now: self.random.below(2) == 0,
                by,
            },
            94 if self.random.below(20) == 0 => Event::Restarted,
            96 => Event::Retry { job: self.a_job(), by },
            97 if self.random.below(8) == 0 => Event::Ban {
                host: self.a_host(),
                reason: "chaos".to_owned(),
                by,
            },
            97 => Event::Unban { host: self.a_host(), by },
            98 if self.random.below(8) == 0 => Event::Revoked { host: self.a_host() },
            98 if self.random.below(8) == 0 => Event::Drain {
                host: self.a_host(),
                reason: "chaos".to_owned(),
                by,
            },
            98 => Event::Forgive { host: self.a_host(), by },
            95 if !self.retired.is_empty() => {
                let index = self.random.below(self.retired.len() as u64) as usize;
                Event::Recall(Box::new(self.retired.values().nth(index)?.clone()))
            }
            _ => Event::Tick,
        })
    }

    /// The next event as the server gets it: new, or one that was sent before, or one that was overtaken by others.
    fn arriving(&mut self) -> Option<Event> {
        let roll = self.random.below(100);
        if roll < 6 && !self.sent.is_empty() {
            let index = self.random.below(self.sent.len() as u64) as usize;
            self.strays.0 += 1;
            return Some(self.sent[index].clone());
        }
        if roll < 12 && !self.delayed.is_empty() {
            let index = self.random.below(self.delayed.len() as u64) as usize;
            self.strays.1 += 1;
            return Some(self.delayed.swap_remove(index));
        }
        let event = self.event()?;
        if self.random.below(15) == 0 && self.delayed.len() < 20 {
            self.delayed.push(event);
            return None;
        }
        if self.sent.len() < 40 {
            self.sent.push(event.clone());
        } else {
            let index = self.random.below(40) as usize;
            self.sent[index] = event.clone();
        }
        Some(event)
    }

    /// A boundary that is safe stays: each new one follows the last, until the job starts over.
    fn watch_chains(&mut self) {
        let package = job("job").package;
        for command in self.core.take_commands() {
            match command {
                Command::Chain(job, entries, _) => {
                    let chain = self.chains.entry(job).or_default();
                    for entry in entries {
                        let last = chain.last();
                        assert!(
                            last.is_none() || entry.follows(package, last),
                            "job {job}: boundary {} does not follow {last:?}",
                            entry.segment
                        );
                        chain.push(entry);
                    }
                }
                Command::ChainReset(job) => drop(self.chains.remove(&job)),
                Command::ChainCut(job, segment) => {
                    self.chains.entry(job).or_default().retain(|entry| entry.segment <= segment);
                }
                Command::Retired(finished) => drop(self.retired.insert(finished.id(), *finished)),
                Command::Orders(_) | Command::Changed(..) | Command::Superseded(_) | Command::Expired(_) => {}
            }
        }
    }

    /// No job is lost: each is in memory or was kept when it ended. How many are completed.
    fn account(&mut self) -> u64 {
        // A tick may have been the last thing that happened.
        self.watch_chains();
        let states = (1..=self.jobs).map(JobId).map(|id| match self.core.job(id) {
            Ok(view) => view.state,
            Err(_) => self.retired.get(&id).unwrap_or_else(|| panic!("job {id} is lost")).state(),
        });
        states.filter(|state| *state == JobState::Completed).count() as u64
    }

    /// One random event, and with `deep` all invariants after it.
    pub(super) fn step(&mut self, deep: bool) {
        self.now_ms += match self.random.below(200) {
            0 => self.random.below(12 * HOUR),
            1..10 => self.random.below(30 * MINUTE),
            _ => self.random.below(20_000),
        };
        // As the server does: timers that are due come first.
        if self.core.next_due_ms().is_some_and(|due| due <= self.now_ms) {
            self.core.apply(&Event::Tick, self.now_ms).expect("a tick is never refused");
            self.log.push((self.now_ms, Event::Tick));
        }
        let Some(event) = self.arriving() else { return };
        let before = deep.then(|| self.core.clone());
        let reply = self.core.apply(&event, self.now_ms);
        if reply.is_ok() {
            self.log.push((self.now_ms, event.clone()));
        }
        match (&event, &reply) {
            (Event::Register { host: None, .. }, Ok(_)) => self.hosts += 1,
            (Event::Submit { .. }, Ok(_)) => self.jobs += 1,
            _ => {}
        }
        if let (Err(_), Some(before)) = (&reply, before) {
            assert!(self.core.same_as(&before), "{event:?} was refused and changed something");
        }
        self.watch_chains();
        if deep {
            self.core.check().unwrap_or_else(|wrong| panic!("after {event:?}: {wrong}"));
        }
        self.watch_epochs();
    }

    /// No two leases of one job have the same epoch; those of its checks are numbered apart.
    fn watch_epochs(&mut self) {
        let host = self.a_host();
        for lease in self.core.orders(host).map(|orders| orders.leases).unwrap_or_default() {
            if is_check(&self.core, &lease) {
                continue;
            }
            if let Some((epoch, seen)) = self.epochs.get(&lease.job) {
                assert!(lease.epoch >= *epoch, "job {}: epoch {} came back", lease.job, lease.epoch);
                assert!(
                    lease.epoch > *epoch || lease.attempt == seen.attempt,
                    "two leases of epoch {epoch} of job {}",
                    lease.job
                );
            }
            self.epochs.insert(lease.job, (lease.epoch, lease.clone()));
            if self.remembered.len() < 200 {
                self.remembered.push((host, lease));
            } else {
                let index = self.random.below(200) as usize;
                self.remembered[index] = (host, lease);
            }
        }
    }
}

fn run(seeds: std::ops::Range<u64>, events: u64, deep_every: u64) -> u64 {
    let (mut completed, mut again, mut late) = (0, 0, 0);
    let seeds_of = seeds.clone();
    for seed in seeds {
        let mut chaos = Chaos::new(seed);
        for index in 0..events {
            chaos.step(index % deep_every == 0);
        }
        chaos.core.check().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        completed += chaos.account();
        again += chaos.strays.0;
        late += chaos.strays.1;
    }
    let total = (seeds_of.end - seeds_of.start) * events;
    println!(
        "{total} events, {again} of them sent twice and {late} overtaken by others: {completed} jobs completed, none lost"
    );
    assert!(again > total / 50 && late > total / 50, "few requests came twice or late");
    completed
}

#[test]
fn random_events_keep_every_invariant() {
    let completed = run(0..25, 400, 4);
    assert!(completed > 50, "only {completed} jobs completed: the events say little");
}

#[test]
#[ignore = "a million events: cargo test --release -p baton-server million -- --ignored"]
fn a_million_random_events_keep_every_invariant() {
    run(1000..1500, 2000, 100);
}

#[test]
fn the_same_events_give_the_same_state() {
    let run = |seed| {
        let mut chaos = Chaos::new(seed);
        (0..2000).for_each(|_| chaos.step(false));
        chaos.core.save().unwrap()
    };
    assert_eq!(run(7), run(7));
}
