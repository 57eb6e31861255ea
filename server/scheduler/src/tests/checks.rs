//! Checks: what a second host confirms, what a wrong result costs its host and its job, and who decides.

use protocol::http::job::VerifiedSpan;
use protocol::http::{Action, Commit, JobView, Lease};
use protocol::{ChainEntry, Digest, HostId, JobId, JobState, Verify};

use super::driver::{HOUR, MINUTE, World, is_check, job, reached};
use crate::testing::registration;
use crate::{Command, Config, Core, Event, Origin, Reply};

/// The boundary behind `parent` on a device that computes rightly: a function of the state there alone. `lie` gives other bits.
pub(super) fn computed(package: Digest, parent: Option<&ChainEntry>, lie: Option<Digest>) -> ChainEntry {
    let segment = parent.map_or(0, |parent| parent.segment + 1);
    let from = parent.map_or(Digest::of(b"initial"), |parent| parent.content);
    let content = lie.unwrap_or_else(|| Digest::of(&from.0));
    ChainEntry::next(package, parent, segment * 10, content, content)
}

/// A commit of so many segments under a lease; the last of them is a lie, where one is given.
pub(super) fn commit(core: &Core, host: HostId, lease: &Lease, segments: u64, lie: Option<Digest>) -> Event {
    let mut parent = reached(core, lease);
    let count = segments + u64::from(parent.is_none());
    let mut entries = Vec::new();
    for left in (0..count).rev() {
        let entry = computed(lease.package, parent.as_ref(), lie.filter(|_| left == 0));
        entries.push(entry.clone());
        parent = Some(entry);
    }
    let last = entries.last().expect("segments are committed");
    Event::Commit {
        host,
        attempt: lease.attempt,
        commit: Commit {
            epoch: lease.epoch,
            checkpoint: last.digest,
            entries,
            outputs: None,
            computed_ms: segments * MINUTE,
            signature: None,
        },
        class: lease.class,
        bytes: 1000,
        outputs_bytes: 0,
        done: false,
    }
}

pub(super) fn enrol(world: &mut World, name: &str, referee: bool) -> HostId {
    enrol_as(world, registration(name, 0), referee)
}

/// Enrols what a host says of itself; its subject has its name.
fn enrol_as(world: &mut World, body: protocol::http::RegisterHost, referee: bool) -> HostId {
    let origin = Origin {
        subject: Some(body.name.clone()),
        network: 0,
        referee,
    };
    match world.apply(Event::Register {
        host: None,
        body,
        address: 1,
        origin,
    }) {
        Reply::Host(host) => host,
        other => panic!("{other:?}"),
    }
}

pub(super) fn checked(segments: u64, verify: Verify) -> protocol::http::SubmitJob {
    protocol::http::SubmitJob {
        segments,
        verify,
        ..job("checked")
    }
}

/// Takes what a host is offered; the one lease that it is to compute.
pub(super) fn only_lease(world: &mut World, host: HostId) -> Lease {
    let leases = world.take(host);
    let run = leases.iter().find(|lease| lease.action == Action::Run);
    run.unwrap_or_else(|| panic!("host {host} has nothing: {leases:?}")).clone()
}

/// A host commits so many segments of what it has.
pub(super) fn does(world: &mut World, host: HostId, segments: u64, lie: Option<Digest>) -> Lease {
    let lease = only_lease(world, host);
    world.apply(commit(&world.core, host, &lease, segments, lie));
    lease
}

pub(super) fn spans(view: &JobView) -> &[VerifiedSpan] {
    &view.verification.spans
}

#[test]
fn a_second_host_confirms_a_span_under_a_lease_like_any_other() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(4, Verify::Sampled));
    let work = does(&mut world, ann, 2, None);
    assert_eq!((world.view(id).verification.open, world.view(id).segment), (1, 2));
    let bob = enrol(&mut world, "bob", false);
    let check = only_lease(&mut world, bob);
    assert!(is_check(&world.core, &check) && check.until_segment == 2);
    let shown = |lease: &Lease| (lease.job, lease.name.clone(), lease.package, lease.archive, lease.class);
    assert_eq!(shown(&check), shown(&work), "number, name and package are the job's own");
    world.apply(commit(&world.core, bob, &check, 2, None));
    let view = world.view(id);
    assert_eq!((view.verification.segments, view.verification.open), (2, 0));
    assert_eq!((spans(&view)[0].host, spans(&view)[0].confirmed_by), (ann, Some(bob)));
    // The job's end waits for the check of its last span.
    does(&mut world, ann, 2, None);
    assert_eq!(world.state(id), JobState::Verifying);
    assert!(
        world
            .try_apply(Event::Hold {
                job: id,
                by: "sue".into()
            })
            .is_err()
    );
    does(&mut world, bob, 2, None);
    let view = world.view(id);
    assert_eq!(view.state, JobState::Completed);
    assert!(
        view.reason.contains("4 of 4 segments verified by a second host"),
        "{}",
        view.reason
    );
    assert_eq!(world.core.host(ann).unwrap().checks_passed, 2);
}

#[test]
fn a_job_alone_with_its_host_keeps_few_checkpoints_for_later_and_a_newcomer_still_finds_a_lie() {
    let mut world = World::with(Config {
        check_ms: 2 * HOUR,
        ..Config::default()
    });
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(100, Verify::Sampled));
    for _ in 0..40 {
        does(&mut world, ann, 1, None);
    }
    let view = world.view(id);
    assert_eq!((view.verification.open, view.verification.spans.len()), (16, 17));
    assert!(spans(&view)[16].note.contains("no other host of its class"), "{view:?}");
    let kept = |world: &World| world.core.needed_blobs().len();
    assert!(kept(&world) < 20, "{}", kept(&world));
    // In time nobody came: the checks are given up, and later ones are kept for a host that comes then.
    for _ in 0..2 {
        world.pass(HOUR, &[ann]);
        does(&mut world, ann, 1, None);
    }
    let view = world.view(id);
    assert_eq!((view.verification.open, view.verification.spans.len()), (1, 3), "{view:?}");
    assert!(kept(&world) < 6, "{}", kept(&world));
    does(&mut world, ann, 1, Some(Digest::of(b"made up")));
    let (bob, cay) = (enrol(&mut world, "bob", false), enrol(&mut world, "cay", false));
    for host in [bob, cay, bob] {
        does(&mut world, host, 1, None);
    }
    assert_eq!(world.core.host(ann).unwrap().standing, "suspect");
}

#[test]
fn two_hosts_with_one_key_do_not_check_each_other() {
    let mut world = World::new();
    let id = world.submit("sue", checked(2, Verify::Sampled));
    let (key, other) = (protocol::PublicKey([7; 32]), protocol::PublicKey([8; 32]));
    let with_key = |world: &mut World, name: &str, key| {
        let mut body = registration(name, 0);
        body.key = Some(key);
        enrol_as(world, body, false)
    };
    let ann = with_key(&mut world, "ann", key);
    does(&mut world, ann, 1, None);
    let copy = with_key(&mut world, "copy", key);
    world.pass(MINUTE, &[ann, copy]);
    assert!(world.take(copy).is_empty());
    let bob = with_key(&mut world, "bob", other);
    does(&mut world, bob, 1, None);
    assert_eq!(world.view(id).verification.segments, 1);
}

#[test]
fn a_host_alone_finishes_its_job_unverified_and_says_so() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    for verify in [Verify::Sampled, Verify::Full] {
        let id = world.submit("sue", checked(2, verify));
        does(&mut world, ann, 2, None);
        let view = world.view(id);
        assert_eq!(view.state, JobState::Completed);
        let said = "0 of 2 segments verified by a second host; no other host of its class is there that may check it";
        assert!(view.reason.contains(said), "{}", view.reason);
    }
}

#[test]
fn a_busy_host_makes_room_for_a_check_and_one_that_never_comes_lapses() {
    let mut world = World::new();
    let (ann, bob) = (enrol(&mut world, "ann", false), enrol(&mut world, "bob", false));
    let (one, _) = (
        world.submit("sue", checked(50, Verify::Sampled)),
        world.submit("sue", checked(50, Verify::None)),
    );
    let (first, second) = (only_lease(&mut world, ann), only_lease(&mut world, bob));
    let (worker, other, lease) = match first.job == one {
        true => (ann, bob, second),
        false => (bob, ann, first),
    };
    does(&mut world, worker, 2, None);
    assert_eq!(world.action(other, lease.attempt), Some(Action::Run));
    world.pass(11 * MINUTE, &[ann, bob]);
    assert_eq!(
        world.action(other, lease.attempt),
        Some(Action::StopAtBoundary),
        "its turn is over"
    );
    let line = world.leases(other);
    assert!(line.len() == 2 && is_check(&world.core, &line[1]));
    // The other host goes away for good; the job ends all the same.
    world.apply(Event::Revoked { host: other });
    does(&mut world, worker, 48, None);
    assert_eq!(world.state(one), JobState::Completed);
}

#[test]
fn a_wrong_result_is_decided_by_a_third_host_and_the_job_goes_back_to_before_it() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(6, Verify::Sampled));
    let next = world.submit(
        "sue",
        protocol::http::SubmitJob {
            after: Some(id),
            ..checked(2, Verify::None)
        },
    );
    does(&mut world, ann, 2, None);
    let bob = enrol(&mut world, "bob", false);
    does(&mut world, bob, 2, None);
    // A lie, and right segments that rest on it.
    does(&mut world, ann, 1, Some(Digest::of(b"made up")));
    does(&mut world, bob, 1, None);
    let view = world.view(id);
    assert!(
        view.reason.contains("segments 3 to 3 came out differently"),
        "{}",
        view.reason
    );
    assert_eq!(view.segment, 3, "one word against another decides nothing");
    does(&mut world, ann, 3, None);
    assert_eq!(world.state(id), JobState::Verifying);
    let cay = enrol(&mut world, "cay", false);
    // The dispute is older than the check of the last span.
    world.commands.clear();
    does(&mut world, cay, 1, None);
    let (host, view) = (world.core.host(ann).unwrap(), world.view(id));
    assert_eq!((host.standing.as_str(), host.faults, host.checks_passed), ("suspect", 1, 0));
    assert!(host.reason.contains("segments 3 to 3 of job"), "{}", host.reason);
    assert_eq!(
        (view.segment, view.verification.segments),
        (2, 2),
        "boundary 2 was confirmed, and stays"
    );
    assert!(world.commands.contains(&Command::ChainCut(id, 2)));
    assert!(
        view.reason.contains("offered to") || view.reason.contains("goes back to boundary 2"),
        "{}",
        view.reason
    );
    assert!(matches!(world.state(next), JobState::Queued), "what follows it waits on");
    for innocent in [bob, cay] {
        assert_eq!(world.core.host(innocent).unwrap().faults, 0);
    }
    // The others finish it; its end is that of an honest run.
    finish(&mut world, id, &[bob, cay]);
    let mut entry = computed(view.package, None, None);
    while entry.segment < 6 {
        entry = computed(view.package, Some(&entry), None);
    }
    assert_eq!(world.view(id).chain, Some(entry.digest));
    // The pause over, it has work again, all of it checked.
    world.pass(2 * HOUR, &[ann]);
    assert_eq!(world.core.host(ann).unwrap().standing, "probation");
}

/// Has hosts compute, rightly, what they are given, until a job is completed.
pub(super) fn finish(world: &mut World, id: JobId, hosts: &[HostId]) {
    for _ in 0..200 {
        if world.state(id) == JobState::Completed {
            return;
        }
        for &host in hosts {
            let leases = world.take(host);
            if let Some(lease) = leases.iter().find(|lease| lease.action == Action::Run) {
                world.apply(commit(&world.core, host, lease, 1, None));
            }
        }
        world.pass(MINUTE, hosts);
    }
    panic!("job {id} is {:?}", world.view(id));
}

#[test]
fn where_two_differ_and_nothing_decides_the_job_is_held_before_it() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(4, Verify::Sampled));
    does(&mut world, ann, 2, Some(Digest::of(b"made up")));
    let bob = enrol(&mut world, "bob", false);
    does(&mut world, bob, 2, None);
    does(&mut world, ann, 2, None);
    world.pass(3 * HOUR, &[ann, bob]);
    let view = world.view(id);
    assert_eq!((view.state, view.segment), (JobState::Held, 0), "{}", view.reason);
    let said = "segments 1 to 2 came out differently on ann (host 1) and bob (host 2)";
    assert!(view.reason.contains(said), "{}", view.reason);
    world.apply(Event::Release {
        job: id,
        by: "sue".into(),
    });
    assert_eq!(world.state(id), JobState::Queued);
}

#[test]
fn a_checker_that_lies_is_found_and_the_work_that_it_denied_stays() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(6, Verify::Sampled));
    does(&mut world, ann, 2, None);
    let eve = enrol(&mut world, "eve", false);
    does(&mut world, eve, 2, Some(Digest::of(b"slander")));
    let bob = enrol(&mut world, "bob", false);
    does(&mut world, bob, 2, None);
    let view = world.view(id);
    assert_eq!((view.segment, view.verification.segments), (2, 2));
    let faults = [ann, bob, eve].map(|host| world.core.host(host).unwrap().faults);
    assert_eq!(faults, [0, 0, 1]);
}

#[test]
fn a_referee_decides_against_a_majority_and_quarantines_until_forgiven() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(6, Verify::Sampled));
    let lie = Some(Digest::of(b"agreed upon"));
    does(&mut world, ann, 2, lie);
    let bob = enrol(&mut world, "bob", false);
    does(&mut world, bob, 2, None);
    let (referee, eve) = (enrol(&mut world, "house", true), enrol(&mut world, "eve", false));
    // It stays one when it registers again, with its own token.
    world.apply(Event::Register {
        host: Some(referee),
        body: registration("house", 0),
        address: 1,
        origin: Origin::default(),
    });
    // The parties differ: the third word is the referee's, though another host is free.
    assert!(world.take(eve).iter().all(|lease| !is_check(&world.core, lease)));
    does(&mut world, referee, 2, None);
    let host = world.core.host(ann).unwrap();
    assert_eq!(
        (host.standing.as_str(), world.core.host(bob).unwrap().faults),
        ("quarantined", 0)
    );
    assert_eq!(world.view(id).segment, 0);
    world.apply(Event::Forgive {
        host: ann,
        by: "op".into(),
    });
    assert_eq!(world.core.host(ann).unwrap().standing, "probation");
}

#[test]
fn nothing_that_one_volunteer_owns_checks_its_own_work() {
    for (subject, network, free) in [("ann", 0, true), ("bob", 7, true), ("bob", 8, false)] {
        let mut world = World::new();
        let mut join = |subject: &str, network| {
            let origin = Origin {
                subject: Some(subject.to_owned()),
                network,
                referee: false,
            };
            let body = registration(subject, 0);
            match world.apply(Event::Register {
                host: None,
                body,
                address: 1,
                origin,
            }) {
                Reply::Host(host) => host,
                other => panic!("{other:?}"),
            }
        };
        let (ann, second) = (join("ann", 7), join(subject, network));
        let id = world.submit("sue", checked(4, Verify::Sampled));
        let worker = if world.leases(ann).is_empty() { second } else { ann };
        does(&mut world, worker, 2, None);
        let other = if worker == ann { second } else { ann };
        assert_eq!(
            world.take(other).is_empty(),
            free,
            "{subject}, network {network}: {:?}",
            world.view(id)
        );
    }
}

#[test]
fn a_job_that_is_cancelled_takes_its_checks_with_it() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(6, Verify::Full));
    does(&mut world, ann, 2, None);
    let bob = enrol(&mut world, "bob", false);
    let lease = only_lease(&mut world, bob);
    assert!(is_check(&world.core, &lease));
    world.apply(Event::Cancel {
        job: id,
        by: "sue".into(),
    });
    assert!(world.leases(bob).is_empty());
    assert_eq!(world.core.jobs(JobId(0), 10, &crate::Wanted::default()).0.len(), 1);
}

#[test]
fn a_drained_host_gets_nothing_until_it_is_forgiven() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    world.apply(Event::Drain {
        host: ann,
        reason: "new fan".into(),
        by: "op".into(),
    });
    let id = world.submit("sue", checked(6, Verify::None));
    world.pass(HOUR, &[ann]);
    assert_eq!(world.state(id), JobState::Queued);
    assert!(world.core.host(ann).unwrap().reason.contains("drained by op: new fan"));
    world.apply(Event::Forgive {
        host: ann,
        by: "op".into(),
    });
    assert_eq!(world.leases(ann).len(), 1);
    assert_eq!(world.core.host(ann).unwrap().reason, "forgiven by op");
}
