//! Checks: what a second host confirms, what a wrong result costs its host and its job, and who decides.

use std::collections::BTreeMap;

use protocol::http::job::VerifiedSpan;
use protocol::http::{Action, Commit, JobView, Lease};
use protocol::{ChainEntry, Digest, HostId, JobId, JobState, Tier, Verify};

use super::driver::{HOUR, MINUTE, World, is_check, job, reached};
use crate::testing::{START_MS, registration, submission};
use crate::{Command, Config, Core, Event, Origin, Reply};

/// The boundary behind `parent` on a device that computes rightly: a function of the state there alone. `lie` gives other bits.
fn computed(package: Digest, parent: Option<&ChainEntry>, lie: Option<Digest>) -> ChainEntry {
    let segment = parent.map_or(0, |parent| parent.segment + 1);
    let from = parent.map_or(Digest::of(b"initial"), |parent| parent.content);
    let content = lie.unwrap_or_else(|| Digest::of(&from.0));
    ChainEntry::next(package, parent, segment * 10, content, content)
}

/// A commit of so many segments under a lease; the last of them is a lie, where one is given.
fn commit(core: &Core, host: HostId, lease: &Lease, segments: u64, lie: Option<Digest>) -> Event {
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
        },
        class: lease.class,
        bytes: 1000,
        outputs_bytes: 0,
    }
}

fn enrol(world: &mut World, name: &str, referee: bool) -> HostId {
    let origin = Origin {
        subject: Some(name.to_owned()),
        network: 0,
        referee,
    };
    let body = registration(name, 0);
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

fn checked(segments: u64, verify: Verify) -> protocol::http::SubmitJob {
    protocol::http::SubmitJob {
        segments,
        verify,
        ..job("checked")
    }
}

/// Takes what a host is offered; the one lease that it is to compute.
fn only_lease(world: &mut World, host: HostId) -> Lease {
    let leases = world.take(host);
    let run = leases.iter().find(|lease| lease.action == Action::Run);
    run.unwrap_or_else(|| panic!("host {host} has nothing: {leases:?}")).clone()
}

/// A host commits so many segments of what it has.
fn does(world: &mut World, host: HostId, segments: u64, lie: Option<Digest>) -> Lease {
    let lease = only_lease(world, host);
    world.apply(commit(&world.core, host, &lease, segments, lie));
    lease
}

fn spans(view: &JobView) -> &[VerifiedSpan] {
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
fn finish(world: &mut World, id: JobId, hosts: &[HostId]) {
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

/// A population of which a tenth lies now and then, each its own lie: no verified span is ever wrong, nothing honest is blamed, jobs end.
#[test]
fn among_liars_no_verified_segment_is_wrong_nothing_honest_is_blamed_and_jobs_end() {
    let (mut events, mut lies, mut convicted) = (0, 0, 0);
    for seed in 0..6 {
        let mut random = seed * 1_000_003 + 17;
        let mut below = |end: u64| protocol::split_mix::next(&mut random) % end;
        let mut world = World::with(Config {
            retire_ms: 1000 * HOUR,
            ..Config::default()
        });
        world.checked = false;
        let hosts: Vec<HostId> = (0..20)
            .map(|index| enrol(&mut world, &format!("host {index}"), false))
            .collect();
        let liars = &hosts[..2];
        let jobs: Vec<JobId> = (0..12)
            .map(|index| {
                let verify = if index % 3 == 0 { Verify::Full } else { Verify::Sampled };
                let body = protocol::http::SubmitJob {
                    verify,
                    segment_ms: Some(MINUTE),
                    ..submission("job", Tier::ClassBound, 20 + index)
                };
                world.submit("sue", body)
            })
            .collect();
        let mut chains: BTreeMap<JobId, Vec<ChainEntry>> = BTreeMap::new();
        for round in 0.. {
            assert!(round < 4000, "seed {seed}: the jobs do not end");
            world.now_ms += 1 + below(20_000);
            world.apply(Event::Tick);
            let host = hosts[below(hosts.len() as u64) as usize];
            world.beat(host, 0);
            for lease in world
                .take(host)
                .into_iter()
                .filter(|lease| lease.action == Action::Run)
                .take(1)
            {
                let at = reached(&world.core, &lease).map_or(0, |entry| entry.segment);
                let segments = (1 + below(3)).min(lease.until_segment - at);
                let lie = (liars.contains(&host) && below(4) == 0).then(|| Digest::of(&below(u64::MAX).to_le_bytes()));
                lies += u64::from(lie.is_some());
                world.apply(commit(&world.core, host, &lease, segments, lie));
            }
            for command in std::mem::take(&mut world.commands) {
                match command {
                    Command::Chain(job, entries, _) => chains.entry(job).or_default().extend(entries),
                    Command::ChainCut(job, segment) => {
                        chains.entry(job).or_default().retain(|entry| entry.segment <= segment);
                    }
                    Command::ChainReset(job) => drop(chains.remove(&job)),
                    _ => {}
                }
            }
            events += 3;
            if round % 50 == 0 {
                world.core.check().unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
            }
            if round % 20 != 0 {
                continue;
            }
            let views: Vec<JobView> = jobs.iter().map(|job| world.view(*job)).collect();
            for view in &views {
                let chain = chains.get(&view.job).map_or(&[][..], Vec::as_slice);
                for span in spans(view).iter().filter(|span| span.confirmed_by.is_some()) {
                    for segment in span.first..=span.last {
                        let parent = &chain[segment as usize - 1];
                        let right = computed(view.package, Some(parent), None);
                        assert_eq!(
                            chain[segment as usize], right,
                            "job {} segment {segment} is verified",
                            view.job
                        );
                    }
                }
            }
            if views.iter().all(|view| view.state == JobState::Completed) {
                break;
            }
        }
        for host in &hosts[2..] {
            assert_eq!(world.core.host(*host).unwrap().faults, 0, "an honest host is blamed");
        }
        convicted += liars.iter().map(|host| world.core.host(*host).unwrap().faults).sum::<u32>();
        // What was checked in full is what an honest run gives.
        for id in jobs.iter().step_by(3) {
            let view = world.view(*id);
            assert_eq!(view.verification.segments, view.segments, "{}", view.reason);
            let mut entry = computed(view.package, None, None);
            while entry.segment < view.segments {
                entry = computed(view.package, Some(&entry), None);
            }
            assert_eq!(view.chain, Some(entry.digest), "seed {seed}, job {id}");
        }
    }
    println!("{events} events, {lies} lies, {convicted} found; times begin at {START_MS}");
    assert!(
        lies > 10 && convicted > 6,
        "{lies} lies, {convicted} found: the events say little"
    );
}
