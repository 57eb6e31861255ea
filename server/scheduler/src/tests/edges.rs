//! Numbers at the edges of their types, wherever one comes from outside: refused or saturated, never a panic.

use proptest::prelude::*;
use protocol::http::{Commit, EndAttempt, Heartbeat, JobProgress, LeaveNotice, Night, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, ErrorCause, HostId, JobId, Outcome};

use super::driver::{MINUTE, World, job, next_entry};
use crate::testing::registration;
use crate::{Config, Event, Origin};

fn edge() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(u64::from(u32::MAX)),
        Just(u64::from(u32::MAX) + 1),
        Just(1 << 40),
        Just(1 << 63),
        Just(u64::MAX - 1),
        Just(u64::MAX),
        any::<u64>(),
    ]
}

fn edge32() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(1), Just(u32::MAX - 1), Just(u32::MAX), any::<u32>()]
}

/// Small numbers name things that exist, others nothing.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 1..4u64, 1 => edge()]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(Outcome::ALL)
}

fn chain(package: Digest, first: u64, count: usize, step: u64) -> Vec<ChainEntry> {
    let mut entries: Vec<ChainEntry> = Vec::new();
    for _ in 0..count {
        let mut entry = next_entry(package, entries.last());
        if entries.is_empty() && first > 0 {
            entry.segment = first;
            entry.step = step;
            entry.digest = entry.computed(package);
        }
        entries.push(entry);
    }
    entries
}

fn event() -> impl Strategy<Value = Event> {
    let heartbeat = (number(), edge(), edge32(), edge32(), number(), number(), edge(), edge()).prop_map(
        |(host, clock_ms, rtt, errors, attempt, epoch, segment, segment_ms)| Event::Heartbeat {
            host: HostId(host),
            beat: Heartbeat {
                clock_ms,
                rtt_ms: Some(rtt),
                jobs: vec![JobProgress {
                    attempt: AttemptId(attempt),
                    epoch,
                    segment,
                    segment_ms,
                }],
                accepting: true,
                why: None,
                errors,
                instance: None,
            },
            address: clock_ms,
        },
    );
    let end = (number(), number(), number(), outcome()).prop_map(|(host, attempt, epoch, outcome)| Event::End {
        host: HostId(host),
        attempt: AttemptId(attempt),
        end: EndAttempt {
            epoch,
            outcome,
            cause: ErrorCause::Host,
            message: String::new(),
        },
    });
    let commit = (number(), number(), number(), edge(), 0..5usize, edge(), edge()).prop_map(
        |(host, attempt, epoch, first, count, computed_ms, bytes)| {
            let class = super::driver::bound(1);
            Event::Commit {
                host: HostId(host),
                attempt: AttemptId(attempt),
                commit: Commit {
                    epoch,
                    entries: chain(job("job").package, first % 3, count, computed_ms),
                    checkpoint: Digest::of(b"blob"),
                    outputs: None,
                    computed_ms,
                    signature: None,
                },
                class,
                bytes,
                outputs_bytes: bytes,
                done: false,
            }
        },
    );
    let submit = (edge(), edge(), edge(), edge(), number(), any::<bool>()).prop_map(
        |(segments, deadline, segment_ms, bytes, after, restart)| Event::Submit {
            user: "ann".to_owned(),
            job: Box::new(SubmitJob {
                segments: segments % ((1 << 40) + 2),
                deadline_ms: Some(deadline),
                segment_ms: Some(segment_ms),
                after: (after < 4).then_some(JobId(after)),
                restart_on_other_class: restart,
                priority: (segments % 11) as u8,
                ..job("job")
            }),
            bytes,
        },
    );
    let leave = (number(), edge(), edge()).prop_map(|(host, in_s, back)| Event::Leave {
        host: HostId(host),
        notice: LeaveNotice {
            in_s,
            back_in_s: Some(back),
            reason: String::new(),
        },
    });
    let register = (number(), any::<u16>(), any::<u16>()).prop_map(|(host, from_minute, until_minute)| Event::Register {
        host: Some(HostId(host)),
        body: protocol::http::RegisterHost {
            night: Some(Night {
                from_minute,
                until_minute,
            }),
            ..registration("host", 1)
        },
        address: 1,
        origin: Origin::default(),
    });
    let ban = (number(), any::<bool>()).prop_map(|(host, banned)| {
        let (host, by) = (HostId(host), "ann".to_owned());
        match banned {
            true => Event::Ban {
                host,
                by,
                reason: String::new(),
            },
            false => Event::Unban { host, by },
        }
    });
    let steer = (number(), 0..5u8, any::<u8>()).prop_map(|(job, which, priority)| {
        let (job, by) = (JobId(job), "ann".to_owned());
        match which {
            0 => Event::Hold { job, by },
            1 => Event::Release { job, by },
            2 => Event::Cancel { job, by },
            3 => Event::Retry { job, by },
            _ => Event::Prioritize {
                job,
                priority,
                now: priority > 99,
                by,
            },
        }
    });
    let take = number().prop_map(|host| Event::Take { host: HostId(host) });
    prop_oneof![heartbeat, end, commit, submit, leave, register, steer, take, ban]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_number_from_outside_makes_the_rules_panic(events in proptest::collection::vec((event(), edge()), 1..60)) {
        let mut world = World::new();
        world.checked = false;
        for index in 0..3 {
            world.host(&format!("host {index}"), 1);
            world.submit("ann", job("job"));
        }
        for (event, pause) in events {
            // A clock may jump, by years at most.
            world.now_ms += pause % (400 * 24 * 60 * MINUTE);
            // Whether it is refused or not is not asked here.
            let _reply = world.try_apply(event);
            if world.core.next_due_ms().is_some_and(|due| due <= world.now_ms) {
                world.apply(Event::Tick);
            }
            for host in 1..4 {
                // What people are shown is computed from the same numbers.
                let _shown = (world.core.host(HostId(host)), world.core.orders(HostId(host)), world.core.job(JobId(host)));
            }
        }
        world.core.check().unwrap();
    }
}

#[test]
fn as_many_errors_as_a_number_holds_and_then_one_more() {
    let mut world = World::new();
    let id = world.submit("ann", job("job"));
    let host = world.host("desk", 1);
    let lease = world.take(host)[0].clone();
    let beat = Heartbeat {
        clock_ms: 0,
        rtt_ms: None,
        jobs: Vec::new(),
        accepting: true,
        why: None,
        errors: u32::MAX,
        instance: None,
    };
    world.apply(Event::Heartbeat { host, beat, address: 1 });
    world.end(host, &lease, Outcome::ClientError);
    assert_eq!(world.core.host(host).unwrap().errors, u32::MAX);
    assert_eq!(world.view(id).epoch, 1);
}

#[test]
fn settings_that_would_not_work_are_refused_by_name() {
    assert_eq!(Config::default().validate(), Ok(()));
    let forever = Config {
        lost_ms: u64::MAX,
        ..Config::default()
    };
    assert!(forever.validate().unwrap_err().contains("lost_ms: 18446744073709551615 ms"));
    let none = Config {
        batch_max: 0,
        ..Config::default()
    };
    assert!(none.validate().unwrap_err().contains("batch_max"));
}
