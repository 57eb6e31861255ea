//! Hosts that nobody knows: what their errors can do to a job, who is shut out, and what a restored backup makes of them.

use protocol::http::{Action, RegisterHost, SubmitJob};
use protocol::{ErrorCause, HostId, HostState, JobId, JobState, Outcome};

use super::driver::{World, job};
use crate::testing::registration;
use crate::{Config, Event, Origin, Refusal, Reply};

const BY: &str = "olga";

impl World {
    fn enrol(&mut self, address: u64, subject: Option<&str>, network: u64) -> Result<HostId, Refusal> {
        let event = Event::Register {
            host: None,
            body: registration("stranger", 1),
            address,
            origin: Origin {
                referee: false,
                subject: subject.map(str::to_owned),
                network,
            },
        };
        self.try_apply(event).map(|reply| match reply {
            Reply::Host(host) => host,
            other => panic!("{other:?}"),
        })
    }

    /// A host from there takes the job and reports an error.
    fn error_from(&mut self, id: JobId, subject: Option<&str>, network: u64) -> HostId {
        let host = self.enrol(network, subject, network).unwrap();
        let lease = self.take(host).into_iter().find(|lease| lease.job == id);
        self.end(host, &lease.expect("it got the job"), Outcome::ClientError);
        host
    }

    fn ban(&mut self, host: HostId) {
        self.apply(Event::Ban {
            host,
            reason: "wrong results".to_owned(),
            by: BY.to_owned(),
        });
    }
}

#[test]
fn many_enrolments_from_one_network_or_of_one_subject_count_once() {
    let mut world = World::new();
    let id = world.submit("ann", job("argon"));
    for _ in 0..4 {
        world.error_from(id, None, 7);
        assert_eq!(world.state(id), JobState::Queued, "one network is one origin");
    }
    for network in 100..104 {
        world.error_from(id, Some("mallory"), network);
        assert_eq!(world.state(id), JobState::Queued, "one subject is one origin more");
    }
    world.error_from(id, None, 8);
    let view = world.view(id);
    assert_eq!((view.state, view.errors.len()), (JobState::Held, 9), "the third origin");
    assert!(view.reason.contains("9 errors from 3 origins"), "{}", view.reason);
    assert!(view.reason.contains("stranger (host 9): in a test"), "{}", view.reason);
    assert!(view.reason.contains("baton retry 1"), "{}", view.reason);
}

#[test]
fn a_held_job_goes_on_after_a_retry_from_where_it_was_and_a_boundary_clears_its_errors() {
    let mut world = World::new();
    let id = world.submit("ann", job("argon"));
    let retry = || Event::Retry {
        job: id,
        by: "ann".to_owned(),
    };
    assert!(matches!(world.try_apply(retry()), Err(Refusal::State(_))), "it is not held");
    for network in 1..4 {
        world.error_from(id, None, network);
    }
    assert_eq!(world.state(id), JobState::Held);
    world.apply(retry());
    assert_eq!((world.state(id), world.view(id).errors.len()), (JobState::Queued, 0));
    for network in 11..13 {
        world.error_from(id, None, network);
    }
    let good = world.enrol(50, None, 50).unwrap();
    world.running(good, id, 1);
    assert!(world.view(id).errors.is_empty(), "what was computed says more than errors");
    let hold = Event::Hold {
        job: id,
        by: "ann".to_owned(),
    };
    world.apply(hold);
    assert!(world.try_apply(retry()).is_err(), "its owner holds it: nothing to retry");
}

#[test]
fn hosts_that_brought_boundaries_home_count_each_for_itself() {
    let mut world = World::new();
    let hosts: Vec<HostId> = (0..3).map(|_| world.enrol(7, None, 7).unwrap()).collect();
    for _ in &hosts {
        world.submit(
            "ann",
            SubmitJob {
                segments: 1,
                ..job("easy")
            },
        );
    }
    for host in &hosts {
        let lease = world.take(*host)[0].clone();
        world.commit(*host, &lease, 1);
    }
    let id = world.submit("ann", job("broken"));
    for round in 0..3 {
        assert_eq!(world.state(id), JobState::Queued, "after {round} hosts");
        let on = world.view(id).host.expect("one that has not failed is free");
        let lease = world.take(on)[0].clone();
        world.end(on, &lease, Outcome::ClientError);
    }
    assert_eq!(world.state(id), JobState::Held, "three proven hosts of one network");
}

#[test]
fn one_origin_holds_a_job_only_after_many_errors() {
    let mut world = World::new();
    let id = world.submit("ann", job("argon"));
    for round in 0..12 {
        assert_eq!(world.state(id), JobState::Queued, "after {round}");
        world.error_from(id, None, 7);
    }
    let view = world.view(id);
    assert_eq!(view.state, JobState::Held);
    assert!(view.reason.contains("12 errors from 1 origin,"), "{}", view.reason);
}

#[test]
fn a_fault_of_the_package_is_among_the_errors_and_can_be_retried() {
    let mut world = World::new();
    let id = world.submit("ann", job("broken"));
    let host = world.host("desk", 1);
    let lease = world.take(host)[0].clone();
    world.end_with(host, &lease, Outcome::ClientError, ErrorCause::Package);
    let view = world.view(id);
    assert_eq!((view.state, view.errors.len()), (JobState::Held, 1));
    assert_eq!(view.errors[0].message, "in a test");
    world.apply(Event::Retry {
        job: id,
        by: "ann".to_owned(),
    });
    assert_eq!(world.state(id), JobState::Queued);
}

#[test]
fn a_banned_host_loses_its_lease_at_once_and_nothing_that_it_sends_is_taken_in() {
    let mut world = World::new();
    let bad = world.enrol(1, None, 1).unwrap();
    let id = world.submit("ann", job("argon"));
    let lease = world.running(bad, id, 1);
    world.ban(bad);
    assert_eq!(world.state(id), JobState::Migrating);
    let view = world.core.host(bad).unwrap();
    assert_eq!((view.state, view.losses), (HostState::Lost, 0));
    assert_eq!(view.banned.as_deref(), Some("wrong results"));
    assert!(view.reason.contains("banned by olga: wrong results"), "{}", view.reason);
    let late = world.commit_event(bad, &lease, 1);
    for event in [late, Event::Take { host: bad }, Event::Return { host: bad }] {
        assert!(matches!(world.try_apply(event), Err(Refusal::Banned(_))));
    }
    assert!(matches!(world.core.orders(bad), Err(Refusal::Banned(_))));
    // Nor does it come back by the door for everybody; an invitation is the operator's word.
    assert!(matches!(world.enrol(1, None, 1), Err(Refusal::Banned(_))));
    world.enrol(2, None, 1).unwrap();
    world.enrol(1, Some("ann"), 1).unwrap();
    world.apply(Event::Unban {
        host: bad,
        by: BY.to_owned(),
    });
    world.beat(bad, 0);
    assert_eq!(world.core.host(bad).unwrap().state, HostState::Online);
    let again = Event::Unban {
        host: bad,
        by: BY.to_owned(),
    };
    assert!(matches!(world.try_apply(again), Err(Refusal::State(_))));
}

#[test]
fn a_host_without_a_token_has_no_lease() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    world.running(host, id, 1);
    world.apply(Event::Revoked { host });
    assert_eq!(world.state(id), JobState::Migrating);
    assert!(world.leases(host).is_empty(), "nor does it get another");
}

#[test]
fn a_subject_and_a_network_have_so_many_hosts_and_lost_ones_do_not_count() {
    let mut world = World::with(Config {
        hosts_per_subject: 2,
        hosts_per_network: 3,
        ..Config::default()
    });
    let first = world.enrol(1, Some("ann"), 1).unwrap();
    world.enrol(1, Some("ann"), 2).unwrap();
    assert!(matches!(world.enrol(1, Some("ann"), 3), Err(Refusal::Limit(_))));
    world.enrol(1, Some("bob"), 1).unwrap();
    world.enrol(1, None, 1).unwrap();
    assert!(matches!(world.enrol(1, None, 1), Err(Refusal::Limit(_))));
    world.apply(Event::Revoked { host: first });
    world.enrol(1, Some("ann"), 1).unwrap();
    assert!(matches!(world.enrol(1, Some("eve"), 1), Err(Refusal::Limit(_))));
}

#[test]
fn the_agent_that_registered_last_speaks_for_a_host_and_the_other_is_refused() {
    let mut world = World::new();
    let as_agent = |instance: &str| RegisterHost {
        instance: Some(instance.to_owned()),
        ..registration("desk", 1)
    };
    let host = world.host_with(as_agent("first"));
    let beat = |instance: Option<&str>| Event::Heartbeat {
        host,
        beat: protocol::http::Heartbeat {
            clock_ms: 0,
            rtt_ms: None,
            jobs: Vec::new(),
            accepting: true,
            why: None,
            errors: 0,
            instance: instance.map(str::to_owned),
        },
        address: 1,
    };
    world.apply(beat(Some("first")));
    world.apply(Event::Register {
        host: Some(host),
        body: as_agent("copy"),
        address: 1,
        origin: Origin::default(),
    });
    assert_eq!(world.try_apply(beat(Some("first"))), Err(Refusal::Instance(host)));
    world.apply(beat(Some("copy")));
    world.apply(beat(None));
    assert!(matches!(world.try_apply(beat(Some(""))), Err(Refusal::Invalid { .. })));
}

/// Bodies are cleaned as they are read; the core takes no unclean name all the same.
#[test]
fn names_and_tags_that_move_a_cursor_are_refused_by_field() {
    let mut world = World::new();
    for nasty in ["a\u{1b}[2J", "a\nb", "a\u{202e}b", ""] {
        let event = Event::Register {
            host: None,
            body: registration(nasty, 1),
            address: 1,
            origin: Origin::default(),
        };
        assert!(
            matches!(world.try_apply(event), Err(Refusal::Invalid { field: "name", .. })),
            "{nasty:?}"
        );
        let submit = |job: SubmitJob| Event::Submit {
            user: "ann".to_owned(),
            job: Box::new(job),
            bytes: 1,
        };
        let named = SubmitJob {
            name: nasty.to_owned(),
            ..job("argon")
        };
        let tagged = SubmitJob {
            tags: vec!["sweep".to_owned(), nasty.to_owned()],
            ..job("argon")
        };
        for (wrong, at) in [(named, "name"), (tagged, "tags")] {
            let answer = world.try_apply(submit(wrong));
            assert!(
                matches!(answer, Err(Refusal::Invalid { field, .. }) if field == at),
                "{at}: {nasty:?}"
            );
        }
    }
}

#[test]
fn a_restored_state_gives_no_number_twice_and_its_orders_are_new() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    world.running(host, id, 2);
    let backup = world.core.clone();
    // It goes on: more boundaries, a job and a host.
    let lease = world.leases(host)[0].clone();
    world.commit(host, &lease, 3);
    let lost_job = world.submit("ann", job("after the backup"));
    let lost_host = world.host("lab", 1);
    let lost_lease = world.take(lost_host)[0].clone();
    let seen = world.core.orders(host).unwrap().sequence;

    world.core = backup;
    world.apply(Event::Restored);
    assert_eq!(world.view(id).segment, 2);
    assert!(world.core.orders(host).unwrap().sequence > seen);
    let again = world.take(host)[0].clone();
    assert!(again.attempt > lost_lease.attempt && again.epoch > lease.epoch && again.job == id);
    assert_eq!(world.action(host, again.attempt), Some(Action::Run));
    assert!(world.submit("ann", job("new")) > lost_job);
    assert!(world.host("new", 1) > lost_host);
}

#[test]
fn a_job_that_is_in_a_hurry_later_stops_the_other_at_once() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit("ann", job("calm"));
    let lease = world.running(host, calm, 1);
    let urgent = world.submit(
        "bob",
        SubmitJob {
            priority: 8,
            ..job("urgent")
        },
    );
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    world.apply(Event::Prioritize {
        job: urgent,
        priority: 8,
        now: true,
        by: "bob".to_owned(),
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopNow));
}

#[test]
fn a_job_told_to_make_room_goes_on_when_the_other_is_cancelled() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let calm = world.submit("ann", job("calm"));
    let lease = world.running(host, calm, 1);
    let urgent = world.submit(
        "bob",
        SubmitJob {
            priority: 8,
            ..job("urgent")
        },
    );
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
    world.apply(Event::Cancel {
        job: urgent,
        by: "bob".to_owned(),
    });
    assert_eq!(world.action(host, lease.attempt), Some(Action::Run));
    assert_eq!(world.state(calm), JobState::Running);
    assert!(world.view(calm).reason.contains("goes on"), "{}", world.view(calm).reason);
    // It may be asked again.
    world.submit(
        "bob",
        SubmitJob {
            priority: 8,
            ..job("again")
        },
    );
    assert_eq!(world.action(host, lease.attempt), Some(Action::StopAtBoundary));
}

#[test]
fn what_is_kept_for_a_user_has_an_end_and_then_its_jobs_are_held() {
    let mut world = World::with(Config {
        user_stored_max: 5_000,
        ..Config::default()
    });
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    let lease = world.running(host, id, 1);
    let Event::Commit {
        host,
        attempt,
        commit,
        class,
        bytes,
        ..
    } = world.commit_event(host, &lease, 1)
    else {
        panic!("a commit")
    };
    world.apply(Event::Commit {
        host,
        attempt,
        commit,
        class,
        bytes,
        outputs_bytes: 4_000,
        done: false,
    });
    let view = world.view(id);
    assert_eq!((view.state, view.segment), (JobState::Held, 2), "what it computed is safe");
    assert!(view.reason.contains("5000 bytes"), "{}", view.reason);
    let again = Event::Submit {
        user: "ann".to_owned(),
        job: Box::new(job("more")),
        bytes: 1,
    };
    assert!(matches!(world.try_apply(again), Err(Refusal::Limit(_))));
    world.submit("bob", job("another's"));
}

#[test]
fn classes_that_hosts_make_up_are_forgotten_and_one_that_a_job_waits_for_is_not() {
    let mut world = World::new();
    let host = world.host("desk", 1);
    let id = world.submit("ann", job("argon"));
    world.running(host, id, 1);
    for kind in 2..50 {
        world.apply(Event::Register {
            host: Some(host),
            body: registration("desk", kind),
            address: 1,
            origin: Origin::default(),
        });
    }
    let known: Vec<_> = world.core.classes().iter().map(|presence| presence.class).collect();
    assert_eq!(
        known.len(),
        3,
        "the portable one, the one that the host has, the one that the job waits for"
    );
    assert!(known.contains(&super::driver::bound(1)), "{known:?}");
    let (_, why, _) = world.core.why(id).unwrap();
    assert!(why.contains("0 of 0 devices online, last seen 0 minutes ago"), "{why}");
    world.ban(host);
    assert_eq!(world.core.classes().len(), 1, "of a host that is shut out nothing stays");
    world.apply(Event::Cancel {
        job: id,
        by: "ann".to_owned(),
    });
}
