//! Whatever comes in, in whatever order, however often: no boundary is lost, nothing is computed for a lease that is gone, every idle device has
//! its reason; and once everything works again, every job is completed.

mod devices;
mod doubts;
mod world;

use planner::{Answer, Cause, Effect, Ending, Errand, Facts, Fetched, Input, Message, Request, Server, Stop, Time, Turn};
use proptest::prelude::*;
use protocol::http::{Action, CheckpointRef, Committed, Lease, Orders};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId, JobState, Tier};
use world::{Fate, World};

/// One thing that happens, chosen by a number; `pick` chooses which errand, thread or job it happens to.
fn happen(world: &mut World, what: u8, pick: u8) {
    if world.ended.is_some() {
        return;
    }
    let index = usize::from(pick);
    match what % 25 {
        0..=5 => world.serve(index, Fate::Arrives),
        6 => world.serve(index, Fate::AnswerIsLost),
        7 => world.serve(index, Fate::Fails),
        8..=11 => world.compute(index, None),
        12..=14 => world.note(index),
        15 => {
            let orders = world.orders();
            world.give(Input::Orders(orders));
        }
        16 => world.stale_orders(pick),
        17 => world.repeat(pick),
        18 => {
            world.now += u64::from(pick) * 1000;
            world.give(Input::Tick);
        }
        19 => match pick % 4 {
            0 => world.set_action(pick / 4, Action::StopAtBoundary),
            1 => world.set_action(pick / 4, Action::StopNow),
            2 => world.set_action(pick / 4, Action::Wait),
            _ => world.set_action(pick / 4, Action::Run),
        },
        20 => world.give(Input::Facts(Facts {
            on_battery: pick.is_multiple_of(2),
            ..Facts::default()
        })),
        21 => {
            let until = Some(Time(world.now + u64::from(pick) * 500));
            world.give(Input::Request(if pick.is_multiple_of(2) {
                Request::Run
            } else {
                Request::Pause { until }
            }));
        }
        22 => match pick % 8 {
            0 => world.revoke(pick / 8),
            1 if pick.is_multiple_of(5) => world.forget(),
            2 => world.compute(index, Some(Cause::Host)),
            3 => world.restart(),
            4 => world.compute(index, Some(Cause::DeviceLost)),
            5 | 6 => world.toggle_device(index / 8),
            7 if pick.is_multiple_of(3) => world.update_driver(index / 8),
            _ => {}
        },
        23 => world.give(Input::Turn(Turn {
            is_shared: true,
            elsewhere: pick.is_multiple_of(3).then(|| "https://other.example".to_owned()),
            taken: world::DEVICES
                .iter()
                .take(usize::from(pick % 2))
                .map(|device| ((*device).to_owned(), "https://other.example".to_owned()))
                .collect(),
        })),
        _ => world.give(Input::Server(match pick % 2 {
            0 => Server::Reachable,
            _ => Server::Away("no answer".into()),
        })),
    }
}

fn happenings() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((any::<u8>(), any::<u8>()), 0..250)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn whatever_happens_every_job_is_completed_in_the_end(registered: bool, happenings in happenings()) {
        let mut world = World::new(registered);
        for (what, pick) in happenings {
            happen(&mut world, what, pick);
        }
        world.give(Input::Request(Request::Run));
        world.give(Input::Turn(Turn::default()));
        world.settle(120);
        world.assert_settled();
    }

    #[test]
    fn whatever_happened_a_signal_ends_the_agent_with_all_boundaries_home(happenings in happenings()) {
        let mut world = World::new(true);
        for (what, pick) in happenings {
            happen(&mut world, what, pick);
        }
        world.give(Input::Request(Request::Run));
        world.stop(Stop::AtBoundary);
        // The server answers a host that leaves by telling its jobs to stop.
        world.leave(60);
        prop_assert_eq!(world.ended.clone(), Some(Ending::Done));
        world.assert_clean();
    }

    #[test]
    fn whatever_happened_a_second_signal_ends_the_agent_once_its_threads_have(happenings in happenings()) {
        let mut world = World::new(true);
        for (what, pick) in happenings {
            happen(&mut world, what, pick);
        }
        world.stop(Stop::Now);
        for _ in 0..8 {
            for pick in 0..world.threads() {
                world.compute(pick, None);
                world.note(pick);
            }
        }
        prop_assert!(world.ended.is_some());
    }

    #[test]
    fn nothing_is_due_before_the_time_that_is_named(happenings in happenings()) {
        let mut world = World::new(true);
        for (what, pick) in happenings {
            happen(&mut world, what, pick);
            if let Some(at) = world.planner.wake_at() && at.0 > world.now + 1 {
                let mut other = world.planner.clone();
                let early = other.step(Input::Tick, Time(at.0 - 1));
                prop_assert!(early.is_empty(), "{early:?} before {at:?}");
            }
        }
    }
}

#[test]
fn nothing_computes_on_a_device_on_which_another_projects_job_does() {
    let mut world = World::new(true);
    let other = |device: &&str| ((*device).to_owned(), "https://other.example".to_owned());
    world.give(Input::Turn(Turn {
        is_shared: true,
        elsewhere: None,
        taken: world::DEVICES.iter().map(other).collect(),
    }));
    let orders = world.orders();
    world.give(Input::Orders(orders));
    for _ in 0..60 {
        world.serve(0, Fate::Arrives);
    }
    assert_eq!((world.threads(), world.planner.jobs().count() > 0), (0, true));
    world.give(Input::Turn(Turn::default()));
    assert!(world.threads() > 0, "once the devices are free it begins");
}

/// Numbers as a careful attacker chooses them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..4, Just(u64::MAX), Just(u64::MAX / 2), any::<u64>()]
}

fn hostile_lease() -> impl Strategy<Value = Lease> {
    let numbers = (number(), 0u64..4, number(), number(), number());
    let words = (0usize..3, 0u8..5, any::<bool>(), proptest::option::of((number(), number())));
    (numbers, words).prop_map(|((job, attempt, epoch, until, commit), (device, action, known, safe))| {
        let digest = Digest::of(&job.to_le_bytes());
        let entry = |(segment, step)| ChainEntry {
            segment,
            step,
            digest,
            parent: digest,
            content: digest,
            outputs: digest,
        };
        Lease {
            job: JobId(job),
            attempt: AttemptId(attempt),
            epoch,
            batch: AttemptId(job),
            device: ["cpu", "vulkan:0", "nowhere"][device].into(),
            action: [
                Action::Run,
                Action::Wait,
                Action::StopAtBoundary,
                Action::StopNow,
                Action::Run,
            ][usize::from(action)],
            reason: String::new(),
            name: String::new(),
            package: digest,
            archive: digest,
            checkpoint: safe.map(|safe| CheckpointRef {
                blob: digest,
                entry: entry(safe),
            }),
            class: HardwareClass {
                tier: Tier::Portable,
                key: if known { Digest::of(b"0 0") } else { digest },
            },
            until_segment: until,
            commit_every_s: commit,
            canary: None,
            signed: None,
        }
    })
}

fn hostile_orders() -> impl Strategy<Value = Orders> {
    let leases = proptest::collection::vec(hostile_lease(), 0..5);
    (leases, number(), number(), number(), number()).prop_map(|(leases, sequence, life, offers, heartbeat_s)| Orders {
        host: HostId(1),
        sequence,
        server: String::new(),
        life,
        offers,
        leases,
        idle: Vec::new(),
        heartbeat_s,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Duplicate attempts, unknown devices and classes, huge segments and times, orders of old sequences and other lives; fetched folders, boundaries and commits
    /// with any numbers.
    #[test]
    fn no_orders_and_no_numbers_make_the_planner_panic_or_compute_twice(
        steps in proptest::collection::vec((hostile_orders(), number(), number(), number()), 1..12),
    ) {
        let mut planner = World::new(true).planner;
        let (mut now, mut errands, mut runs) = (0u64, Vec::new(), Vec::new());
        for (orders, first, second, third) in steps {
            let mut inputs = vec![Input::Orders(orders.clone())];
            for (id, errand) in std::mem::take(&mut errands) {
                inputs.push(Input::Answer(id, match errand {
                    Errand::Fetch(_) => Answer::Fetched(Fetched {
                        steps_per_segment: first,
                        reached: second,
                        boundaries: vec![world::any_boundary(second, third)],
                        checkpoints: [first, second].into(),
                    }),
                    Errand::Commit { .. } => Answer::Committed(Committed { segment: first, state: JobState::Running }),
                    Errand::Heartbeat(..) => Answer::Away { again_ms: first },
                    Errand::Update(..) => Answer::Updated,
                    _ => Answer::Orders(orders.clone()),
                }));
            }
            for run in &runs {
                inputs.push(Input::Boundary(*run, world::any_boundary(first, third)));
                inputs.push(Input::Boundary(*run, world::any_boundary(second, third)));
            }
            now = now.saturating_add(third);
            for input in inputs {
                for effect in planner.step(input, Time(now)) {
                    match effect {
                        Effect::Begin(id, errand) => errands.push((id, errand)),
                        Effect::Compute { run, .. } => runs.push(run),
                        _ => {}
                    }
                }
                let computing: Vec<_> = planner.jobs().filter_map(|job| job.thread).collect();
                prop_assert!(computing.len() <= world::DEVICES.len());
                _ = planner.wake_at();
                world::DEVICES.iter().for_each(|device| _ = planner.idle(device));
            }
        }
    }
}

/// A person who watches a job with the usual time between heartbeats, a minute here.
#[test]
fn boundaries_are_reported_soon_while_a_job_is_young() {
    let mut world = World::new(true);
    while world.threads() == 0 {
        world.settle(1);
    }
    let before = world.heartbeats;
    for _ in 0..4 {
        world.now += 3000;
        world.compute(0, None);
        world.note(0);
        for errand in (0..world.errands()).rev() {
            world.serve(errand, Fate::Arrives);
        }
    }
    assert!(
        world.heartbeats >= before + 3,
        "{} heartbeats for 4 boundaries",
        world.heartbeats - before
    );
}

#[test]
fn a_server_that_offers_and_gives_nothing_is_asked_once_a_second() {
    let mut world = World::new(true);
    world.settle(3);
    let mut asked = 0;
    let mut offering = world.orders();
    offering.offers = u64::MAX;
    for _ in 0..100 {
        world.now += 100;
        offering.sequence += 1;
        let effects = world.planner.step(Input::Orders(offering.clone()), Time(world.now));
        for effect in effects {
            if let Effect::Begin(id, Errand::TakeOffers(_)) = effect {
                asked += 1;
                world
                    .planner
                    .step(Input::Answer(id, Answer::Orders(offering.clone())), Time(world.now));
            }
        }
    }
    assert!((5..=12).contains(&asked), "{asked} times in ten seconds");
}

/// As a server that answers heartbeats and never a commit.
#[test]
fn a_server_that_is_away_and_back_all_the_time_is_said_to_be_once() {
    let mut world = World::new(true);
    let before = world.said.len();
    for _ in 0..50 {
        world.give(Input::Server(Server::Away("status 500".into())));
        world.give(Input::Server(Server::Reachable));
        world.now += 3000;
    }
    let said = &world.said[before..];
    assert_eq!(said, [Message::ServerAway("status 500".into()), Message::ServerBack]);
    world.give(Input::Server(Server::Away("no route".into())));
    world.give(Input::Server(Server::Reachable));
    assert_eq!(world.said.len(), before + 4, "another reason is news");
}

/// Two agents with one identity, each told by the server in turn that the other one speaks for the host.
#[test]
fn an_agent_that_another_one_contends_with_registers_again_once_and_then_gives_way() {
    let mut world = World::new(true);
    world.settle(3);
    let host = world.planner.host_number();
    for gave_way in [false, true] {
        world.contend();
        assert_eq!(world.planner.host_number() != host, gave_way);
        world.settle(2);
    }
    assert!(
        world.planner.host_number().is_some_and(|now| Some(now) != host),
        "it has enrolled as a host of its own"
    );
}
