//! Credit: what two hosts computed alike, at the referee's cost.

use protocol::http::{Action, CreditView};
use protocol::{Digest, HostId, JobState, Verify};

use super::checks::{checked, does, enrol};
use super::driver::{DAY, MINUTE, World, is_check};
use crate::Core;

fn rows(core: &Core) -> Vec<(Option<String>, u64, u64)> {
    let row = |view: CreditView| (view.subject, view.segments, view.cost_s);
    core.credits(true).into_iter().map(row).collect()
}

#[test]
fn verified_segments_count_for_both_hosts_at_the_referees_cost_and_are_told_from_the_next_day_on() {
    let mut world = World::new();
    let (ann, house) = (enrol(&mut world, "ann", false), enrol(&mut world, "house", true));
    // The referee takes what is left at a job's end: three segments, at a minute each by its own clock.
    let first = world.submit("sue", checked(3, Verify::Sampled));
    does(&mut world, ann, 3, None);
    does(&mut world, house, 3, None);
    assert_eq!(world.state(first), JobState::Completed);
    let credit = |world: &World, host| {
        let view = world.core.host(host).unwrap();
        (view.credit_segments, view.credit_s)
    };
    assert_eq!(credit(&world, ann), (3, 180));
    assert_eq!(credit(&world, house), (0, 0), "it is the operator's own");
    let bob = enrol(&mut world, "bob", false);
    let second = world.submit("sue", checked(4, Verify::Full));
    does(&mut world, ann, 2, None);
    does(&mut world, bob, 2, None);
    assert_eq!((credit(&world, ann), credit(&world, bob)), ((5, 300), (2, 120)));
    // What nobody confirmed counts nothing.
    does(&mut world, ann, 1, None);
    assert_eq!((world.view(second).segment, credit(&world, ann)), (3, (5, 300)));
    // A host does not learn from it that it was checked just now.
    let own = world.core.host_for_itself(ann).unwrap();
    assert_eq!((own.credit_segments, rows(&world.core)), (0, Vec::new()));
    world.pass(DAY, &[ann, bob, house]);
    let own = world.core.host_for_itself(ann).unwrap();
    assert_eq!((own.credit_segments, own.credit_s), (5, 300));
    let expected = [(Some("ann".to_owned()), 5, 300), (Some("bob".to_owned()), 2, 120)];
    assert_eq!(rows(&world.core), expected);
    // It is part of the state that is stored.
    let restored = Core::restore(&world.core.save().unwrap()).unwrap();
    assert_eq!(rows(&restored), expected);
}

#[test]
fn who_a_referee_finds_wrong_loses_its_credit_and_what_nobody_measured_costs_nothing() {
    let mut world = World::new();
    let (ann, bob) = (enrol(&mut world, "ann", false), enrol(&mut world, "bob", false));
    world.submit("sue", checked(9, Verify::Full));
    does(&mut world, ann, 2, None);
    does(&mut world, bob, 2, None);
    let credit = |world: &World, host| {
        let view = world.core.host(host).unwrap();
        (view.credit_segments, view.credit_s)
    };
    assert_eq!((credit(&world, ann), credit(&world, bob)), ((2, 0), (2, 0)));
    let house = enrol(&mut world, "house", true);
    does(&mut world, ann, 1, Some(Digest::of(b"made up")));
    world.pass(MINUTE, &[ann, bob, house]);
    does(&mut world, bob, 1, None);
    does(&mut world, house, 1, None);
    assert_eq!((credit(&world, ann), credit(&world, bob).0), ((0, 0), 2));
}

#[test]
fn what_two_liars_confirmed_for_each_other_is_taken_back_from_both() {
    let mut world = World::new();
    let liars = ["ann", "eve"].map(|name| enrol(&mut world, name, false));
    world.submit("sue", checked(40, Verify::Full));
    let lie = Some(Digest::of(b"agreed upon"));
    // They lie for each other, and beside others in their own work alone: two that outvote an honest host would be another story.
    let round = |world: &mut World, hosts: &[HostId]| {
        for host in hosts {
            if let Some(lease) = world.leases(*host).iter().find(|lease| lease.action == Action::Run) {
                let lies = liars.contains(host) && (hosts.len() == 2 || !is_check(&world.core, lease));
                does(world, *host, 2, lie.filter(|_| lies));
            }
        }
    };
    let credit = |world: &World, host| world.core.host(host).unwrap().credit_segments;
    // One has the job, the other its check.
    while credit(&world, liars[0]) == 0 {
        round(&mut world, &liars);
    }
    let [one, other] = liars.map(|host| credit(&world, host));
    assert_eq!(one, other, "two agree, and there is no referee");
    let honest = ["bob", "cay", "dan"].map(|name| enrol(&mut world, name, false));
    let all = [&honest[..], &liars[..]].concat();
    for _ in 0..4 {
        world.submit("sue", checked(40, Verify::Full));
    }
    for _ in 0..8 {
        round(&mut world, &all);
        world.pass(11 * MINUTE, &all);
    }
    let faults = |host| world.core.host(host).unwrap().faults;
    assert!(liars.iter().all(|host| faults(*host) > 0), "{:?}", liars.map(faults));
    assert!(honest.iter().all(|host| faults(*host) == 0), "{:?}", honest.map(faults));
    assert_eq!(liars.map(|host| credit(&world, host)), [0, 0]);
    assert!(honest.iter().any(|host| credit(&world, *host) > 0));
}
