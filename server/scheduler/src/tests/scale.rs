//! The cost of one decision, at sizes up to the paper's 300,000 hosts.

use std::time::Instant;

use protocol::http::{Action, SubmitJob};
use protocol::{HostId, JobId};

use crate::testing::{START_MS, populated};
use crate::{Core, Event, Reply};

use super::driver::{job, next_entry};

/// Mean time of one decision, microseconds: a host ends its job and gets the next, an urgent job preempts another.
fn cost_us(core: &mut Core, hosts: u64) -> (f64, f64) {
    const ROUNDS: u64 = 500;
    let now_ms = START_MS + 1000;
    let begun = Instant::now();
    for round in 0..ROUNDS {
        let host = HostId(1 + round * 7919 % hosts);
        let Some(lease) = core.orders(host).expect("the host exists").leases.first().cloned() else {
            continue;
        };
        let end = protocol::http::EndAttempt {
            epoch: lease.epoch,
            outcome: protocol::Outcome::Migrated,
            cause: protocol::ErrorCause::Host,
            message: String::new(),
        };
        core.apply(
            &Event::End {
                host,
                attempt: lease.attempt,
                end,
            },
            now_ms,
        )
        .expect("the lease lives");
        core.apply(&Event::Take { host }, now_ms).expect("the host exists");
        core.take_commands();
    }
    let next = begun.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64;
    let mut urgents = Vec::new();
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        let urgent = SubmitJob {
            priority: 9,
            ..job("urgent")
        };
        let event = Event::Submit {
            user: "bob".to_owned(),
            job: Box::new(urgent),
            bytes: 1,
        };
        if let Reply::Job(id) = core.apply(&event, now_ms).expect("in order") {
            urgents.push(id);
        }
        core.take_commands();
    }
    let preempt = begun.elapsed().as_secs_f64() * 1e6 / ROUNDS as f64;
    // Each stopped another job, and waits right behind it.
    assert_eq!(urgents.len() as u64, ROUNDS);
    for id in urgents {
        let host = core
            .job(id)
            .expect("it was submitted")
            .host
            .expect("an urgent job finds a device");
        let actions: Vec<_> = core
            .orders(host)
            .expect("it exists")
            .leases
            .iter()
            .map(|lease| (lease.job, lease.action))
            .collect();
        assert!(
            actions.len() == 2 && actions[0].1 == Action::StopAtBoundary && actions[1] == (id, Action::Wait),
            "job {id}: {actions:?}"
        );
    }
    (next, preempt)
}

#[test]
#[ignore = "minutes: cargo nextest run --release -p scheduler decision --run-ignored all --no-capture"]
fn one_decision_costs_nearly_the_same_at_every_size() {
    let mut costs = Vec::new();
    for hosts in [1_000u64, 10_000, 100_000, 300_000] {
        let mut core = populated(hosts, hosts + 100_000, 20, 1000);
        let (next, preempt) = cost_us(&mut core, hosts);
        println!(
            "{hosts} hosts, {} jobs: next job {next:.1} µs, preemption {preempt:.1} µs",
            hosts + 100_000
        );
        costs.push(next + preempt);
    }
    assert!(costs[3] < costs[0] * 10.0, "{costs:?}");
}

#[test]
fn every_urgent_job_preempts_another_in_a_crowd() {
    let mut core = populated(1000, 3000, 20, 50);
    cost_us(&mut core, 1000);
    core.check().unwrap();
}

#[test]
fn a_populated_state_keeps_every_invariant_and_has_everybody_at_work() {
    let core = populated(60, 200, 3, 7);
    core.check().unwrap();
    assert_eq!(core.counts().attempts, 60);
    assert!(core.job(JobId(1)).unwrap().segment == 0 && next_entry(core.job(JobId(1)).unwrap().package, None).segment == 0);
}
