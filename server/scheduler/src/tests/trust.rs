//! What is checked, and by which hosts: the share, the key, what a host could copy, and what a liar's word was good for.

use protocol::http::{Action, Lease};
use protocol::{Digest, ErrorCause, HostId, JobState, Outcome, Verify};

use super::checks::{checked, commit, does, enrol, only_lease, spans};
use super::driver::{HOUR, World, bound, is_check};
use crate::config::CheckKey;
use crate::{Config, Event, Reply};

fn world_with(key: u8) -> World {
    World::with(Config {
        check_key: CheckKey(Digest([key; 32])),
        ..Config::default()
    })
}

/// Which of so many commits of one segment are chosen, of a host of which so many spans passed.
fn chosen(key: u8, passed: u64, commits: u64) -> Vec<u64> {
    let mut world = world_with(key);
    world.checked = false;
    // One that may check, and is away.
    let bob = enrol(&mut world, "bob", false);
    world.leave(bob, 0);
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(commits + 1, Verify::Sampled));
    let host = world.core.hosts.get_mut(ann).expect("it enrolled");
    host.record_mut(bound(0)).passed = passed;
    for _ in 0..commits {
        does(&mut world, ann, 1, None);
    }
    let view = world.view(id);
    let open = spans(&view).iter().filter(|span| span.note == "open");
    open.map(|span| span.last).collect()
}

#[test]
fn a_share_of_commits_is_chosen_that_falls_with_what_passed_and_only_the_key_tells_which() {
    assert_eq!(chosen(1, 0, 30).len(), 30, "all of a host of which nothing is known");
    assert_eq!(chosen(1, 4, 30).len(), 30);
    // 5/50 of 400: 40, with a standard deviation of 6.
    let (one, other) = (chosen(1, 50, 400), chosen(2, 50, 400));
    assert!((22..=58).contains(&one.len()), "{} of 400 are chosen", one.len());
    assert_ne!(one, other, "which ones is a matter of the key");
    assert_eq!(one, chosen(1, 50, 400));
    // Never less than 2 %.
    let least = chosen(1, 1_000_000, 1000).len();
    assert!((5..=40).contains(&least), "{least} of 1000 are chosen");
}

#[test]
fn what_passed_counts_for_its_class_alone_and_checking_others_earns_nothing() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(40, Verify::Sampled));
    let host = world.core.hosts.get_mut(ann).expect("it enrolled");
    host.record_mut(bound(7)).passed = 1_000_000;
    for _ in 0..5 {
        does(&mut world, ann, 1, None);
    }
    assert_eq!(
        world.view(id).verification.open,
        5,
        "its work of another class says nothing of this one"
    );
    let bob = enrol(&mut world, "bob", false);
    for _ in 0..5 {
        let lease = does(&mut world, bob, 1, None);
        assert_eq!(lease.job, id);
    }
    let passed = [ann, bob].map(|host| {
        world
            .core
            .hosts
            .get(host)
            .and_then(|host| host.record(bound(0)).map(|r| r.passed))
    });
    assert_eq!(passed, [Some(5), None]);
}

#[test]
fn the_host_that_checked_last_does_not_check_again_where_there_are_others() {
    let mut world = World::new();
    let hosts = ["ann", "bob", "cay"].map(|name| enrol(&mut world, name, false));
    let id = world.submit("sue", checked(20, Verify::Full));
    let worker = *hosts
        .iter()
        .find(|host| !world.leases(**host).is_empty())
        .expect("one has the job");
    let mut last: Option<HostId> = None;
    for round in 0..6 {
        does(&mut world, worker, 1, None);
        let others = hosts.iter().filter(|host| **host != worker);
        let with_check: Vec<HostId> = others.copied().filter(|host| !world.leases(*host).is_empty()).collect();
        let [checker] = with_check[..] else {
            panic!("round {round}: {with_check:?} have a check of {:?}", world.view(id));
        };
        assert_ne!(Some(checker), last, "round {round}: the same pair twice running");
        does(&mut world, checker, 1, None);
        last = Some(checker);
    }
}

/// `eve` is given the end of a span before it is her turn to check it: she could copy it.
#[test]
fn a_host_that_was_given_the_end_of_a_span_does_not_check_it() {
    let mut world = World::new();
    let (ann, bob) = (enrol(&mut world, "ann", false), enrol(&mut world, "bob", false));
    let id = world.submit("sue", checked(4, Verify::Sampled));
    let (ann, bob) = if world.leases(ann).is_empty() {
        (bob, ann)
    } else {
        (ann, bob)
    };
    does(&mut world, ann, 2, None);
    let check = only_lease(&mut world, bob);
    assert!(is_check(&world.core, &check));
    // The job goes on with her, from the end of what is being checked.
    let eve = enrol(&mut world, "eve", false);
    world.leave(ann, 0);
    let work = world.leases(ann)[0].clone();
    world.end(ann, &work, Outcome::Migrated);
    let job = only_lease(&mut world, eve);
    assert_eq!(job.checkpoint.as_ref().map(|given| given.entry.segment), Some(2));
    // Who was to check it cannot.
    world.end_with(bob, &check, Outcome::ClientError, ErrorCause::Host);
    world.apply(commit(&world.core, eve, &job, 1, None));
    world.end(eve, &job, Outcome::Aborted);
    world.pass(HOUR / 2, &[eve]);
    let no_check = |leases: Vec<Lease>| leases.iter().all(|lease| lease.until_segment != 2);
    assert!(no_check(world.take(eve)), "she knows the answer: {:?}", world.view(id));
    let cay = enrol(&mut world, "cay", false);
    let check = only_lease(&mut world, cay);
    assert_eq!(check.until_segment, 2, "{check:?}");
}

#[test]
fn a_host_that_may_come_back_is_waited_for_at_a_jobs_end_and_one_that_is_lost_is_not() {
    for lost in [false, true] {
        let mut world = World::new();
        let ann = enrol(&mut world, "ann", false);
        let bob = enrol(&mut world, "bob", false);
        let id = world.submit("sue", checked(2, Verify::Sampled));
        let (ann, bob) = if world.leases(ann).is_empty() {
            (bob, ann)
        } else {
            (ann, bob)
        };
        world.leave(bob, 0);
        if lost {
            world.apply(Event::Revoked { host: bob });
        }
        let lease = only_lease(&mut world, ann);
        let answer = world.apply(commit(&world.core, ann, &lease, 2, None));
        // Whether its work is checked is no matter of its host.
        assert!(
            matches!(&answer, Reply::Committed(committed) if committed.state == JobState::Completed),
            "{answer:?}"
        );
        if lost {
            assert_eq!(world.state(id), JobState::Completed);
            continue;
        }
        assert_eq!(world.state(id), JobState::Verifying, "{}", world.view(id).reason);
        world.pass(HOUR, &[ann]);
        assert_eq!(world.state(id), JobState::Verifying);
        world.beat(bob, 0);
        does(&mut world, bob, 2, None);
        let view = world.view(id);
        assert_eq!((view.state, view.verification.segments), (JobState::Completed, 2));
    }
    // It does not come.
    let mut world = World::new();
    let (ann, bob) = (enrol(&mut world, "ann", false), enrol(&mut world, "bob", false));
    let id = world.submit("sue", checked(2, Verify::Sampled));
    let (ann, bob) = if world.leases(ann).is_empty() {
        (bob, ann)
    } else {
        (ann, bob)
    };
    world.leave(bob, 0);
    does(&mut world, ann, 2, None);
    world.pass(3 * HOUR, &[ann]);
    assert_eq!(world.state(id), JobState::Completed);
    assert!(world.view(id).reason.contains("0 of 2 segments"), "{}", world.view(id).reason);
}

#[test]
fn what_a_liar_confirmed_is_checked_again_and_its_checkpoint_was_kept_for_that() {
    let mut world = World::new();
    let names = ["ann", "eve", "bob", "cay", "dot"];
    let hosts = names.map(|name| enrol(&mut world, name, false));
    let id = world.submit("sue", checked(9, Verify::Full));
    let worker = *hosts
        .iter()
        .find(|host| !world.leases(**host).is_empty())
        .expect("one has the job");
    let free = |world: &World, but: &[HostId]| {
        let others = hosts.iter().copied().filter(|host| !but.contains(host));
        others.filter(|host| !world.leases(*host).is_empty()).collect::<Vec<_>>()
    };
    does(&mut world, worker, 2, None);
    let eve = free(&world, &[worker])[0];
    does(&mut world, eve, 2, None);
    assert_eq!(spans(&world.view(id))[0].confirmed_by, Some(eve));
    does(&mut world, worker, 2, None);
    let bob = free(&world, &[worker])[0];
    does(&mut world, bob, 2, None);
    does(&mut world, worker, 2, None);
    // Each of them is the host that checked last at some time, until she lies about the third span.
    let liar = free(&world, &[worker])[0];
    does(&mut world, liar, 2, Some(Digest::of(b"slander")));
    let third = free(&world, &[worker, liar])[0];
    does(&mut world, third, 2, None);
    assert_eq!(world.core.host(liar).unwrap().faults, 1);
    let view = world.view(id);
    assert_eq!(view.segment, 6, "what she denied stays");
    let confirmed = |host| spans(&view).iter().filter(|span| span.confirmed_by == Some(host)).count();
    assert_eq!(confirmed(liar), 0, "her word is good for nothing: {:?}", spans(&view));
    assert_eq!(view.verification.open, u64::from(liar == eve) + u64::from(liar == bob));
    assert!(view.verification.open > 0 || liar != eve && liar != bob);
    let credited = world.core.host(worker).unwrap().credit_segments;
    assert_eq!(
        credited, view.verification.segments,
        "what is to be confirmed again does not count"
    );
    let needed = world.core.needed_blobs();
    for span in world
        .core
        .jobs
        .get(id)
        .unwrap()
        .spans
        .iter()
        .filter_map(|span| span.start.as_ref())
    {
        assert!(needed.contains(&span.blob));
    }
}

#[test]
fn a_job_goes_back_to_before_the_first_span_that_rests_on_the_liar_and_no_further() {
    let mut world = World::new();
    let (ann, bob) = (enrol(&mut world, "ann", false), enrol(&mut world, "bob", false));
    let id = world.submit("sue", checked(20, Verify::Sampled));
    let (ann, bob) = if world.leases(ann).is_empty() {
        (bob, ann)
    } else {
        (ann, bob)
    };
    // Confirmed up to 2; 3 to 4 unchecked; 5 to 6 is the lie that is found; 7 rests on it.
    does(&mut world, ann, 2, None);
    does(&mut world, bob, 2, None);
    let host = world.core.hosts.get_mut(ann).expect("it enrolled");
    host.record_mut(bound(0)).passed = 15;
    let lie = Some(Digest::of(b"made up"));
    let mut lied = false;
    while !lied {
        does(&mut world, ann, 1, lie);
        let view = world.view(id);
        lied = spans(&view).last().is_some_and(|span| span.note == "open");
        assert!(view.segment < 19, "none was chosen");
    }
    world.commands.clear();
    does(&mut world, bob, 1, None);
    let cay = enrol(&mut world, "cay", false);
    does(&mut world, cay, 1, None);
    let view = world.view(id);
    assert_eq!((view.segment, view.verification.segments), (2, 2), "{:?}", spans(&view));
    assert!(world.commands.contains(&crate::Command::ChainCut(id, 2)));
    assert!(world.leases(ann).iter().all(|lease| lease.action != Action::Run));
}
