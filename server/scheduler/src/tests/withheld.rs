//! Hosts that take work and bring nothing home, and checks that lie behind a job that does not end.

use protocol::http::Action;
use protocol::{JobState, Verify};

use super::checks::{checked, does, enrol, only_lease};
use super::driver::{HOUR, MINUTE, World, is_check};

#[test]
fn a_host_that_brings_no_boundary_home_for_a_day_has_the_job_no_more() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(4, Verify::None));
    does(&mut world, ann, 1, None);
    world.pass(23 * HOUR, &[ann]);
    assert_eq!(world.state(id), JobState::Running);
    does(&mut world, ann, 1, None);
    world.pass(23 * HOUR, &[ann]);
    assert_eq!(world.state(id), JobState::Running, "each boundary counts");
    let bob = enrol(&mut world, "bob", false);
    world.pass(2 * HOUR, &[ann, bob]);
    let view = world.view(id);
    assert_eq!(view.host, Some(bob), "{}", view.reason);
    let host = world.core.host(ann).unwrap();
    assert_eq!(host.errors, 1, "{}", host.reason);
}

#[test]
fn a_check_that_a_host_keeps_to_itself_goes_to_another_one() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(400, Verify::Sampled));
    does(&mut world, ann, 2, None);
    let bob = enrol(&mut world, "bob", false);
    assert!({
        let lease = only_lease(&mut world, bob);
        is_check(&world.core, &lease)
    });
    let cay = enrol(&mut world, "cay", false);
    world.pass(9 * MINUTE, &[ann, bob, cay]);
    assert!(
        {
            let lease = only_lease(&mut world, bob);
            is_check(&world.core, &lease)
        },
        "it may still come"
    );
    world.pass(2 * MINUTE, &[ann, bob, cay]);
    assert!(world.take(bob).iter().all(|lease| !is_check(&world.core, lease)));
    does(&mut world, cay, 2, None);
    let view = world.view(id);
    assert_eq!((view.verification.segments, world.core.host(bob).unwrap().faults), (2, 0));
}

#[test]
fn a_check_behind_a_job_that_does_not_end_is_computed_at_the_next_boundary() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let bob = enrol(&mut world, "bob", false);
    for _ in 0..2 {
        world.submit("sue", checked(100, Verify::Sampled));
    }
    let (one, two) = (only_lease(&mut world, ann), only_lease(&mut world, bob));
    assert_ne!(one.job, two.job);
    // One says that it is about to end: the check of the other's work is fetched ahead.
    world.beat(bob, 98);
    does(&mut world, ann, 2, None);
    world.pass(MINUTE, &[]);
    let line = world.take(bob);
    assert!(line.len() == 2 && is_check(&world.core, &line[1]), "{line:?}");
    assert_eq!(line[1].action, Action::Wait);
    world.pass(10 * MINUTE, &[ann, bob]);
    let line = world.take(bob);
    assert_eq!(line[0].action, Action::StopAtBoundary, "{line:?}");
    assert!(line.len() == 2 && is_check(&world.core, &line[1]), "{line:?}");
}
