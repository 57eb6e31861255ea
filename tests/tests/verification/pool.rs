//! Seven hostile hosts of six kinds beside two honest agents and a referee: each is found, what it returned is taken back, honest hosts are not blamed,
//! and every job's result is that of an honest run.
//!
//! The campaign prints what a host that turns bad after 100 right segments achieves, beside the bound, on both stores:
//! `BATON_SEEDS=10 cargo nextest run --release -p contracts --test verification --run-ignored only --no-capture pool`.

use std::time::Instant;

use contracts::sharing::{FAST, PATIENCE, Stage, Worker, poll};
use contracts::short_package;
use protocol::HostId;
use protocol::http::HostView;

use super::hostile::{Bench, Hostile, Kind};
use super::lies::referee_token;
use super::postgres::Cluster;

/// Segments of a job that is not for the host that turns bad.
const SHORT: u64 = 4;
/// A host that turns bad is not found in time once in a million pools.
const CHANCE: f64 = 1e-6;

/// What the host that turns bad achieved.
struct Measured {
    /// Passed checks of its work when it turned bad.
    passed: u64,
    /// Wrong segments before the one that was found.
    before: u64,
}

impl Measured {
    /// The share of its segments that is checked.
    fn share(&self) -> f64 {
        (5.0 / self.passed.max(5) as f64).max(0.02)
    }

    /// Wrong segments before the one that is found: the mean, and what is not exceeded but with [`CHANCE`].
    fn bounds(&self) -> (f64, f64) {
        let share = self.share();
        ((1.0 - share) / share, CHANCE.ln() / (1.0 - share).ln())
    }
}

/// Every hostile host has a job before the honest ones are there; then all go on until each hostile one is found, and all jobs are completed. One turns
/// bad after so many right segments, of a job with so many further ones to be found in.
fn pool(database: Option<String>, (turns_bad_after, further): (u64, u64), seed: u64) -> Measured {
    let checks = [
        "--check-same-network",
        "--check-patience-s=1",
        "--prefetch-s=0",
        "--audit-percent=100",
        "--stall-s=8",
    ];
    let flags: Vec<&str> = FAST.iter().copied().chain(checks).collect();
    let stage = Stage::new(database, &flags);
    let package = short_package("ising", 16, &stage.path("package"));
    referee_token(&stage);
    let referee = stage.worker("house", &["--referee"]);
    let classes = poll(|| Some(stage.host(referee.host())?.devices.first()?.classes.clone())).expect("it registers");
    let kinds = [
        Kind::TurnsBad(turns_bad_after),
        Kind::Flips,
        Kind::Invents,
        Kind::Copies,
        Kind::Conspires,
        Kind::Conspires,
        Kind::Withholds,
    ];
    let (mut hostile, mut jobs) = (Vec::new(), Vec::new());
    for (kind, seed) in kinds.into_iter().zip(seed * 100..) {
        // The first is long enough to be found in; nothing takes its place.
        let (segments, priority) = match kind {
            Kind::TurnsBad(after) => (after + further, "--priority=4"),
            _ => (SHORT, "--priority=3"),
        };
        jobs.push(stage.submit(&stage.path("package"), &[format!("--segments={segments}").as_str(), priority]));
        let mut host = Hostile::enrol(&stage, kind, &classes, seed);
        poll(|| (!host.take(&stage).is_empty()).then_some(())).expect("it is offered the job");
        hostile.push(host);
    }
    let honest = ["one", "two"].map(|name| stage.worker(name, &[]));
    for worker in &honest {
        assert!(worker.host() > 0, "it registers");
    }

    let device = device::select("cpu").expect("the CPU device is always there");
    let mut bench = Bench::open(&package, &*device);
    let end = Instant::now() + PATIENCE;
    while !hostile.iter().all(|host| is_found(&stage, host)) {
        assert!(Instant::now() < end, "not all are found:\n{}", story(&stage, &hostile, &jobs));
        hostile.iter_mut().for_each(|host| host.turn(&stage, &mut bench));
    }
    for job in &jobs {
        stage.completed(*job);
    }
    // All are of one package: what the shorter ones come to is how the longest begins, byte for byte.
    stage.assert_same_as_local(jobs[0], &package);
    let longest = contracts::results(&stage.path(&format!("local-{}", jobs[0])));
    for job in &jobs[1..] {
        let out = stage.path(&format!("fetched-{job}"));
        assert_eq!(stage.fetch(*job, &out)["segment"], SHORT);
        for (name, found) in contracts::results(&out) {
            let same = longest
                .iter()
                .any(|(other, expected)| *other == name && expected.starts_with(&found));
            assert!(same, "job {job}: {name} differs");
        }
    }
    hold(&stage, &hostile, &honest, &referee, &jobs);
    let turned = &hostile[0];
    Measured {
        passed: turned.passed.expect("it turned bad"),
        before: turned.wrong.saturating_sub(1),
    }
}

fn view(stage: &Stage, host: HostId) -> HostView {
    poll(|| stage.host(host.0)).expect("an answer")
}

fn is_found(stage: &Stage, host: &Hostile) -> bool {
    let view = view(stage, host.host);
    match host.kind {
        Kind::Withholds => host.leases > 0 && view.errors > 0,
        _ => view.faults > 0,
    }
}

/// What is to be so at the end.
fn hold(stage: &Stage, hostile: &[Hostile], honest: &[Worker], referee: &Worker, jobs: &[u64]) {
    let story = || story(stage, hostile, jobs);
    for host in hostile.iter().filter(|host| host.kind != Kind::Withholds) {
        let standing = view(stage, host.host).standing;
        let known = ["suspect", "quarantined", "out"].contains(&standing.as_str());
        assert!(known && host.wrong > 0, "{:?} is {standing}:\n{}", host.kind, story());
    }
    for worker in honest {
        let found = stage.host(worker.host()).expect("an answer");
        let stands = ["probation", "proven"].contains(&found.standing.as_str());
        assert!(stands && found.faults == 0, "{found:#?}\n{}", story());
    }
    let house = stage.host(referee.host()).expect("an answer");
    assert_eq!((house.standing.as_str(), house.faults), ("referee", 0));
    let is_hostile = |host: HostId| hostile.iter().any(|other| other.host == host);
    for job in jobs {
        // Nothing rests on the word of hostile hosts alone.
        for span in stage.job(*job).expect("an answer").verification.spans {
            let others = !is_hostile(span.host) || span.confirmed_by.is_some_and(|host| !is_hostile(host));
            assert!(others, "job {job}: {span:?}\n{}", story());
        }
    }
    let whys: Vec<String> = jobs
        .iter()
        .flat_map(|job| stage.why(*job).changes)
        .map(|change| change.reason)
        .collect();
    for said in ["goes back to boundary", "brought none home"] {
        assert!(whys.iter().any(|why| why.contains(said)), "{said}:\n{}", story());
    }
}

fn story(stage: &Stage, hostile: &[Hostile], jobs: &[u64]) -> String {
    let hosts = hostile.iter().map(|host| {
        let view = view(stage, host.host);
        let (kind, right, wrong) = (host.kind, host.right, host.wrong);
        let (standing, reason, errors) = (view.standing, view.reason, view.errors);
        format!("{kind:?}: {right} right, {wrong} wrong, {errors} errors, {standing}: {reason}\n")
    });
    let jobs = jobs.iter().map(|job| {
        let changes = stage.why(*job).changes;
        let reasons = changes
            .iter()
            .map(|change| format!("  {}: {}\n", change.state, change.reason));
        format!("job {job}\n{}", reasons.collect::<String>())
    });
    hosts.chain(jobs).collect::<String>() + &stage.logs()
}

/// On PostgreSQL, where it is installed.
#[test]
fn hosts_that_are_hostile_in_six_ways_are_found_and_jobs_end_as_if_they_had_not_been() {
    let cluster = Cluster::start();
    let database = cluster.as_ref().map(|cluster| cluster.database("pool"));
    let found = pool(database, (12, 30), 1);
    assert!(
        (found.before as f64) < found.bounds().1,
        "{} after {}",
        found.before,
        found.passed
    );
}

#[test]
#[ignore = "a campaign of minutes"]
fn pool_campaign() {
    let seeds = std::env::var("BATON_SEEDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let cluster = Cluster::start();
    println!(
        "| store | seed | passed checks | share checked | wrong before the one found | mean by the formula | seconds |\n|---|---|---|---|---|---|---|"
    );
    let (mut before, mut expected, mut pools) = (0.0, 0.0, 0.0);
    for seed in 1..=seeds {
        for store in ["SQLite", "PostgreSQL"] {
            let database = match (store, &cluster) {
                ("SQLite", _) => None,
                (_, Some(cluster)) => Some(cluster.database(&format!("pool{seed}"))),
                (_, None) => continue,
            };
            let begun = Instant::now();
            let found = pool(database, (100, 90), seed);
            let (mean, most) = found.bounds();
            let seconds = begun.elapsed().as_secs_f64();
            let share = found.share() * 100.0;
            println!(
                "| {store} | {seed} | {} | {share:.0} % | {} | {mean:.1} | {seconds:.0} |",
                found.passed, found.before
            );
            assert!((found.before as f64) < most, "{} of {most}", found.before);
            (before, expected, pools) = (before + found.before as f64, expected + mean, pools + 1.0);
        }
    }
    println!("mean: {:.2}, by the formula {:.2}", before / pools, expected / pools);
}
