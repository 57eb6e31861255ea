//! Hosts that are about to depart: what they still get, and what is said of them.

use protocol::http::{Action, LeaveNotice, Night, RegisterHost, SubmitJob};
use protocol::{HostId, HostState, JobId, JobState, Outcome};

use super::driver::{DAY, HOUR, MINUTE, World, job};
use crate::Event;
use crate::testing::{START_MS, registration};

/// A host whose night begins in so many minutes, and lasts eight hours.
fn before_night(world: &mut World, minutes: u64) -> HostId {
    let begins = (START_MS % DAY / MINUTE + minutes) % 1440;
    world.host_with(RegisterHost {
        night: Some(Night {
            from_minute: u16::try_from(begins).unwrap(),
            until_minute: u16::try_from((begins + 480) % 1440).unwrap(),
        }),
        ..registration("desk", 1)
    })
}

fn submit(world: &mut World, segments: u64) -> JobId {
    world.submit(
        "ann",
        SubmitJob {
            segments,
            ..job("argon")
        },
    )
}

#[test]
fn a_host_about_to_depart_gets_what_ends_before_and_nothing_else() {
    let mut world = World::new();
    let host = before_night(&mut world, 15);
    world.pass(MINUTE / 60, &[]);
    let [long, tight] = [100, 13].map(|segments| submit(&mut world, segments));
    assert_eq!(
        [long, tight].map(|id| world.view(id).host),
        [None; 2],
        "13 of 15 minutes: no room for delays"
    );
    let why = world.core.orders(host).unwrap().idle[0].why.clone();
    assert!(
        why.starts_with("desk (host 1) leaves at ") && why.ends_with("takes only what ends before"),
        "{why}"
    );
    let short = submit(&mut world, 5);
    assert_eq!(world.view(short).host, Some(host));
    let lease = world.running(host, short, 2);
    assert_eq!(world.action(host, lease.attempt), Some(Action::Run));
    // The next that fits comes when its turn comes, one that does not fit any more does not.
    let [next, late] = [4, 9].map(|segments| submit(&mut world, segments));
    world.pass(5 * MINUTE, &[host]);
    world.commit(host, &lease, 3);
    assert_eq!(world.state(short), JobState::Completed);
    assert_eq!((world.view(next).host, world.view(late).host), (Some(host), None));
    let lease = world.take(host)[0].clone();
    world.commit(host, &lease, 4);
    assert_eq!((world.state(next), world.view(late).host), (JobState::Completed, None));
    world.pass(11 * MINUTE, &[]);
    assert_eq!(world.core.host(host).unwrap().state, HostState::Offline);
    let small = submit(&mut world, 1);
    assert_eq!(world.view(small).host, None, "it is gone");
}

#[test]
fn a_host_that_leaves_as_soon_as_it_can_gets_nothing_and_one_that_stays_after_all_gets_everything() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = submit(&mut world, 50);
    let lease = world.running(host, first, 1);
    world.leave(host, 0);
    let small = submit(&mut world, 1);
    assert_eq!(world.view(small).host, None, "it waits for its boundary alone");
    world.apply(Event::Return { host });
    world.leave(host, 600);
    world.end(host, &lease, Outcome::Migrated);
    assert_eq!(world.view(small).host, Some(host), "ten minutes are enough");
    let lease = world.take(host)[0].clone();
    world.commit(host, &lease, 1);
    assert_eq!((world.state(small), world.view(first).host), (JobState::Completed, None));
    world.apply(Event::Return { host });
    assert_eq!(world.view(first).host, Some(host));
}

#[test]
fn a_host_that_left_is_spoken_of_as_one_that_left() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = submit(&mut world, 50);
    let lease = world.running(host, id, 1);
    let leave = |world: &mut World, reason: &str| {
        world.apply(Event::Leave {
            host,
            notice: LeaveNotice {
                in_s: 0,
                back_in_s: None,
                reason: reason.to_owned(),
            },
        });
        world.core.host(host).unwrap().reason
    };
    let paused = "until `baton worker resume`";
    assert_eq!(leave(&mut world, paused), format!("desk (host 1) leaves ({paused})"));
    world.end(host, &lease, Outcome::Migrated);
    let view = world.core.host(host).unwrap();
    assert_eq!(view.reason, format!("offline: left as announced ({paused})"));
    world.apply(Event::Return { host });
    assert_eq!(leave(&mut world, ""), "offline: left as announced");

    let mut world = World::new();
    let host = before_night(&mut world, 15);
    let begins = START_MS % DAY / MINUTE + 15;
    let clock = |minute: u64| format!("{:02}:{:02} UTC", minute / 60 % 24, minute % 60);
    world.pass(MINUTE, &[]);
    assert_eq!(
        world.core.host(host).unwrap().reason,
        format!("desk (host 1) leaves at {}", clock(begins))
    );
    world.pass(HOUR, &[]);
    assert_eq!(
        world.core.host(host).unwrap().reason,
        format!("offline: left as announced, back at {}", clock(begins + 480))
    );
}
