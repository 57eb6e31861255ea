//! Hosts: preemption, departures, silence, classes, prefetch, back-off.

use protocol::http::{Action, Night, SubmitJob};
use protocol::{ErrorCause, HostState, JobState, Outcome};

use super::driver::{DAY, HOUR, MINUTE, World, bound, job};
use crate::testing::{START_MS, registration};
use crate::{Config, Event, Origin, Refusal};

#[test]
fn a_job_goes_from_queued_to_completed() {
    let mut world = World::new();
    let id = world.submit(
        "ann",
        SubmitJob {
            segments: 3,
            ..job("argon")
        },
    );
    assert_eq!(world.state(id), JobState::Queued);
    let host = world.host("desk", 1);
    let lease = world.running(host, id, 2);
    assert_eq!(lease.epoch, 1);
    world.commit(host, &lease, 1);
    let view = world.view(id);
    assert_eq!((view.state, view.segment, view.stays.len()), (JobState::Completed, 3, 1));
    assert_eq!(view.stays[0].outcome, Some(Outcome::Success));
    assert!(world.leases(host).is_empty());
}

#[test]
fn an_urgent_job_preempts_at_the_next_boundary_and_the_other_resumes() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit("ann", job("calm"));
    let lease = world.running(host, calm, 5);
    let urgent = world.submit(
        "bob",
        SubmitJob {
            priority: 9,
            segments: 1,
            ..job("urgent")
        },
    );
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    let waiting = world.leases(host)[1].clone();
    assert_eq!(
        (waiting.job, waiting.action),
        (urgent, Action::Wait),
        "its data may come already"
    );
    world.take(host);
    world.commit(host, &lease, 1);
    world.end(host, &lease, Outcome::Preempted);
    assert_eq!(world.state(calm), JobState::Suspended);
    assert_eq!(world.action(host, waiting.attempt), Some(Action::Run));
    assert_eq!(world.state(urgent), JobState::Running);
    world.commit(host, &waiting, 1);
    assert_eq!(world.state(urgent), JobState::Completed);
    let resumed = world.take(host)[0].clone();
    assert_eq!((resumed.job, resumed.epoch), (calm, lease.epoch + 1));
    assert_eq!(resumed.checkpoint.expect("it continues").entry.segment, 6);
}

#[test]
fn an_urgent_job_may_preempt_now() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit("ann", job("calm"));
    let lease = world.running(host, calm, 1);
    let urgent = SubmitJob {
        priority: 9,
        now: true,
        ..job("urgent")
    };
    world.submit("bob", urgent);
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopNow));
}

#[test]
fn equal_and_higher_priorities_are_not_preempted() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = world.submit(
        "ann",
        SubmitJob {
            priority: 8,
            ..job("first")
        },
    );
    let lease = world.running(host, first, 1);
    world.submit(
        "bob",
        SubmitJob {
            priority: 8,
            ..job("equal")
        },
    );
    world.submit(
        "bob",
        SubmitJob {
            priority: 6,
            ..job("less")
        },
    );
    assert_eq!(world.action(host, lease.attempt), Some(Action::Run));
}

#[test]
fn a_departing_host_is_emptied_first_and_the_job_goes_on_elsewhere() {
    let mut world = World::new();
    let (desk, lab) = (world.host("desk", 1), world.host("lab", 1));
    let id = world.submit("ann", job("argon"));
    let (from, to) = if world.leases(desk).is_empty() {
        (lab, desk)
    } else {
        (desk, lab)
    };
    let lease = world.running(from, id, 4);
    world.leave(from, 0);
    assert_eq!(world.state(id), JobState::Migrating);
    assert_eq!(world.action(from, lease.attempt), Some(Action::StopAtBoundary));
    world.commit(from, &lease, 1);
    world.end(from, &lease, Outcome::Migrated);
    assert_eq!(world.core.host(from).unwrap().state, HostState::Offline);
    let next = world.running(to, id, 1);
    assert_eq!(next.checkpoint.unwrap().entry.segment, 5);
    assert_eq!(world.view(id).stays.len(), 2);
    assert_eq!(world.core.host(from).unwrap().unplanned_stops, 0);
}

#[test]
fn a_job_that_ends_before_the_night_stays_and_one_that_does_not_moves_before_it() {
    for (segments, moves) in [(10, false), (100, true)] {
        let mut world = World::with(Config {
            prefetch_ms: 0,
            ..Config::default()
        });
        let minute = u16::try_from(START_MS % DAY / MINUTE).unwrap();
        let begins = (minute + 120) % 1440;
        let night = Night {
            from_minute: begins,
            until_minute: (begins + 480) % 1440,
        };
        let host = world.host_with(protocol::http::RegisterHost {
            night: Some(night),
            ..registration("desk", 1)
        });
        let id = world.submit(
            "ann",
            SubmitJob {
                segments,
                ..job("argon")
            },
        );
        let lease = world.running(host, id, 1);
        world.pass(99 * MINUTE, &[host]);
        assert_eq!(world.action(host, lease.attempt), Some(Action::Run), "not before the lead");
        world.pass(2 * MINUTE, &[host]);
        let expected = if moves { Action::StopAtBoundary } else { Action::Run };
        assert_eq!(world.action(host, lease.attempt), Some(expected), "{segments} segments");
        assert_eq!(world.state(id) == JobState::Migrating, moves);
        world.pass(30 * MINUTE, &[]);
        assert_eq!(world.core.host(host).unwrap().state, HostState::Offline);
        world.pass(8 * HOUR, &[]);
        world.beat(host, 0);
        assert_eq!(
            world.core.host(host).unwrap().state,
            HostState::Online,
            "it is back in the morning"
        );
        assert_eq!(world.take(host)[0].job, id);
    }
}

#[test]
fn a_silent_host_is_waited_for_and_goes_on_under_its_epoch() {
    let mut world = World::new();
    let (desk, _other) = (world.host("desk", 1), world.host("other", 1));
    let id = world.submit("ann", job("argon"));
    let host = if world.leases(desk).is_empty() { _other } else { desk };
    let lease = world.running(host, id, 1);
    world.pass(10 * MINUTE, &[]);
    assert_eq!(world.core.host(host).unwrap().state, HostState::Unreachable);
    assert_eq!(world.state(id), JobState::Running, "a network fault moves nothing");
    world.commit(host, &lease, 3);
    assert_eq!(world.core.host(host).unwrap().state, HostState::Online);
    assert_eq!((world.view(id).segment, world.view(id).epoch), (4, 1));
}

#[test]
fn a_lost_host_that_comes_back_with_an_old_epoch_changes_nothing() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    let lease = world.running(host, id, 2);
    world.pass(31 * MINUTE, &[]);
    assert_eq!(world.core.host(host).unwrap().state, HostState::Lost);
    let other = world.host("lab", 1);
    let next = world.running(other, id, 1);
    assert_eq!((next.epoch, next.checkpoint.clone().unwrap().entry.segment), (2, 2));
    let before = world.view(id);
    let late = world.commit_event(host, &lease, 1);
    assert_eq!(world.try_apply(late), Err(Refusal::Over(lease.attempt)));
    let mut forged = world.commit_event(other, &next, 1);
    if let Event::Commit { commit, .. } = &mut forged {
        commit.epoch = 1;
    }
    assert_eq!(world.try_apply(forged), Err(Refusal::StaleEpoch { found: 1, expected: 2 }));
    let foreign = world.commit_event(host, &next, 1);
    assert_eq!(world.try_apply(foreign), Err(Refusal::NoAttempt(next.attempt)));
    assert_eq!(world.view(id), before);
}

#[test]
fn a_checkpoint_waits_for_its_class_and_says_so() {
    let mut world = World::new();
    let rare = world.host("rare", 7);
    let id = world.submit("ann", job("argon"));
    let lease = world.running(rare, id, 1);
    world.leave(rare, 0);
    world.end(rare, &lease, Outcome::Migrated);
    let other = world.host("common", 1);
    assert!(world.leases(other).is_empty(), "another class computes other bits");
    world.pass(10 * MINUTE, &[other]);
    let (state, sentence, class) = world.core.why(id).unwrap();
    assert_eq!(state, JobState::Migrating);
    assert!(
        sentence.contains(&bound(7).to_string()) && sentence.contains("0 of 1 devices online, last seen 10 minutes ago"),
        "{sentence}"
    );
    assert_eq!(class.unwrap().waiting, 1);
}

#[test]
fn every_state_of_a_job_is_explained_in_a_sentence() {
    let mut world = World::new();
    let why = |world: &World, id| world.core.why(id).unwrap().1;
    let says = |sentence: String, words: &[&str]| {
        assert!(
            words.iter().all(|word| sentence.contains(word)),
            "{sentence:?} lacks one of {words:?}"
        );
    };
    let calm = world.submit("ann", job("calm"));
    says(
        why(&world, calm),
        &["job 1 is queued: submitted; waits for a device of tier class-bound: 0 of 0 devices online"],
    );
    let host = world.host("desk", 1);
    says(why(&world, calm), &["queued: offered to desk (host 1): its turn came"]);
    let lease = world.running(host, calm, 1);
    says(why(&world, calm), &["is running: runs on desk (host 1)"]);
    let second = world.submit("ann", job("second"));
    says(
        why(&world, second),
        &["waits for a device of tier class-bound: 1 of 1 devices online, none free"],
    );
    let urgent = world.submit(
        "bob",
        SubmitJob {
            priority: 9,
            segments: 1,
            ..job("urgent")
        },
    );
    says(
        why(&world, calm),
        &["stops at its next boundary: job 3 (priority 9) is more urgent"],
    );
    says(
        why(&world, urgent),
        &["offered to desk (host 1): takes the place of job 1, which is less urgent"],
    );
    world.take(host);
    world.end(host, &lease, Outcome::Preempted);
    says(
        why(&world, calm),
        &[
            "is suspended: suspended: job 3 (priority 9) is more urgent; waits for class",
            "1 of 1 devices online, none free",
        ],
    );
    world.apply(Event::Hold {
        job: second,
        by: "ann".to_owned(),
    });
    says(why(&world, second), &["is held: held by ann"]);
    let child = world.submit(
        "ann",
        SubmitJob {
            after: Some(calm),
            ..job("child")
        },
    );
    says(why(&world, child), &["waits for the final checkpoint of job 1"]);
    world.leave(host, 0);
    says(why(&world, urgent), &["is migrating", "desk (host 1) leaves (shutdown)"]);
}

#[test]
fn a_job_whose_class_stays_away_starts_over_only_where_its_owner_allows() {
    for allowed in [false, true] {
        let mut world = World::new();
        let rare = world.host("rare", 7);
        let id = world.submit(
            "ann",
            SubmitJob {
                restart_on_other_class: allowed,
                ..job("argon")
            },
        );
        let lease = world.running(rare, id, 5);
        world.leave(rare, 0);
        world.end(rare, &lease, Outcome::Migrated);
        let other = world.host("common", 1);
        world.pass(25 * HOUR, &[other]);
        assert_eq!(world.view(id).epoch > 1, allowed);
        if allowed {
            world.host("third", 1);
            assert_eq!((world.view(id).segment, world.view(id).checkpoint), (0, None));
        }
    }
}

#[test]
fn the_next_job_arrives_before_the_current_one_ends() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let first = world.submit(
        "ann",
        SubmitJob {
            segments: 60,
            ..job("first")
        },
    );
    let lease = world.running(host, first, 1);
    let second = world.submit("ann", job("second"));
    world.beat(host, 10);
    world.pass(30 * MINUTE, &[host]);
    assert_eq!(world.leases(host).len(), 1, "too early to fetch ahead");
    world.commit(host, &lease, 57);
    world.pass(MINUTE, &[host]);
    let ahead = world.leases(host)[1].clone();
    assert_eq!((ahead.job, ahead.action), (second, Action::Wait));
    world.take(host);
    assert_eq!(world.state(second), JobState::Queued);
    world.commit(host, &lease, 2);
    assert_eq!(world.action(host, ahead.attempt), Some(Action::Run), "no gap");
    assert_eq!(world.state(second), JobState::Running);
}

#[test]
fn small_jobs_share_a_grant() {
    let mut world = World::new();
    for index in 0..12 {
        world.submit(
            "ann",
            SubmitJob {
                segments: 1,
                ..job(&format!("small {index}"))
            },
        );
    }
    let host = world.host("desk", 1);
    let leases = world.take(host);
    assert_eq!(leases.len(), 8);
    assert!(leases.iter().all(|lease| lease.batch == leases[0].attempt));
    assert_eq!(leases.iter().filter(|lease| lease.action == Action::Run).count(), 1);
}

#[test]
fn a_failing_host_is_backed_off_ever_longer_with_the_reason() {
    let mut world = World::with(Config {
        failures_max: 100,
        ..Config::default()
    });
    let host = world.host("desk", 1);
    world.submit("ann", job("argon"));
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let lease = world.take(host)[0].clone();
        world.end(host, &lease, Outcome::ClientError);
        let view = world.core.host(host).unwrap();
        assert!(view.reason.contains("in a test"), "{}", view.reason);
        pauses.push(view.backoff_until_ms.unwrap() - world.now_ms);
        assert!(world.leases(host).is_empty());
        world.pass(pauses[pauses.len() - 1] + 1, &[host]);
    }
    assert_eq!(pauses, [MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE]);
}

#[test]
fn a_fault_of_the_package_holds_its_job_at_once_with_its_text_and_is_not_tried_again_by_itself() {
    let mut world = World::new();
    let id = world.submit("ann", job("broken"));
    let next = world.submit(
        "ann",
        SubmitJob {
            after: Some(id),
            ..job("after it")
        },
    );
    let host = world.host("desk", 1);
    let lease = world.running(host, id, 3);
    world.end_with(host, &lease, Outcome::ClientError, ErrorCause::Package);
    assert_eq!(world.state(id), JobState::Held);
    let reason = world.view(id).reason;
    assert!(
        reason.contains("package's own fault") && reason.contains("in a test"),
        "{reason}"
    );
    let other = world.host("other", 1);
    world.pass(DAY, &[host, other]);
    assert_eq!((world.state(id), world.view(id).epoch), (JobState::Held, 1));
    assert_eq!(world.core.host(host).unwrap().errors, 0, "the host is not to blame");
    // What was safe stays so, and its owner may try again.
    world.apply(Event::Release {
        job: id,
        by: "ann".to_owned(),
    });
    assert_eq!((world.view(id).segment, world.view(id).epoch), (3, 2));
    assert_eq!(world.state(next), JobState::Queued);
}

#[test]
fn long_jobs_go_to_reliable_hosts_and_short_ones_to_new_hosts() {
    let mut steady = World::new();
    let old = steady.host("old", 1);
    steady.pass(30 * DAY, &[old]);
    let new = steady.host("new", 1);
    let long = steady.submit("ann", job("long"));
    assert_eq!(steady.view(long).host, Some(old));
    let mut steady = World::new();
    let old = steady.host("old", 1);
    steady.pass(30 * DAY, &[old]);
    let newer = steady.host("new", 1);
    let short = steady.submit(
        "ann",
        SubmitJob {
            segments: 5,
            ..job("short")
        },
    );
    assert_eq!((steady.view(short).host, new == newer), (Some(newer), true));
}

#[test]
fn an_offer_that_is_not_taken_goes_to_another_host() {
    let mut world = World::new();
    let deaf = world.host("deaf", 1);
    let id = world.submit("ann", job("argon"));
    assert_eq!(world.view(id).host, Some(deaf));
    let other = world.host("other", 1);
    world.pass(3 * MINUTE, &[]);
    assert_eq!(world.view(id).host, Some(other));
}

#[test]
fn a_host_that_drops_a_lease_silently_loses_it() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    world.running(host, id, 1);
    for _ in 0..6 {
        world.pass(4 * MINUTE, &[]);
        world.beat_with(host, Vec::new());
    }
    assert_eq!(world.view(id).stays[0].outcome, Some(Outcome::Expired));
    assert!(world.view(id).epoch > 1, "granted anew");
}

#[test]
fn a_device_whose_class_changed_loses_its_job() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    world.running(host, id, 1);
    world.apply(Event::Register {
        host: Some(host),
        body: registration("desk", 2),
        address: 1,
        origin: Origin::default(),
    });
    assert!(world.leases(host).is_empty());
    assert_eq!(world.state(id), JobState::Migrating);
}

#[test]
fn a_restart_of_the_server_counts_nobody_as_silent() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    world.running(host, id, 1);
    world.now_ms += 5 * HOUR;
    world.apply(Event::Restarted);
    world.apply(Event::Tick);
    assert_eq!(world.core.host(host).unwrap().state, HostState::Online);
    assert_eq!(world.state(id), JobState::Running);
}
