//! Jobs: hold, release, cancel, priorities, dependencies, deadlines, commits.

use protocol::http::{Action, Commit, SubmitJob};
use protocol::{ChainEntry, Digest, JobState, Outcome};

use super::driver::{HOUR, MINUTE, World, bound, job};
use crate::{Command, Config, Event, Refusal};

#[test]
fn hold_stops_at_the_boundary_and_release_goes_on_from_there() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    let lease = world.running(host, id, 3);
    world.apply(Event::Hold {
        job: id,
        by: "ann".to_owned(),
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    world.commit(host, &lease, 1);
    world.end(host, &lease, Outcome::Migrated);
    assert_eq!(world.state(id), JobState::Held);
    assert!(world.leases(host).is_empty());
    world.apply(Event::Release {
        job: id,
        by: "ann".to_owned(),
    });
    assert_eq!(world.take(host)[0].checkpoint.clone().unwrap().entry.segment, 4);
}

#[test]
fn release_before_the_boundary_takes_the_hold_back() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    let lease = world.running(host, id, 3);
    world.apply(Event::Hold {
        job: id,
        by: "ann".to_owned(),
    });
    world.apply(Event::Release {
        job: id,
        by: "ann".to_owned(),
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::Run));
}

#[test]
fn cancel_takes_the_lease_away_at_once() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    let lease = world.running(host, id, 3);
    world.apply(Event::Cancel {
        job: id,
        by: "ann".to_owned(),
    });
    assert!(world.leases(host).is_empty());
    let late = world.commit_event(host, &lease, 1);
    assert_eq!(world.try_apply(late), Err(Refusal::Over(lease.attempt)));
    assert_eq!(world.state(id), JobState::Cancelled);
}

#[test]
fn a_job_made_urgent_preempts_and_a_job_made_less_urgent_is_preempted() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = world.submit("ann", job("first"));
    let lease = world.running(host, first, 1);
    let second = world.submit("bob", job("second"));
    let by = "bob".to_owned();
    world.apply(Event::Prioritize {
        job: second,
        priority: 8,
        now: false,
        by: by.clone(),
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));

    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = world.submit(
        "ann",
        SubmitJob {
            priority: 9,
            ..job("first")
        },
    );
    let lease = world.running(host, first, 1);
    world.submit(
        "bob",
        SubmitJob {
            priority: 8,
            ..job("second")
        },
    );
    assert_eq!(world.action(host, lease.attempt), Some(Action::Run));
    world.apply(Event::Prioritize {
        job: first,
        priority: 2,
        now: false,
        by,
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
}

#[test]
fn a_job_starts_from_the_final_checkpoint_of_another() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = world.submit(
        "ann",
        SubmitJob {
            segments: 3,
            ..job("first")
        },
    );
    let second = world.submit(
        "ann",
        SubmitJob {
            after: Some(first),
            segments: 2,
            ..job("second")
        },
    );
    let foreign = SubmitJob {
        after: Some(first),
        ..job("foreign")
    };
    let event = Event::Submit {
        user: "bob".to_owned(),
        job: Box::new(foreign),
        bytes: 1,
    };
    assert!(matches!(world.try_apply(event), Err(Refusal::Invalid { field: "after", .. })));
    let lease = world.running(host, first, 2);
    assert_eq!(world.state(second), JobState::Queued);
    world.commit(host, &lease, 1);
    let next = world.take(host)[0].clone();
    assert_eq!(
        (next.job, next.checkpoint.clone().unwrap().entry.segment, next.until_segment),
        (second, 3, 5)
    );
    assert_eq!(next.class, bound(1));
    world.commit(host, &next, 2);
    assert_eq!(world.state(second), JobState::Completed);
}

#[test]
fn a_job_whose_parent_is_cancelled_is_held() {
    let mut world = World::new();
    let first = world.submit("ann", job("first"));
    let second = world.submit(
        "ann",
        SubmitJob {
            after: Some(first),
            ..job("second")
        },
    );
    world.apply(Event::Cancel {
        job: first,
        by: "ann".to_owned(),
    });
    assert_eq!(world.state(second), JobState::Held);
    let release = Event::Release {
        job: second,
        by: "ann".to_owned(),
    };
    assert!(matches!(world.try_apply(release), Err(Refusal::State(_))));
}

#[test]
fn a_near_deadline_makes_a_job_urgent() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit(
        "ann",
        SubmitJob {
            segments: 1000,
            ..job("calm")
        },
    );
    let lease = world.running(host, calm, 1);
    let deadline = world.now_ms + 3 * HOUR;
    let due = world.submit(
        "bob",
        SubmitJob {
            segments: 60,
            deadline_ms: Some(deadline),
            ..job("due")
        },
    );
    world.pass(MINUTE, &[host]);
    assert_eq!(world.action(host, lease.attempt), Some(Action::Run));
    world.pass(85 * MINUTE, &[host]);
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    assert_eq!(world.view(due).host, Some(host));
}

#[test]
fn the_nearest_deadline_goes_first_among_ones_own() {
    let mut world = World::new();
    let late = world.now_ms + 900 * HOUR;
    world.submit("ann", job("none"));
    world.submit(
        "ann",
        SubmitJob {
            deadline_ms: Some(late),
            ..job("late")
        },
    );
    let soon = world.submit(
        "ann",
        SubmitJob {
            deadline_ms: Some(late - HOUR),
            ..job("soon")
        },
    );
    let host = world.host("desk", 1);
    assert_eq!(world.leases(host)[0].job, soon);
}

#[test]
fn a_user_at_their_limit_waits_and_goes_on_when_a_job_ends() {
    let mut world = World::with(Config {
        user_running_max: 2,
        ..Config::default()
    });
    let jobs: Vec<_> = (0..3).map(|index| world.submit("ann", job(&format!("{index}")))).collect();
    let hosts: Vec<_> = (0..3).map(|index| world.host(&format!("{index}"), 1)).collect();
    assert!(world.leases(hosts[2]).is_empty());
    assert!(
        world.core.orders(hosts[2]).unwrap().idle[0]
            .why
            .contains("as many running as they may")
    );
    world.apply(Event::Cancel {
        job: jobs[0],
        by: "ann".to_owned(),
    });
    assert!(world.view(jobs[2]).host.is_some());
    let config = Config {
        user_jobs_max: 2,
        ..Config::default()
    };
    world.apply(Event::Configure(config));
    let event = Event::Submit {
        user: "ann".to_owned(),
        job: Box::new(job("more")),
        bytes: 1,
    };
    assert!(matches!(world.try_apply(event), Err(Refusal::Limit(_))));
}

#[test]
fn a_repeated_commit_changes_nothing_and_a_wrong_one_is_refused() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    let lease = world.take(host)[0].clone();
    let first = world.commit_event(host, &lease, 2);
    world.apply(first.clone());
    let second = world.commit_event(host, &lease, 2);
    world.apply(second.clone());
    let chain = world.commands.len();
    let before = world.view(id);
    world.apply(second.clone());
    world.apply(first);
    assert_eq!(world.view(id), before);
    assert!(
        !world.commands[chain..]
            .iter()
            .any(|command| matches!(command, Command::Chain(..)))
    );

    let Event::Commit { commit, .. } = second else { panic!() };
    let attempt = lease.attempt;
    let with = |entries: Vec<ChainEntry>, class| Event::Commit {
        host,
        attempt,
        commit: Commit {
            entries,
            ..commit.clone()
        },
        class,
        bytes: 1,
        outputs_bytes: 0,
        done: false,
    };
    let last = commit.entries.last().unwrap();
    let skip = ChainEntry::next(
        lease.package,
        Some(&ChainEntry {
            segment: 9,
            ..last.clone()
        }),
        900,
        last.content,
        last.outputs,
    );
    let other = Digest::of(b"other");
    let fork = ChainEntry::next(lease.package, commit.entries.first(), last.step, other, other);
    for (wrong, what) in [
        (with(vec![skip], lease.class), "a gap"),
        (with(vec![fork], lease.class), "other bits"),
        (with(Vec::new(), lease.class), "nothing"),
        (with(commit.entries.clone(), bound(9)), "another class"),
    ] {
        assert!(matches!(world.try_apply(wrong), Err(Refusal::Invalid { .. })), "{what}");
    }
    assert_eq!(world.view(id), before);
}

#[test]
fn every_change_is_kept_with_its_reason() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit(
        "ann",
        SubmitJob {
            segments: 2,
            ..job("argon")
        },
    );
    let lease = world.running(host, id, 1);
    world.commit(host, &lease, 1);
    let changes: Vec<_> = world
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Changed(job, change) if *job == id => Some(change.clone()),
            _ => None,
        })
        .collect();
    let states: Vec<_> = changes.iter().map(|change| change.state).collect();
    assert_eq!(
        states,
        [JobState::Queued, JobState::Queued, JobState::Running, JobState::Completed]
    );
    assert!(changes.iter().all(|change| !change.reason.is_empty()));
}
