//! Finished jobs: out of memory after a while, kept, and recalled when another job starts from them.

use protocol::http::SubmitJob;
use protocol::{JobId, JobState, Outcome};

use super::driver::{DAY, HOUR, World, job};
use crate::{Command, Core, Event, Finished, Refusal};

fn retired(world: &World) -> Vec<Finished> {
    let finished = world.commands.iter().filter_map(|command| match command {
        Command::Retired(finished) => Some(finished.as_ref().clone()),
        _ => None,
    });
    finished.collect()
}

#[test]
fn a_finished_job_leaves_memory_and_is_as_it_was_when_recalled() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let short = SubmitJob {
        segments: 3,
        ..job("first")
    };
    let first = world.submit("ann", short);
    let lease = world.running(host, first, 2);
    world.commit(host, &lease, 1);
    let before = world.view(first);
    world.pass(23 * HOUR, &[host]);
    assert_eq!(world.view(first), before, "not yet");
    world.pass(2 * HOUR, &[host]);
    assert_eq!(world.core.job(first), Err(Refusal::NoJob(first)));
    let kept = retired(&world);
    assert_eq!((kept.len(), kept[0].view(), kept[0].owner()), (1, before.clone(), "ann"));
    assert_eq!(kept[0].blobs().count(), 2);
    assert!(
        kept[0].why().contains("completed: its last boundary is safe"),
        "{}",
        kept[0].why()
    );

    world.apply(Event::Recall(Box::new(kept[0].clone())));
    world.apply(Event::Recall(Box::new(kept[0].clone())));
    assert_eq!(world.view(first), before);
    let next = SubmitJob {
        after: Some(first),
        segments: 2,
        ..job("second")
    };
    let second = world.submit("ann", next);
    let lease = world.take(host)[0].clone();
    assert_eq!((lease.job, lease.until_segment), (second, 5));
    assert_eq!(Some(lease.checkpoint.unwrap().entry.digest), before.chain);
    world.pass(2 * DAY, &[host]);
    assert_eq!(retired(&world).len(), 2, "it leaves memory again");
}

#[test]
fn a_job_that_is_kept_no_longer_has_left_memory_and_its_owner_has_room_again() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = world.submit("ann", job("first"));
    let stored = |world: &World| world.core.jobs.account("ann").unwrap().stored_bytes;
    let expire = |job, bytes| Event::Expire {
        job,
        user: "ann".to_owned(),
        bytes,
    };
    let bytes = stored(&world);
    assert!(bytes > 0);
    for wrong in [first, JobId(first.0 + 1)] {
        assert!(matches!(world.try_apply(expire(wrong, 1)), Err(Refusal::State(_))), "{wrong}");
    }
    let by = "ann".to_owned();
    world.apply(Event::Cancel { job: first, by });
    world.pass(25 * HOUR, &[host]);
    let second = world.submit("ann", job("second"));
    assert_eq!(stored(&world), 2 * bytes);
    world.apply(expire(first, bytes));
    assert_eq!(stored(&world), bytes);
    assert!(world.commands.contains(&Command::Expired(first)));
    assert_eq!(second.0, first.0 + 1);
}

#[test]
fn only_what_ended_leaves_or_comes_back() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let held = world.submit(
        "ann",
        SubmitJob {
            hold: true,
            ..job("held")
        },
    );
    let lease = {
        let id = world.submit("ann", job("argon"));
        world.running(host, id, 1)
    };
    for _ in 0..9 {
        world.pass(23 * HOUR, &[host]);
        world.commit(host, &lease, 1);
    }
    assert_eq!(
        (world.state(held), world.state(lease.job)),
        (JobState::Held, JobState::Running)
    );
    world.apply(Event::Cancel {
        job: held,
        by: "ann".to_owned(),
    });
    for _ in 0..3 {
        world.pass(23 * HOUR, &[host]);
        world.commit(host, &lease, 1);
    }
    let stranger = retired(&world).remove(0);
    let mut other = World::new();
    assert!(matches!(
        other.try_apply(Event::Recall(Box::new(stranger))),
        Err(Refusal::State(_))
    ));
    world.end(host, &lease, Outcome::Migrated);
}

#[test]
fn a_state_of_older_rules_is_gone_on_from_and_one_of_newer_rules_refused() {
    let mut world = World::new();
    let id = world.submit("ann", job("argon"));
    world.apply(Event::Cancel {
        job: id,
        by: "ann".to_owned(),
    });
    let mut old: serde_json::Value = serde_json::from_slice(&world.core.save().unwrap()).unwrap();
    old["rules"] = 1.into();
    old["config"].as_object_mut().unwrap().remove("retire_ms");
    old["timers"] = serde_json::json!([]);
    let mut core = Core::restore(old.to_string().as_bytes()).unwrap();
    core.check().unwrap();
    core.apply(&Event::Tick, world.now_ms + 2 * DAY).unwrap();
    assert!(core.job(id).is_err(), "it leaves memory too");
    old["rules"] = 99.into();
    assert!(
        Core::restore(old.to_string().as_bytes())
            .unwrap_err()
            .to_string()
            .contains("rules 99")
    );
}

#[test]
fn a_job_that_ended_before_the_one_it_would_start_from_is_forgotten_by_it() {
    let mut world = World::new();
    let parent = world.submit(
        "ann",
        SubmitJob {
            hold: true,
            ..job("parent")
        },
    );
    let child = world.submit(
        "ann",
        SubmitJob {
            after: Some(parent),
            ..job("child")
        },
    );
    world.apply(Event::Cancel {
        job: child,
        by: "ann".to_owned(),
    });
    // Every event is followed by a look at all invariants: the state is that of a restart.
    world.pass(2 * DAY, &[]);
    assert_eq!(retired(&world).len(), 1);
    world.apply(Event::Recall(Box::new(retired(&world).remove(0))));
}
