//! Jobs that make room while others wait: who stops, when, and for whom.

use protocol::http::{Action, Heartbeat, Lease, SubmitJob};
use protocol::{HostId, JobId, JobState, Outcome, Verify};

use super::driver::{World, job};
use crate::{Config, Event};

fn urgent(name: &str, priority: u8, now: bool) -> SubmitJob {
    SubmitJob {
        priority,
        now,
        ..job(name)
    }
}

/// A host whose job was told to stop at its next boundary for another, which waits behind it.
fn stopping() -> (World, HostId, JobId, Lease, JobId) {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit("ann", job("calm"));
    let lease = world.running(host, calm, 1);
    let first = world.submit("bob", urgent("first", 8, false));
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    assert_eq!(world.leases(host)[1].job, first);
    (world, host, calm, lease, first)
}

#[test]
fn a_third_job_in_a_hurry_takes_the_turn_and_what_stops_at_its_boundary_stops_at_once() {
    let (mut world, host, calm, lease, first) = stopping();
    let third = world.submit("eve", urgent("third", 9, true));
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopNow));
    let jobs: Vec<JobId> = world.leases(host).iter().map(|lease| lease.job).collect();
    assert_eq!(jobs, [calm, third], "the less urgent one waits again");
    assert!(
        world.view(first).reason.contains("gave up its turn"),
        "{}",
        world.view(first).reason
    );
    world.take(host);
    world.end(host, &lease, Outcome::Preempted);
    assert_eq!(
        (world.state(calm), world.state(third)),
        (JobState::Suspended, JobState::Running)
    );
}

#[test]
fn a_third_job_that_is_more_urgent_but_in_no_hurry_takes_the_turn_at_the_boundary() {
    let (mut world, host, _, lease, _) = stopping();
    let third = world.submit("eve", urgent("third", 9, false));
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    assert_eq!((world.leases(host).len(), world.leases(host)[1].job), (2, third));
}

#[test]
fn a_third_job_of_the_same_urgency_waits_however_much_of_a_hurry_it_is_in() {
    let (mut world, host, _, lease, first) = stopping();
    world.submit("eve", urgent("third", 8, true));
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    assert_eq!((world.leases(host).len(), world.leases(host)[1].job), (2, first));
}

#[test]
fn a_job_that_is_held_at_its_boundary_stops_at_once_for_one_in_a_hurry_and_stays_held() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit("ann", job("calm"));
    let lease = world.running(host, calm, 1);
    world.apply(Event::Hold {
        job: calm,
        by: "ann".to_owned(),
    });
    let next = world.submit("eve", urgent("next", 8, true));
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopNow));
    assert_eq!(world.leases(host)[1].job, next);
    world.take(host);
    world.end(host, &lease, Outcome::Preempted);
    assert_eq!((world.state(calm), world.state(next)), (JobState::Held, JobState::Running));
}

#[test]
fn an_urgent_job_that_waits_takes_the_place_of_one_that_was_to_go_on() {
    let (mut world, host, _, lease, first) = stopping();
    let second = world.submit("eve", urgent("second", 8, false));
    world.apply(Event::Cancel {
        job: first,
        by: "bob".to_owned(),
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    assert_eq!(world.leases(host)[1].job, second, "it had waited for no other reason");
}

#[test]
fn an_urgent_job_takes_the_place_of_one_granted_for_its_age_after_its_first_boundary() {
    let mut world = World::with(Config {
        passed_max: 0,
        ..Config::default()
    });
    let old = world.submit("ann", job("old"));
    let host = world.host("desk", 1);
    let lease = world
        .take(host)
        .into_iter()
        .find(|lease| lease.job == old)
        .expect("it was granted");
    let next = world.submit("eve", urgent("next", 9, false));
    assert_eq!(
        world.action(host, lease.attempt),
        Some(Action::Run),
        "its turn came for its age"
    );
    world.commit(host, &lease, 1);
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    assert_eq!(world.leases(host)[1].job, next);
}

#[test]
fn an_urgent_job_is_looked_at_when_the_one_before_it_goes_behind_a_check() {
    // Found by the fault simulation, seed 29500: it waited though the check could make room, until something else happened.
    let mut world = World::with(Config {
        batch_max: 2,
        ..Config::default()
    });
    let owner = world.host("owner", 1);
    let checked = world.submit(
        "ann",
        SubmitJob {
            verify: Verify::Full,
            ..job("checked")
        },
    );
    let lease = world.running(owner, checked, 1);
    let beat = Heartbeat {
        accepting: false,
        ..world.beats(vec![world.report(&lease, 0)])
    };
    world.apply(Event::Heartbeat {
        host: owner,
        beat,
        address: 1,
    });
    let small = |name| SubmitJob {
        segments: 1,
        segment_ms: Some(60_000),
        ..urgent(name, 9, false)
    };
    let both = ["first", "next"].map(|name| world.submit("bob", small(name)));
    // A check, and behind it the first; now the other may take the check's turn.
    let host = world.host("other", 1);
    let jobs: Vec<JobId> = world.leases(host).iter().map(|lease| lease.job).collect();
    assert_eq!(jobs, [both[1]]);
}
