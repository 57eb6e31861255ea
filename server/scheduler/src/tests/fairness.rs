//! Fair share, and that nobody starves.

use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::http::SubmitJob;

use super::driver::{DAY, MINUTE, World, job};

/// Lets one host compute one job after another; `before` may submit more each time. The owners in the order of service.
fn serve(world: &mut World, rounds: usize, mut before: impl FnMut(&mut World, usize)) -> Vec<(String, String)> {
    let host = world.host("desk", 1);
    let mut order = Vec::new();
    for round in 0..rounds {
        before(world, round);
        let Some(lease) = world.take(host).first().cloned() else {
            break;
        };
        let view = world.view(lease.job);
        world.now_ms += 100 * MINUTE;
        world.beat(host, 0);
        let missing = view.segments - view.segment;
        world.commit(host, &lease, missing);
        order.push((view.owner, view.name));
    }
    order
}

#[test]
fn users_of_equal_priority_share_equally_however_many_jobs_they_submit() {
    let mut world = World::new();
    for index in 0..60 {
        world.submit("many", job(&format!("{index}")));
    }
    for index in 0..20 {
        world.submit("few", job(&format!("{index}")));
    }
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (owner, _) in serve(&mut world, 30, |_, _| {}) {
        *counts.entry(owner).or_default() += 1;
    }
    let (many, few) = (counts["many"], counts["few"]);
    // One decision in eight goes by age, whatever the owner.
    assert!(many.abs_diff(few) <= 6, "many {many}, few {few}");
}

#[test]
fn short_and_long_jobs_of_equal_priority_share_the_time() {
    let mut world = World::new();
    world.checked = false;
    let host = world.host("desk", 1);
    // A host that is known to be reliable has no business with long jobs alone.
    world.pass(30 * DAY, &[host]);
    for (user, count, segments) in [("brief", 400, 10), ("lengthy", 40, 100)] {
        for index in 0..count {
            let job = SubmitJob {
                segments,
                ..job(&format!("{user} {index}"))
            };
            world.submit(user, job);
        }
    }
    let mut minutes: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..200 {
        let Some(lease) = world.take(host).first().cloned() else {
            break;
        };
        let view = world.view(lease.job);
        world.now_ms += view.segments * MINUTE;
        world.commit(host, &lease, view.segments);
        *minutes.entry(view.owner).or_default() += view.segments;
    }
    let (brief, lengthy) = (minutes["brief"], minutes["lengthy"]);
    assert!(
        brief < 2 * lengthy && lengthy < 2 * brief,
        "minutes: brief {brief}, lengthy {lengthy}"
    );
}

#[test]
fn higher_priorities_go_first() {
    let mut world = World::new();
    for priority in 0..6 {
        world.submit(
            "ann",
            SubmitJob {
                priority,
                ..job(&format!("{priority}"))
            },
        );
    }
    let names: Vec<String> = serve(&mut world, 6, |_, _| {}).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["5", "4", "3", "2", "1", "0"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever streams in with whatever priority, from however many users: a job of the lowest priority is served within a number
    /// of decisions that depends only on what was there before it.
    #[test]
    fn nobody_starves(
        earlier in 0usize..6,
        stream in prop::collection::vec((0u8..10, 0u32..50, 1u64..200), 90),
    ) {
        let mut world = World::new();
        world.checked = false;
        for index in 0..earlier {
            world.submit("old", SubmitJob { priority: 1, ..job(&format!("old {index}")) });
        }
        world.submit("meek", SubmitJob { priority: 0, ..job("meek") });
        let order = serve(&mut world, 90, |world, round| {
            let (priority, user, segments) = stream[round];
            // Two new jobs for every one served: the queue only grows.
            for copy in 0..2 {
                let urgent = SubmitJob { priority: priority.max(3), segments, ..job(&format!("{round} {copy}")) };
                world.submit(&format!("user {user}"), urgent);
            }
        });
        let served = order.iter().position(|(owner, _)| owner == "meek");
        // Two queues hold what this device may take (short and long): one in nine decisions goes by age, in turn.
        world.core.check().map_err(TestCaseError::fail)?;
        prop_assert!(served.is_some_and(|at| at < 9 * 2 * (earlier + 2)), "served at {:?}", served);
    }
}
