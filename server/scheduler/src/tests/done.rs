//! Runs that their package ends by its flag: the server reads it in the checkpoint, and a second host finds an end that was made up or passed over.

use protocol::http::SubmitJob;
use protocol::{Digest, HostId, JobState, Verify};

use super::checks::{checked, commit, does, enrol, only_lease};
use super::driver::World;
use crate::Event;

/// A host commits so many segments of what it has, at the last of which the package ended the run.
fn ends(world: &mut World, host: HostId, segments: u64, lie: Option<Digest>) {
    let lease = only_lease(world, host);
    let mut event = commit(&world.core, host, &lease, segments, lie);
    if let Event::Commit { done, .. } = &mut event {
        *done = true;
    }
    world.apply(event);
}

fn after(job: protocol::JobId) -> SubmitJob {
    SubmitJob {
        after: Some(job),
        ..checked(5, Verify::None)
    }
}

#[test]
fn a_job_that_its_package_ends_completes_there_and_nothing_starts_from_it() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(10, Verify::None));
    let next = world.submit("sue", after(id));
    does(&mut world, ann, 1, None);
    assert_eq!(world.view(id).segments, 10);
    ends(&mut world, ann, 2, None);
    let view = world.view(id);
    assert_eq!((view.state, view.segment, view.segments), (JobState::Completed, 3, 3));
    assert!(view.reason.contains("its package ended it at boundary 3"), "{}", view.reason);
    let view = world.view(next);
    assert_eq!((view.state, view.segment, view.segments), (JobState::Completed, 3, 3));
    assert!(view.reason.contains("no segment follows"), "{}", view.reason);
    let refused = world.try_apply(Event::Submit {
        user: "sue".into(),
        job: Box::new(after(id)),
        bytes: 1,
    });
    let refused = refused.expect_err("nothing is left to compute").to_string();
    assert!(refused.contains("was ended by its package at boundary 3"), "{refused}");
}

#[test]
fn an_end_that_was_made_up_is_found_and_the_job_goes_on() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(10, Verify::Sampled));
    let (bob, cay) = (enrol(&mut world, "bob", false), enrol(&mut world, "cay", false));
    ends(&mut world, ann, 2, Some(Digest::of(b"made up")));
    assert_eq!(world.state(id), JobState::Verifying);
    // Each of the two others computes it, in the order in which they are asked.
    for host in [bob, cay, bob] {
        if !world.take(host).is_empty() {
            does(&mut world, host, 2, None);
        }
        if world.view(id).segment == 0 {
            break;
        }
    }
    let view = world.view(id);
    assert!(!view.state.is_final() && (view.segment, view.segments) == (0, 10), "{view:?}");
    assert_eq!(world.core.host(ann).unwrap().standing, "suspect");
}

#[test]
fn an_end_that_was_passed_over_is_found_and_two_hosts_agree_on_where_it_is() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(10, Verify::Sampled));
    does(&mut world, ann, 4, None);
    let (bob, cay) = (enrol(&mut world, "bob", false), enrol(&mut world, "cay", false));
    ends(&mut world, bob, 2, None);
    ends(&mut world, cay, 2, None);
    assert_eq!(world.core.host(ann).unwrap().standing, "suspect");
    assert_eq!((world.view(id).segment, world.view(id).segments), (0, 10));
    // Bob has it now, and cay the check of its only span, or the other way round.
    for host in [bob, cay, bob, cay] {
        if world.state(id) != JobState::Completed && !world.take(host).is_empty() {
            ends(&mut world, host, 2, None);
        }
    }
    let view = world.view(id);
    assert_eq!((view.state, view.segments), (JobState::Completed, 2));
    assert!(view.reason.contains("2 of 2 segments verified"), "{}", view.reason);
}
