//! Heartbeats that change nothing are not logged; what is logged comes to the same state.

use protocol::http::{Heartbeat, HostView, JobProgress, LeaveNotice};
use protocol::{HostId, HostState, JobId, Tier};

use super::driver::{HOUR, MINUTE};
use crate::testing::{START_MS, registration, submission};
use crate::{Config, Core, Event, Origin};

/// A scheduler as the server drives it, with its log: what shares a time shares a row.
struct Driven {
    core: Core,
    notes: bool,
    log: Vec<(u64, Event)>,
}

impl Driven {
    fn new(notes: bool) -> Self {
        let config = Config {
            hosts_per_network: 0,
            ..Config::default()
        };
        Self {
            core: Core::new(config),
            notes,
            log: Vec::new(),
        }
    }

    fn log(&mut self, event: Event, now_ms: u64) {
        if self.core.apply(&event, now_ms).is_ok() {
            self.log.push((now_ms, event));
        }
    }

    fn pass(&mut self, now_ms: u64) {
        while let Some(due) = self.core.next_due_ms().filter(|due| *due <= now_ms) {
            let noted = self.core.notes_due(due);
            noted.into_iter().for_each(|noted| self.log(noted, due));
            self.log(Event::Tick, due);
        }
    }

    fn take(&mut self, event: Event, now_ms: u64) {
        self.pass(now_ms);
        if self.notes && self.core.note(&event, now_ms) {
            return;
        }
        let noted = self.core.note_before(&event);
        noted.into_iter().for_each(|noted| self.log(noted, now_ms));
        self.log(event, now_ms);
    }

    fn rows(&self) -> usize {
        let mut times: Vec<u64> = self.log.iter().map(|(at_ms, _)| *at_ms).collect();
        times.dedup();
        times.len()
    }

    fn hosts(&self) -> Vec<HostView> {
        self.core.hosts(HostId(0), usize::MAX).0
    }

    fn replayed(&self) -> Vec<u8> {
        let mut core = Core::new(self.core.config().clone());
        for (at_ms, event) in &self.log {
            core.apply(event, *at_ms).expect("it was accepted");
        }
        core.save().unwrap()
    }
}

fn beat(host: HostId, now_ms: u64, rtt_ms: u32) -> Event {
    let beat = Heartbeat {
        clock_ms: now_ms + 7,
        rtt_ms: Some(rtt_ms),
        jobs: Vec::new(),
        accepting: true,
        why: None,
        errors: 0,
        instance: None,
    };
    Event::Heartbeat { host, beat, address: 1 }
}

fn register(index: u64) -> Event {
    Event::Register {
        host: None,
        body: registration(&format!("host {index}"), index % 3),
        address: 1,
        origin: Origin::default(),
    }
}

#[test]
fn an_hour_of_a_thousand_idle_hosts_is_a_row_a_minute_and_not_one_a_heartbeat() {
    let rows = [true, false].map(|notes| {
        let mut driven = Driven::new(notes);
        for host in 0..1000 {
            driven.take(register(host), START_MS + host * 300);
        }
        // From the second hour on, so that the registrations are not counted.
        let mut before = 0;
        for round in 0..24 {
            if round == 12 {
                before = driven.rows();
            }
            for host in 0..1000 {
                let now_ms = START_MS + (round + 1) * 300_000 + host * 300;
                driven.take(beat(HostId(host + 1), now_ms, 100), now_ms);
            }
        }
        assert!(driven.core.save().unwrap() == driven.replayed());
        assert!(driven.hosts().iter().all(|host| host.state == HostState::Online));
        driven.rows() - before
    });
    println!("rows in an hour: {} now, {} if each heartbeat were logged", rows[0], rows[1]);
    assert!(rows[0] <= 61 && rows[1] >= 12_000, "{rows:?}");
}

#[test]
fn of_a_host_that_computes_a_heartbeat_is_logged_where_it_came_to_another_segment() {
    const HOSTS: u64 = 60;
    const ROUNDS: u64 = 24;
    let both = [true, false].map(|notes| {
        let mut driven = Driven::new(notes);
        for index in 0..HOSTS {
            let now_ms = START_MS + index * 1000;
            driven.take(register(index), now_ms);
            let (user, job) = ("ann".to_owned(), Box::new(submission("argon", Tier::Portable, 8)));
            driven.take(Event::Submit { user, job, bytes: 1 }, now_ms);
        }
        let hosts = (1..=HOSTS).map(HostId);
        hosts
            .clone()
            .for_each(|host| driven.take(Event::Take { host }, START_MS + HOSTS * 1000));
        for round in 1..=ROUNDS {
            for host in hosts.clone() {
                let now_ms = START_MS + 2 * MINUTE + round * 5 * MINUTE + host.0 * 1000;
                let lease = driven.core.orders(host).unwrap().leases[0].clone();
                let Event::Heartbeat { mut beat, address, .. } = beat(host, now_ms, 100) else {
                    panic!("a heartbeat")
                };
                beat.jobs.push(JobProgress {
                    attempt: lease.attempt,
                    epoch: lease.epoch,
                    segment: round / 4,
                    segment_ms: 20 * MINUTE,
                });
                driven.take(Event::Heartbeat { host, beat, address }, now_ms);
            }
        }
        driven
    });
    let logged = both.each_ref().map(|driven| {
        let beats = driven
            .log
            .iter()
            .filter(|(_, event)| matches!(event, Event::Heartbeat { .. }));
        beats.count() as u64
    });
    // The first says that it computes, and then each fourth that it came further.
    assert_eq!(logged, [7 * HOSTS, ROUNDS * HOSTS]);
    for driven in &both {
        driven.core.check().unwrap();
        assert!(driven.core.save().unwrap() == driven.replayed(), "the log says all");
    }
    let seen = both.each_ref().map(|driven| {
        let jobs = (1..=HOSTS).map(|job| driven.core.job(JobId(job)).unwrap());
        jobs.map(|job| (job.state, job.epoch, job.progress)).collect::<Vec<_>>()
    });
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn what_people_see_of_hosts_is_the_same_whether_quiet_heartbeats_are_logged_or_noted() {
    let mut random = 5;
    let mut below = |end: u64| protocol::split_mix::next(&mut random) % end;
    let mut both = [Driven::new(true), Driven::new(false)];
    let mut silent_until = [0; 21];
    let mut now_ms = START_MS;
    for host in 0..20 {
        both.iter_mut().for_each(|driven| driven.take(register(host), now_ms));
    }
    while now_ms < START_MS + 12 * HOUR {
        now_ms += 1 + below(MINUTE);
        let host = HostId(1 + below(20));
        let event = match below(60) {
            0 => {
                silent_until[host.0 as usize] = now_ms + below(HOUR);
                continue;
            }
            1 => Event::Ban {
                host,
                reason: "a test".to_owned(),
                by: "olga".to_owned(),
            },
            2 | 3 => Event::Unban {
                host,
                by: "olga".to_owned(),
            },
            4 => Event::Leave {
                host,
                notice: LeaveNotice {
                    in_s: below(2) * 4000,
                    back_in_s: None,
                    reason: "a test".to_owned(),
                },
            },
            5 => Event::Return { host },
            6 => Event::Restarted,
            7 if below(8) == 0 => Event::Submit {
                user: "ann".to_owned(),
                job: Box::new(submission("argon", Tier::Portable, 5)),
                bytes: 1,
            },
            8..20 => Event::Take { host },
            _ if silent_until[host.0 as usize] > now_ms => continue,
            _ => beat(host, now_ms, 50 + below(100) as u32),
        };
        both.iter_mut().for_each(|driven| driven.take(event.clone(), now_ms));
        if below(20) == 0 {
            both.iter().for_each(|driven| driven.core.check().unwrap());
        }
        // A host that was silent before is seen to be silent again later where heartbeats move no timer: that alone differs.
        let seen = both.each_ref().map(|driven| {
            let gone = |state| !matches!(state, HostState::Online | HostState::Unreachable);
            let hosts = driven.hosts().into_iter();
            let seen = hosts.map(|host| {
                let times = (host.last_seen_ms, host.rtt_min_ms, host.rtt_mean_ms, host.clock_skew_ms);
                (
                    host.host,
                    times,
                    gone(host.state).then_some(host.reason),
                    host.losses,
                    host.planned_stops,
                )
            });
            seen.collect::<Vec<_>>()
        });
        for (noted, logged) in seen[0].iter().zip(&seen[1]) {
            assert_eq!(noted, logged, "after {event:?}");
        }
    }
    let [noted, logged] = both;
    assert!(noted.core.save().unwrap() == noted.replayed(), "the log says all");
    assert!(noted.rows() < logged.rows(), "{} of {}", noted.rows(), logged.rows());
    let lost: u32 = noted.hosts().iter().map(|host| host.losses).sum();
    assert!(lost > 3, "{lost} losses: the test says little");
}

#[test]
fn a_heartbeat_that_says_anything_new_is_logged() {
    let mut driven = Driven::new(true);
    driven.take(register(0), START_MS);
    let now_ms = START_MS + MINUTE;
    let Event::Heartbeat { host, beat, address } = beat(HostId(1), now_ms, 5) else {
        panic!("a heartbeat")
    };
    let told = |beat: Heartbeat, address| Event::Heartbeat { host, beat, address };
    assert!(driven.core.note(&told(beat.clone(), address), now_ms));
    let paused = Heartbeat {
        accepting: false,
        ..beat.clone()
    };
    let errors = Heartbeat {
        errors: 1,
        ..beat.clone()
    };
    let why = Heartbeat {
        why: Some("a game".to_owned()),
        ..beat.clone()
    };
    let instance = Heartbeat {
        instance: Some("0123456789abcdef0123456789abcdef".to_owned()),
        ..beat.clone()
    };
    for (name, event) in [
        ("paused", told(paused, 1)),
        ("errors", told(errors, 1)),
        ("why", told(why, 1)),
        ("instance", told(instance, 1)),
        ("address", told(beat.clone(), 2)),
        (
            "no such host",
            Event::Heartbeat {
                host: HostId(9),
                beat,
                address: 1,
            },
        ),
    ] {
        assert!(!driven.core.note(&event, now_ms), "{name}");
    }
}
