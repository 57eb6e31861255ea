//! Answers by which what lies here would be void: one alone proves nothing, a second one later does.

use planner::{Ending, Input, Message, Stop, Trouble};
use protocol::http::Action;

use crate::world::{Fate, World};

/// A world whose agent computes.
fn at_work() -> World {
    let mut world = World::new(true);
    while world.threads() == 0 {
        world.settle(1);
    }
    world
}

/// The same with boundaries that the server lacks.
fn with_boundaries() -> World {
    let mut world = at_work();
    for _ in 0..4 {
        world.compute(0, None);
        world.note(0);
    }
    assert!(world.only_here() > 0, "there is work that the server lacks");
    world
}

/// The server is wrong for a moment, as while its database is being restored.
#[test]
fn one_answer_by_which_local_work_is_void_deletes_nothing_and_a_second_one_later_does() {
    for confirmed in [false, true] {
        let mut world = with_boundaries();
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

/// Two requests under way at the same time are answered by one and the same mistake.
#[test]
fn answers_of_one_moment_prove_no_more_than_one() {
    let mut world = with_boundaries();
    world.set_known(false);
    let host = world.planner.host_number();
    // A heartbeat and the stream of orders, say.
    let unknown = || Input::Refused(Trouble::UnknownHost("no such host".to_owned()));
    for _ in 0..3 {
        world.give(unknown());
    }
    assert_eq!(world.planner.host_number(), host, "within one moment nothing is given up");
    world.now += 6000;
    world.give(unknown());
    assert_ne!(world.planner.host_number(), host);
}

/// The server forgets the host, and the agent is killed before the thread of a void job has ended: its folder is left, and nothing of it is to be brought
/// home. The next agent sweeps it as soon as it hears from the server, but not if it is told to end before.
#[test]
fn a_void_folder_that_a_killed_agent_left_is_swept_by_the_next_one() {
    for is_told_to_end in [true, false] {
        let mut world = at_work();
        world.forget();
        let unknown = || Input::Refused(Trouble::UnknownHost("no such host".to_owned()));
        world.give(unknown());
        world.now += 6000;
        world.give(unknown());
        world.restart();
        if is_told_to_end {
            world.stop(Stop::AtBoundary);
            world.leave(60);
            assert_eq!(world.ended, Some(Ending::Done));
            world.assert_clean();
        } else {
            world.settle(120);
            world.assert_settled();
        }
    }
}

#[test]
fn one_commit_that_is_refused_deletes_nothing_and_a_second_one_later_does() {
    let mut world = at_work();
    // Until one is on its way.
    for _ in 0..50 {
        world.now += 1000;
        world.compute(0, None);
        world.note(0);
        world.give(Input::Tick);
    }
    for job in 0..4 {
        world.revoke(job);
    }
    let lacking = world.only_here();
    let known = |world: &World| world.planner.jobs().count();
    let before = known(&world);
    // One of each device's job.
    let refused = |world: &mut World| (0..10).filter(|_| world.serve_commit()).count();
    let first = refused(&mut world);
    assert!(first > 0 && lacking > 0, "commits are on their way");
    assert_eq!(
        (known(&world), world.only_here()),
        (before, lacking),
        "one answer proves nothing"
    );
    world.now += 6000;
    world.give(Input::Tick);
    assert_eq!(refused(&mut world), first, "it asks again");
    assert_eq!(known(&world), before - first);
}

#[test]
fn orders_that_do_not_list_a_job_with_boundaries_of_its_own_count_the_second_time() {
    let mut world = with_boundaries();
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

/// A lease that the server took away while all of the job was safe there, as of a host that was silent for long.
#[test]
fn a_lease_that_is_over_is_said_to_be_also_when_nothing_is_lost_with_it() {
    for is_safe in [false, true] {
        let mut world = at_work();
        let held: Vec<_> = world.planner.jobs().map(|job| job.job).collect();
        if !is_safe {
            for _ in 0..4 {
                world.compute(0, None);
                world.note(0);
            }
        }
        for job in 0..4 {
            world.revoke(job);
        }
        for _ in 0..2 {
            let orders = world.orders();
            world.give(Input::Orders(orders));
        }
        for job in held {
            let over = |message: &&Message| matches!(message, Message::LeaseOver { job: of, .. } if *of == job);
            assert_eq!(world.said.iter().filter(over).count(), 1, "job {job}: {:?}", world.said);
        }
        let loses = |message: &Message| {
            matches!(
                message,
                Message::LeaseOver {
                    loses: true,
                    why: None,
                    ..
                }
            )
        };
        assert!(is_safe || world.said.iter().any(loses), "{:?}", world.said);
    }
}

/// A server that is wrong for a moment, just when an agent starts again whose folders it has not looked into yet.
#[test]
fn after_a_restart_too_one_answer_alone_deletes_no_boundary() {
    for is_stale in [false, true] {
        let mut world = with_boundaries();
        let before = world.only_here();
        assert!(before > 0, "there is work that the server lacks");
        let mut empty = world.orders();
        empty.leases.clear();
        if is_stale {
            empty.sequence = 0;
        } else {
            empty.sequence += 1;
        }
        world.restart();
        world.give(Input::Orders(empty.clone()));
        assert_eq!(world.only_here(), before, "one answer proves nothing");
        world.give(Input::Orders(empty));
        assert_eq!(world.only_here() == before, is_stale, "two do, overtaken ones never");
    }
}

/// An agent that was stopped twice while the server was being told that it leaves, and starts again: the stop that this brought comes before it has looked
/// into its folders.
#[test]
fn after_a_restart_a_job_that_is_told_to_stop_brings_home_what_was_computed_before() {
    for takes_it_back in [false, true] {
        let mut world = with_boundaries();
        let before = world.only_here();
        let held = world.planner.jobs().count();
        for job in 0..4 {
            world.set_action(job, Action::StopAtBoundary);
        }
        world.restart();
        let orders = world.orders();
        world.give(Input::Orders(orders));
        world.serve_fetches();
        assert_eq!(world.only_here(), before, "nothing is given up");
        assert_eq!(
            world.deliveries(),
            0,
            "nothing goes home before the server knows that the host is here"
        );
        if takes_it_back {
            world.settle(1);
            assert_eq!(world.planner.jobs().count(), held, "it is here again: its jobs stay");
        } else {
            world.leave(20);
            assert_eq!(world.only_here(), 0, "all of it is home");
        }
        world.settle(120);
        world.assert_settled();
    }
}

/// Orders of one number differ in what is safe, and the older ones come last: over the stream, after the answer to a heartbeat.
#[test]
fn orders_that_were_overtaken_do_not_take_back_what_is_safe() {
    let mut world = with_boundaries();
    let before = world.orders();
    world.give(Input::Orders(before.clone()));
    world.now += 60_000;
    world.give(Input::Tick);
    while world.serve_commit() {}
    let after = world.orders();
    assert_eq!(before.sequence, after.sequence);
    assert_ne!(before, after, "something became safe");
    world.give(Input::Orders(after));
    world.give(Input::Orders(before));
    // What is safe was deleted here: it cannot be committed again.
    world.restart();
    world.serve_fetches();
    world.now += 60_000;
    world.give(Input::Tick);
    while world.serve_commit() {}
    world.settle(120);
    world.assert_settled();
}
