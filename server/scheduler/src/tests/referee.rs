//! Referees: what they take, what they decide, and the driver that is to blame.

use protocol::http::Action;
use protocol::{Digest, HostId, JobState, Tier, Verify};

use super::checks::{checked, does, enrol, only_lease};
use super::driver::{HOUR, MINUTE, World, bound, is_check};
use crate::testing::{class, registration};
use crate::{Config, Event, Origin, Reply};

fn audited() -> World {
    World::with(Config {
        audit_ppm: 1_000_000,
        ..Config::default()
    })
}

#[test]
fn a_referee_takes_no_job_and_a_check_only_where_results_differ_or_no_other_came() {
    let mut world = World::new();
    let (ann, house) = (enrol(&mut world, "ann", false), enrol(&mut world, "house", true));
    let id = world.submit("sue", checked(40, Verify::Sampled));
    assert!(world.leases(house).is_empty() && world.leases(ann).len() == 1);
    let second = world.submit("sue", checked(4, Verify::None));
    assert_eq!(world.state(second), JobState::Queued, "not though nothing else is free");
    let why = &world.core.orders(house).unwrap().idle[0].why;
    assert!(why.contains("a referee"), "{why}");
    does(&mut world, ann, 2, None);
    assert!(world.leases(house).is_empty(), "another may come");
    world.pass(11 * MINUTE, &[ann, house]);
    let check = only_lease(&mut world, house);
    assert!(is_check(&world.core, &check));
    does(&mut world, house, 2, None);
    assert_eq!(world.view(id).verification.segments, 2);
    // An urgent job does not take its place either.
    does(&mut world, ann, 2, None);
    world.pass(11 * MINUTE, &[ann, house]);
    assert!({
        let lease = only_lease(&mut world, house);
        is_check(&world.core, &lease)
    });
    world.submit(
        "sue",
        protocol::http::SubmitJob {
            priority: 9,
            now: true,
            ..checked(4, Verify::None)
        },
    );
    assert_eq!(only_lease(&mut world, house).action, Action::Run);
    // What is left at a job's end is its own at once.
    does(&mut world, house, 2, None);
}

#[test]
fn a_referee_decides_against_a_wrong_majority_and_what_the_two_confirmed_for_each_other_is_void() {
    let mut world = audited();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(8, Verify::Sampled));
    let plot = |text: &[u8]| Some(Digest::of(text));
    does(&mut world, ann, 2, plot(b"agreed upon"));
    let eve = enrol(&mut world, "eve", false);
    does(&mut world, eve, 2, plot(b"agreed upon"));
    assert_eq!(world.view(id).verification.segments, 2, "there is no referee: two agree");
    let house = enrol(&mut world, "house", true);
    does(&mut world, ann, 2, plot(b"once more"));
    does(&mut world, eve, 2, plot(b"once more"));
    let view = world.view(id);
    assert_eq!(
        (view.verification.segments, view.verification.open),
        (2, 1),
        "it is to be confirmed"
    );
    does(&mut world, house, 2, None);
    for host in [ann, eve] {
        let view = world.core.host(host).unwrap();
        assert_eq!((view.standing.as_str(), view.faults), ("quarantined", 1), "{}", view.reason);
    }
    let view = world.view(id);
    assert_eq!((view.segment, view.verification.segments), (0, 0), "{}", view.reason);
}

#[test]
fn two_of_three_decide_until_a_referee_that_is_away_comes_back_and_decides_otherwise() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let house = enrol(&mut world, "house", true);
    let id = world.submit("sue", checked(8, Verify::Sampled));
    world.leave(house, 0);
    let lie = Some(Digest::of(b"agreed upon"));
    does(&mut world, ann, 2, lie);
    let bob = enrol(&mut world, "bob", false);
    does(&mut world, bob, 2, None);
    let eve = enrol(&mut world, "eve", false);
    does(&mut world, eve, 2, lie);
    let view = world.view(id);
    assert_eq!((view.verification.open, view.segment), (1, 2), "{}", view.reason);
    assert_eq!(
        world.core.host(bob).unwrap().faults,
        0,
        "nothing is decided against the honest one"
    );
    world.beat(house, 0);
    does(&mut world, house, 2, None);
    let faults = [ann, bob, eve].map(|host| world.core.host(host).unwrap().faults);
    assert_eq!((faults, world.view(id).segment), ([1, 0, 1], 0));
}

#[test]
fn two_of_three_decide_where_no_referee_comes_and_the_third_is_a_host_whose_own_work_was_right() {
    let mut world = World::new();
    let ann = enrol(&mut world, "ann", false);
    let id = world.submit("sue", checked(8, Verify::Sampled));
    does(&mut world, ann, 2, Some(Digest::of(b"made up")));
    let bob = enrol(&mut world, "bob", false);
    let pia = enrol(&mut world, "pia", false);
    world
        .core
        .hosts
        .get_mut(pia)
        .expect("it enrolled")
        .record_mut(bound(0))
        .passed = 50;
    world.leave(pia, 0);
    does(&mut world, bob, 2, None);
    // A stranger does not get to say who is right while one of whom something is known may come.
    let eve = enrol(&mut world, "eve", false);
    assert!(world.take(eve).iter().all(|lease| !is_check(&world.core, lease)));
    world.beat(pia, 0);
    does(&mut world, pia, 2, None);
    let faults = [ann, bob, eve, pia].map(|host| world.core.host(host).unwrap().faults);
    assert_eq!((faults, world.view(id).segment), ([1, 0, 0, 0], 0));
    assert_eq!(
        world.core.host(ann).unwrap().standing,
        "suspect",
        "no referee: not quarantined"
    );
}

#[test]
fn a_dispute_waits_for_a_referee_that_is_there_and_busy() {
    let mut world = World::new();
    let (ann, house) = (enrol(&mut world, "ann", false), enrol(&mut world, "house", true));
    world.submit("sue", checked(40, Verify::Sampled));
    does(&mut world, ann, 1, None);
    world.pass(11 * MINUTE, &[ann, house]);
    let busy = only_lease(&mut world, house);
    does(&mut world, ann, 1, Some(Digest::of(b"made up")));
    let bob = enrol(&mut world, "bob", false);
    does(&mut world, bob, 1, None);
    let eve = enrol(&mut world, "eve", false);
    let leases = world.take(eve);
    assert!(leases.iter().all(|lease| !is_check(&world.core, lease)), "{leases:?}");
    assert_eq!(only_lease(&mut world, house).attempt, busy.attempt);
    does(&mut world, house, 1, None);
    does(&mut world, house, 1, None);
    let faults = [ann, bob].map(|host| world.core.host(host).unwrap().faults);
    assert_eq!(faults, [1, 0]);
}

#[test]
fn the_third_decision_of_a_referee_puts_a_host_out_until_it_is_forgiven_and_pauses_double() {
    let mut world = audited();
    let ann = enrol(&mut world, "ann", false);
    let house = enrol(&mut world, "house", true);
    world.submit("sue", checked(50, Verify::Sampled));
    for (fault, hours, standing) in [(1, 1, "quarantined"), (2, 2, "quarantined"), (3, 24, "out")] {
        does(&mut world, ann, 1, Some(Digest::of(&[fault])));
        world.pass(11 * MINUTE, &[ann, house]);
        does(&mut world, house, 1, None);
        let view = world.core.host(ann).unwrap();
        assert_eq!((view.standing.as_str(), view.faults), (standing, u32::from(fault)));
        world.pass(hours * HOUR - 2 * MINUTE, &[ann, house]);
        assert!(world.leases(ann).is_empty(), "fault {fault}: its pause goes on");
        world.pass(3 * MINUTE, &[ann, house]);
        assert_eq!(world.leases(ann).is_empty(), standing == "out");
    }
    world.apply(Event::Forgive {
        host: ann,
        by: "op".into(),
    });
    assert!(!world.leases(ann).is_empty());
}

/// A host with a device of a driver.
fn of_driver(world: &mut World, name: &str, kind: u64) -> HostId {
    let origin = Origin {
        subject: Some(name.to_owned()),
        ..Origin::default()
    };
    match world.apply(Event::Register {
        host: None,
        body: registration(name, kind),
        address: 1,
        origin,
    }) {
        Reply::Host(host) => host,
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_hosts_of_one_driver_that_a_referee_finds_wrong_quarantine_the_driver_and_not_the_hosts() {
    let mut world = audited();
    let portable = |segments| protocol::http::SubmitJob {
        tier: Tier::Portable,
        ..checked(segments, Verify::Sampled)
    };
    let house = enrol(&mut world, "house", true);
    let mut broken = Vec::new();
    for name in ["ann", "bob", "cay"] {
        let host = of_driver(&mut world, name, 5);
        world.submit("sue", portable(9));
        // The same fault on each: they agree, where one checks the other.
        does(&mut world, host, 1, Some(Digest::of(b"the driver's own bits")));
        let there: Vec<HostId> = broken.iter().copied().chain([host, house]).collect();
        world.pass(11 * MINUTE, &there);
        if broken.len() < 2 {
            does(&mut world, house, 1, None);
            assert_eq!(world.core.host(host).unwrap().standing, "quarantined");
        }
        broken.push(host);
    }
    let sound = of_driver(&mut world, "dot", 6);
    does(&mut world, house, 1, None);
    for host in &broken {
        let view = world.core.host(*host).unwrap();
        assert_eq!((view.faults, view.standing.as_str()), (0, "probation"), "{}", view.reason);
        let idle = view.devices[0].idle.clone().unwrap_or_default();
        assert!(
            idle.contains("quarantined") && idle.contains("ann (host 2), bob (host 3), cay (host 4)"),
            "{idle}"
        );
        assert!(world.leases(*host).is_empty());
    }
    assert!(!world.leases(sound).is_empty(), "another driver has work");
    // A newcomer of the driver gets nothing, until the class is forgiven.
    let eve = of_driver(&mut world, "eve", 5);
    assert!(world.leases(eve).is_empty());
    let class = class(Tier::ClassBound, 5);
    let quarantined = |world: &World| world.core.class_presence(class).quarantined;
    assert!(quarantined(&world).is_some_and(|why| why.contains("ann (host 2)")));
    assert_eq!(world.core.counts().quarantined_classes, 1);
    let forgive = Event::ForgiveClass { class, by: "op".into() };
    world.apply(forgive.clone());
    assert!(broken.iter().any(|host| !world.leases(*host).is_empty()));
    assert_eq!((quarantined(&world), world.core.counts().quarantined_classes), (None, 0));
    assert!(world.try_apply(forgive).is_err());
}

#[test]
fn liars_do_not_quarantine_a_driver_on_which_another_host_was_right() {
    let mut world = audited();
    let house = enrol(&mut world, "house", true);
    let names = ["dot", "ann", "bob", "cay"];
    for name in names {
        let host = of_driver(&mut world, name, 5);
        let job = protocol::http::SubmitJob {
            tier: Tier::Portable,
            ..checked(9, Verify::Sampled)
        };
        let id = world.submit("sue", job);
        does(&mut world, host, 1, (name != "dot").then(|| Digest::of(name.as_bytes())));
        world.pass(11 * MINUTE, &[house]);
        does(&mut world, house, 1, None);
        assert_eq!(world.core.host(host).unwrap().faults, u32::from(name != "dot"));
        world.apply(Event::Cancel {
            job: id,
            by: "sue".into(),
        });
    }
    let eve = of_driver(&mut world, "eve", 5);
    world.submit("sue", checked(9, Verify::None));
    assert!(!world.leases(eve).is_empty());
}

#[test]
fn three_hosts_of_one_volunteer_or_with_different_packages_do_not_quarantine_a_driver() {
    let package = |index: u8| Digest::of(&[index]);
    for (names, packages) in [(["ann", "ann", "ann"], [0, 0, 0]), (["ann", "bob", "cay"], [0, 1, 2])] {
        let mut world = audited();
        let house = enrol(&mut world, "house", true);
        for (name, index) in names.into_iter().zip(packages) {
            let host = of_driver(&mut world, name, 5);
            let job = protocol::http::SubmitJob {
                tier: Tier::Portable,
                package: package(index),
                ..checked(9, Verify::Sampled)
            };
            let id = world.submit("sue", job);
            does(&mut world, host, 1, Some(Digest::of(b"bits")));
            world.pass(11 * MINUTE, &[house]);
            does(&mut world, house, 1, None);
            assert_eq!(world.core.host(host).unwrap().standing, "quarantined");
            world.apply(Event::Cancel {
                job: id,
                by: "sue".into(),
            });
        }
        let eve = of_driver(&mut world, "eve", 5);
        world.submit("sue", checked(9, Verify::None));
        world.submit(
            "sue",
            protocol::http::SubmitJob {
                tier: Tier::Portable,
                ..checked(9, Verify::None)
            },
        );
        assert!(!world.leases(eve).is_empty(), "{names:?}");
    }
}
