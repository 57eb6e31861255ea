//! Whatever comes in, in whatever order, however often: no boundary is lost, nothing is computed for a lease that is gone, every idle device has
//! its reason; and once everything works again, every job is completed.

mod world;

use planner::{Ending, Facts, Input, Request, Server, Stop, Time};
use proptest::prelude::*;
use protocol::http::Action;
use world::{Fate, World};

/// One thing that happens, chosen by a number; `pick` chooses which errand, thread or job it happens to.
fn happen(world: &mut World, what: u8, pick: u8) {
    if world.ended.is_some() {
        return;
    }
    let index = usize::from(pick);
    match what % 24 {
        0..=5 => world.serve(index, Fate::Arrives),
        6 => world.serve(index, Fate::AnswerIsLost),
        7 => world.serve(index, Fate::Fails),
        8..=11 => world.compute(index, false),
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
            2 => world.compute(index, true),
            _ => {}
        },
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
                world.compute(pick, false);
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

/// The server is wrong for a moment, as while its database is being restored.
#[test]
fn one_answer_by_which_local_work_is_void_deletes_nothing_and_a_second_one_later_does() {
    for confirmed in [false, true] {
        let mut world = World::new(true);
        while world.threads() == 0 {
            world.settle(1);
        }
        for _ in 0..4 {
            world.compute(0, false);
            world.note(0);
        }
        assert!(
            world.planner.jobs().any(|job| job.pending > 0),
            "there is work that the server lacks"
        );
        let host = world.planner.host_number();
        world.set_known(false);
        for _ in 0..3 {
            world.now += 1000;
            world.give(Input::Tick);
            world.serve(0, Fate::Arrives);
        }
        assert_eq!(world.planner.host_number(), host, "within three seconds nothing is given up");
        if !confirmed {
            world.set_known(true);
        }
        world.now += 6000;
        for _ in 0..8 {
            world.now += 500;
            world.give(Input::Tick);
            world.serve(0, Fate::Arrives);
        }
        assert_eq!(world.planner.host_number() == host, !confirmed);
    }
}

#[test]
fn orders_that_do_not_list_a_job_with_boundaries_of_its_own_count_the_second_time() {
    let mut world = World::new(true);
    while world.threads() == 0 {
        world.settle(1);
    }
    for _ in 0..4 {
        world.compute(0, false);
        world.note(0);
    }
    let held = |world: &World| world.planner.jobs().filter(|job| job.pending > 1).count();
    let before = held(&world);
    assert!(before > 0, "there is work that the server lacks");
    for job in 0..4 {
        world.revoke(job);
    }
    let orders = world.orders();
    world.give(Input::Orders(orders));
    assert_eq!(held(&world), before, "one answer proves nothing");
    let orders = world.orders();
    world.give(Input::Orders(orders));
    assert_eq!(held(&world), 0);
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
