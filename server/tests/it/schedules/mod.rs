//! Random schedules of faults over three servers of one database and one object store: whatever happens to the one that leads, to its way to the
//! database, to the database, or to the store, nothing that a client was told is taken back, no job is lost or made twice, and a job's chain is that of a run that was never touched.
//!
//! The test takes one schedule. The campaign takes as many as `BATON_SCHEDULES` says, from seed `BATON_SEED` on, `BATON_AT_ONCE` of them side by side, each on a database
//! cluster of its own, and prints how long it took until a write was answered after each kind of fault.
//! Where that took longer than it should, it says what the client met, and keeps the servers' logs:
//! `cargo nextest run --release --workspace --test it --run-ignored only -E 'test(campaign)' --no-capture`.
//!
//! | module | owns |
//! |---|---|
//! | `client` | people and a worker that ask every server until one answers |
//! | `world` | servers, database and store of one schedule, and what is done to them |

mod client;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use self::client::{Client, PATIENCE};
use self::world::{ALL, Fault, World};
use crate::common::{a_job, compute, postgres::Cluster, token};
use protocol::http::lease::ChainLine;
use protocol::http::{JobView, Listed, Registered, SubmitJob, Submitted};
use protocol::{ChainEntry, JobId, JobState};
use reqwest::Method;
use scheduler::testing::registration;

const SEGMENTS: u64 = 8;
const FAULTS: u64 = 4;

/// What each kind of fault kept from being answered, and for how long.
type Times = BTreeMap<Fault, Vec<Duration>>;

/// Waits until a job is completed, as long as there is progress, and holds its chain against that of a run that was never touched.
async fn completed(scientist: &Client, template: &SubmitJob, job: JobId, seed: u64) {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        // Said again to the one that leads, so that the next question goes to it: a standby may lack a part.
        let _led: Submitted = scientist
            .ask(Method::POST, "/v1/jobs", Some("first"), template)
            .await
            .unwrap();
        let view: JobView = scientist
            .ask(Method::GET, &format!("/v1/jobs/{job}"), None, &())
            .await
            .unwrap();
        if view.state == JobState::Completed {
            assert_eq!(view.epoch, 1, "seed {seed}");
            break;
        }
        if view.segment > last {
            (last, since) = (view.segment, Instant::now());
        }
        let (state, reason) = (view.state, view.reason);
        assert!(since.elapsed() < PATIENCE, "seed {seed}: job {job} is {state} ({reason})");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let chain: Listed<ChainLine> = scientist
        .ask(Method::GET, &format!("/v1/jobs/{job}/chain"), None, &())
        .await
        .unwrap();
    let entries: Vec<ChainEntry> = chain.items.into_iter().map(|line| line.entry).collect();
    assert_eq!(entries, compute(template.package, None, SEGMENTS), "seed {seed}");
}

/// One schedule.
async fn schedule(cluster: Arc<Cluster>, seed: u64) -> Times {
    let mut world = World::new(cluster, seed).await;
    let folder = world.folder(0);
    let scientist = world.client(token(&folder, "scientist"));
    let host = world.client(token(&folder, "host"));
    let registered: Registered = host
        .ask(Method::POST, "/v1/hosts", None, &registration("desk", 1))
        .await
        .unwrap();
    let worker = registered.token.expect("a first registration gives a token");
    let template = a_job(&scientist.person, SEGMENTS).await;
    let first: Submitted = scientist
        .ask(Method::POST, "/v1/jobs", Some("first"), &template)
        .await
        .unwrap();
    let mut answered = vec![first.job];
    let (told, enough) = tokio::sync::watch::channel(false);
    // Ends with this schedule, also where that fails.
    let mut working = tokio::task::JoinSet::new();
    working.spawn(client::work(world.client(worker), registered.host, enough));
    for number in 0..FAULTS {
        let fault = ALL[world.below(ALL.len() as u64) as usize];
        let quiet = world.below(600);
        tokio::time::sleep(Duration::from_millis(quiet)).await;
        answered.push(world.strike(&scientist, fault, &template, &format!("key {number}")).await);
    }
    // Said again, each is the same job.
    for number in 0..FAULTS {
        let again: Submitted = scientist
            .ask(Method::POST, "/v1/jobs", Some(&format!("key {number}")), &template)
            .await
            .unwrap();
        assert_eq!(again.job, answered[number as usize + 1], "seed {seed}");
    }
    let expected: Vec<JobId> = (1..=FAULTS + 1).map(JobId).collect();
    assert_eq!(answered, expected, "seed {seed}: none lost, none made twice");
    for job in expected {
        completed(&scientist, &template, job, seed).await;
    }
    told.send_replace(true);
    while let Some(worked) = working.join_next().await {
        for (job, segments) in worked.unwrap() {
            assert!(segments.is_sorted(), "seed {seed}: job {job} went back: {segments:?}");
        }
    }
    world.took
}

/// What came of many schedules.
#[derive(Default)]
struct Campaign {
    took: Times,
    ended: Vec<u64>,
    failed: Vec<u64>,
    longest: Duration,
}

/// Takes one seed after the other on a cluster of its own.
async fn lane(seeds: Arc<Mutex<std::ops::Range<u64>>>, all: Arc<Mutex<Campaign>>) {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let Some(cluster) = cluster.map(Arc::new) else { return };
    loop {
        let next = seeds.lock().unwrap().next();
        let Some(seed) = next else {
            // The database's end is waited for: where two lanes did so on the two threads here, everybody else's clients, proxies and stores stood still.
            return tokio::task::spawn_blocking(move || drop(cluster)).await.unwrap();
        };
        let begun = Instant::now();
        // One that fails ends no other.
        let ended = tokio::spawn(schedule(Arc::clone(&cluster), seed)).await;
        let mut all = all.lock().unwrap();
        match ended {
            Ok(times) => {
                println!("seed {seed}: {:.0} s, {times:.1?}", begun.elapsed().as_secs_f64());
                all.ended.push(seed);
                all.longest = all.longest.max(begun.elapsed());
                for (fault, times) in times {
                    all.took.entry(fault).or_default().extend(times);
                }
            }
            Err(error) => {
                println!("seed {seed}: FAILED, {error}");
                all.failed.push(seed);
            }
        }
    }
}

async fn schedules(seeds: std::ops::Range<u64>, at_once: usize) {
    let begun = Instant::now();
    let (all, seeds) = (Arc::new(Mutex::new(Campaign::default())), Arc::new(Mutex::new(seeds)));
    let lanes: Vec<_> = (0..at_once)
        .map(|_| tokio::spawn(lane(Arc::clone(&seeds), Arc::clone(&all))))
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
    let all = std::mem::take(&mut *all.lock().unwrap());
    println!(
        "{} schedules ended, the longest after {:.0} s, all after {:.0} s; failed: {:?}",
        all.ended.len(),
        all.longest.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        all.failed
    );
    println!("\n| what was done | times | median, s | worst, s |\n|---|---|---|---|");
    for (fault, mut times) in all.took {
        times.sort();
        let of = |index: usize| times[index].as_secs_f64();
        println!(
            "| {fault:?} | {} | {:.1} | {:.1} |",
            times.len(),
            of(times.len() / 2),
            of(times.len() - 1)
        );
    }
    assert!(all.failed.is_empty(), "seeds {:?} failed", all.failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_taken_back_whatever_happens_to_the_server_that_leads() {
    schedules(0..1, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a campaign: BATON_SCHEDULES=200 BATON_AT_ONCE=6 cargo nextest run --release --workspace --test it --run-ignored only -E 'test(campaign)' --no-capture"]
async fn campaign_of_schedules() {
    let number = |name: &str, otherwise| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let first = number("BATON_SEED", 1);
    let at_once = number("BATON_AT_ONCE", 1) as usize;
    schedules(first..first + number("BATON_SCHEDULES", 50), at_once).await;
}
