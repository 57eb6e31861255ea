//! Devices that go, come back, and are lost: no boundary is lost with them, and the server is told what is here.

use planner::{Cause, Errand, Idle, Input, Message, Reason, Server, Time};

use crate::world::{DEVICES, Fate, World};

/// A world whose agent computes on both devices.
fn at_work() -> World {
    let mut world = World::new(true);
    while world.threads() < DEVICES.len() {
        world.settle(1);
    }
    world
}

/// Whether the server is being told, with an errand, of so many devices.
fn tells_of(world: &World, devices: usize) -> bool {
    world
        .under_way()
        .any(|errand| matches!(errand, Errand::Update(_, description) if description.devices.len() == devices))
}

#[test]
fn a_job_whose_device_is_gone_goes_home_before_the_server_is_told_of_it() {
    let mut world = at_work();
    world.toggle_device(1);
    let displaced = |said: &[Message]| said.iter().any(|message| matches!(message, Message::Displaced { .. }));
    assert!(displaced(&world.said), "{:?}", world.said);
    assert!(
        !tells_of(&world, 1),
        "the server would end the lease while its boundaries are here"
    );
    // Its thread goes on to the next boundary, and what it computed goes home.
    for _ in 0..12 {
        for pick in (0..world.threads()).rev() {
            world.compute(pick, None);
            world.note(pick);
        }
        let told_at = world.now;
        for pick in (0..world.errands()).rev() {
            world.serve(pick, Fate::Arrives);
        }
        if tells_of(&world, 1) {
            assert!(told_at < 50_000, "as soon as they are home");
            assert_eq!(world.only_here_of(DEVICES[1]), 0, "boundaries of the gone device are home");
            assert_eq!(world.planner.idle(DEVICES[1]), Some(Idle::DeviceGone));
            return;
        }
        world.now += 100;
        world.give(Input::Tick);
    }
    panic!("the server is never told: {:?}", world.said);
}

#[test]
fn a_thread_that_never_reaches_its_boundary_keeps_the_server_from_knowing_for_a_minute_only() {
    let mut world = at_work();
    world.toggle_device(1);
    world.now += planner::HANDOVER_MS - 1;
    world.give(Input::Tick);
    assert!(!tells_of(&world, 1));
    assert!(world.planner.wake_at().is_some_and(|at| at <= Time(world.now + 1)));
    world.now += 1;
    world.give(Input::Tick);
    assert!(tells_of(&world, 1));
}

#[test]
fn a_device_with_other_classes_gives_all_its_jobs_back_and_then_takes_others() {
    let mut world = at_work();
    world.update_driver(1);
    let displaced = |said: &[Message]| {
        said.iter()
            .filter(|message| matches!(message, Message::Displaced { .. }))
            .count()
    };
    assert!(
        displaced(&world.said) > 0,
        "the server ends all leases of such a device: {:?}",
        world.said
    );
    world.settle_on(60);
    world.assert_settled();
}

#[test]
fn a_device_that_comes_back_is_used_again_and_a_new_one_as_well() {
    let mut world = at_work();
    world.toggle_device(1);
    world.toggle_device(1);
    world.settle(60);
    world.assert_settled();
}

#[test]
fn without_any_device_the_agent_waits_and_says_why() {
    let mut world = at_work();
    world.toggle_device(0);
    world.toggle_device(1);
    for pick in (0..world.threads()).rev() {
        world.compute(pick, None);
        world.note(pick);
    }
    assert_eq!(world.planner.idle(DEVICES[0]), Some(Idle::Paused(Reason::NoDevice)));
    for _ in 0..20 {
        world.now += 7_000;
        world.give(Input::Tick);
        for pick in (0..world.errands()).rev() {
            world.serve(pick, Fate::Arrives);
        }
    }
    assert!(!tells_of(&world, 0), "a host has a device at least");
    assert!(world.ended.is_none());
    world.settle(60);
    world.assert_settled();
}

#[test]
fn a_lost_device_is_looked_for_and_its_job_goes_on_from_its_last_boundary() {
    let mut world = at_work();
    world.give(Input::Server(Server::Reachable));
    let jobs = world.planner.jobs().count();
    for loss in 1..planner::LOSSES_MAX {
        // The thread that began last is the one of the device that was lost before.
        let lost = if loss == 1 { 0 } else { DEVICES.len() - 1 };
        world.compute(lost, Some(Cause::DeviceLost));
        world.note(lost);
        assert!(world.looks_for_devices(), "it is looked for");
        assert_eq!(world.planner.jobs().count(), jobs, "and its job stays");
        assert_eq!(world.threads(), DEVICES.len() - 1, "nothing begins on it meanwhile");
        world.find_devices();
        assert_eq!(world.threads(), DEVICES.len());
    }
    world.compute(DEVICES.len() - 1, Some(Cause::DeviceLost));
    world.note(DEVICES.len() - 1);
    let failed = |message: &Message| matches!(message, Message::Failed { failure, .. } if failure.cause == Cause::DeviceLost);
    assert!(world.said.iter().any(failed), "another machine may do it: {:?}", world.said);
}

#[test]
fn offers_are_not_taken_before_the_server_knows_the_devices() {
    let mut world = World::new(true);
    world.toggle_device(1);
    let takes = |world: &World| world.under_way().any(|errand| matches!(errand, Errand::TakeOffers(_)));
    let orders = world.orders();
    world.give(Input::Orders(orders));
    assert!(!takes(&world));
    // The description from before is answered, and then the one of now.
    for _ in 0..2 {
        for pick in (0..world.errands()).rev() {
            world.serve(pick, Fate::Arrives);
        }
    }
    let orders = world.orders();
    world.give(Input::Orders(orders));
    assert!(takes(&world) || world.planner.jobs().count() > 0);
}
