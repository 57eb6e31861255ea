//! Offers that are not taken, and what is said of the hosts that did not take them.

use protocol::http::SubmitJob;
use protocol::{HostId, JobState, Outcome};

use super::driver::{DAY, MINUTE, World, job};
use crate::Config;

#[test]
fn a_dead_host_gets_no_offer_again_before_it_is_heard_and_a_live_one_does_not_wait() {
    let mut world = World::new();
    let live = world.host("live", 1);
    let long = world.submit("ann", job("long"));
    let lease = world.running(live, long, 1);
    let dead = world.host("dead", 1);
    let id = world.submit("ann", job("argon"));
    assert_eq!(world.view(id).host, Some(dead));
    world.pass(4 * MINUTE, &[live]);
    assert_eq!(world.view(id).host, None, "its back-off is over, but nothing was heard of it");
    let reason = world.core.host(dead).unwrap().reason;
    assert!(reason.contains("until it is heard of"), "{reason}");
    world.commit(live, &lease, 99);
    assert_eq!((world.state(long), world.view(id).host), (JobState::Completed, Some(live)));
    let next = world.submit("ann", job("next"));
    assert_eq!(world.view(next).host, None);
    world.beat_with(dead, Vec::new());
    assert_eq!(world.view(next).host, Some(dead), "it is there again");
}

/// A host that is heard but takes nothing gets an offer; how long it is left alone after it has missed that, in minutes.
fn miss(world: &mut World, host: HostId) -> u64 {
    assert_eq!(world.leases(host).len(), 1, "an offer was made");
    let from = world.now_ms;
    for _ in 0..200 {
        world.pass(MINUTE / 2, &[]);
        world.beat_with(host, Vec::new());
        let view = world.core.host(host).unwrap();
        if let Some(until) = view.backoff_until_ms {
            assert!(world.now_ms - from <= 3 * MINUTE);
            let pause = until - world.now_ms.min(from + 2 * MINUTE);
            world.pass(until - world.now_ms, &[]);
            return pause / MINUTE;
        }
    }
    panic!("it missed nothing")
}

#[test]
fn a_host_that_takes_no_offer_is_left_alone_ever_longer_until_it_takes_one() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    world.submit("ann", job("argon"));
    let pauses: Vec<u64> = (0..3).map(|_| miss(&mut world, host)).collect();
    assert_eq!(pauses, [1, 2, 4]);
    world.take(host);
    let lease = world.leases(host)[0].clone();
    world.end(host, &lease, Outcome::Migrated);
    assert_eq!(miss(&mut world, host), 1);
}

#[test]
fn a_back_off_says_what_it_is_for_and_counts_what_there_was() {
    let mut world = World::with(Config {
        failures_max: 100,
        ..Config::default()
    });
    let host = world.host("desk", 1);
    world.submit("ann", job("argon"));
    world.pass(2 * MINUTE, &[]);
    world.beat_with(host, Vec::new());
    let reason = |world: &World| world.core.host(host).unwrap().reason;
    assert_eq!(
        reason(&world),
        "backed off for 60 more seconds: it did not take an offer in time",
        "no errors are spoken of: there were none"
    );
    world.pass(MINUTE, &[]);
    for _ in 0..2 {
        let lease = world.take(host)[0].clone();
        world.end(host, &lease, Outcome::ClientError);
        let until = world.core.host(host).unwrap().backoff_until_ms.unwrap();
        if world.core.host(host).unwrap().errors == 1 {
            world.pass(until - world.now_ms, &[host]);
        }
    }
    assert_eq!(
        reason(&world),
        "backed off for 120 more seconds: 2 errors in a row, the last: in a test"
    );
}

#[test]
fn a_host_is_called_flaky_only_beside_what_it_is_called_that_for() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let said = |world: &World| {
        let view = world.core.host(host).unwrap();
        (view.reliability, view.reliability_why)
    };
    let says = |world: &World, word: &str, why: &str| assert_eq!(said(world), (word.to_owned(), why.to_owned()));
    says(&world, "new", "known for 0 days");
    world.pass(7 * MINUTE, &[]);
    world.beat(host, 0);
    says(&world, "flaky", "1 time silent, known for 0 days");
    world.submit("ann", job("argon"));
    let lease = world.take(host)[0].clone();
    world.end(host, &lease, Outcome::ClientError);
    says(&world, "flaky", "1 error in a row, 1 time silent, known for 0 days");

    let mut world = World::new();
    let host = world.host("old", 1);
    world.pass(30 * DAY, &[host]);
    says(&world, "reliable", "known for 30 days");
    world.leave(host, 3600);
    says(&world, "leaving", "known for 30 days");
    let id = world.submit(
        "ann",
        SubmitJob {
            segments: 1,
            ..job("short")
        },
    );
    assert_eq!(world.view(id).host, Some(host));
}
