//! Contract: whatever goes wrong, no job is lost, no chain changes, and no epoch is leased twice. A server and volunteers, all of them real
//! processes, play schedules drawn from a seed: they are killed at random moments, their disks fill up, their clocks jump by an hour, and
//! the requests between them come late, twice, or not at all.
//!
//! Run: `cargo nextest run --release --workspace --test faults --no-capture`. `BATON_FAULT_SCHEDULES=50` plays fifty, from
//! `BATON_FAULT_SEED` on (1): a failing one is named by its seed.

#![allow(unreachable_pub, reason = "modules of one test binary")]

mod meddler;
mod yard;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use contracts::{Dice, results, short_package};
use kernels::package::Package;
use kernels::run::{Control, RunConfig, RunDir, RunOptions};
use meddler::Meddler;
use protocol::http::lease::ChainLine;
use protocol::http::{JobView, Listed};
use protocol::{Digest, HardwareClass, JobState, Tier};
use yard::Yard;

/// A segment of some hundredths of a second.
const STEPS: u64 = 16;
const SEGMENTS_MAX: u64 = 60;
/// Digests do not cover the class.
const ANY_CLASS: HardwareClass = HardwareClass {
    tier: Tier::Portable,
    key: Digest([0; 32]),
};
const NAMES: [&str; 3] = ["ada", "bea", "cid"];
const PATIENCE: Duration = Duration::from_secs(180);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A run of this process, which nothing disturbs.
fn undisturbed(package: &Package, segments: u64, dir: &Path, class: HardwareClass) -> Vec<Digest> {
    let config = RunConfig::new(segments);
    let dir = RunDir::create(dir, package, config).expect("a run directory");
    let device = device::select("cpu").expect("the CPU device is always there");
    kernels::run::run(&dir, &*device, class, &RunOptions::default(), &mut |_| Control::Continue).expect("it runs");
    let chain = dir.chain().expect("a chain");
    chain.into_iter().map(|line| line.entry.digest).collect()
}

/// What was done to a schedule, and what it cost.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }

    fn words(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(what, count)| format!("{count} {what}")).collect();
        words.join(", ")
    }
}

/// Plays one schedule to its end.
fn play(seed: u64, chain: &[Digest]) -> Tally {
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    let mut yard = Yard::new(&NAMES, true);
    let way = Meddler::to(&yard.stage.address, seed);
    let url = way.url();
    let folder = yard.stage.path("package");
    let package = short_package("ising", STEPS, &folder);
    let mut jobs: Vec<(u64, u64)> = Vec::new();
    for _ in 0..3 {
        let segments = 20 + dice.below(SEGMENTS_MAX - 20);
        let job = yard.stage.submit(&folder, &[&format!("--segments={segments}")]);
        jobs.push((job, segments));
    }
    for name in NAMES {
        yard.start_worker(name, &url);
    }
    for _ in 0..6 + dice.below(6) {
        std::thread::sleep(dice.wait(Duration::from_millis(1200)));
        let name = NAMES[dice.below(3) as usize];
        let pause = dice.wait(Duration::from_millis(1500));
        match dice.below(12) {
            roll @ 0..4 => {
                yard.stage.end_server(if roll < 3 { "KILL" } else { "TERM" });
                std::thread::sleep(pause);
                yard.stage.start_server();
                tally.add(
                    if roll < 3 {
                        "kills of the server"
                    } else {
                        "stops of the server"
                    },
                    1,
                );
            }
            4..6 => {
                yard.end_worker(name, "KILL");
                std::thread::sleep(pause);
                yard.start_worker(name, &url);
                tally.add("kills of a worker", 1);
            }
            6 => {
                yard.end_worker(name, "INT");
                yard.start_worker(name, &url);
                tally.add("departures", 1);
            }
            7 => {
                let segments = 2 + dice.below(6);
                if let Ok(job) = yard
                    .stage
                    .try_submit(&folder, &[&format!("--segments={segments}"), "--priority=9", "--now"])
                {
                    jobs.push((job, segments));
                }
                tally.add("urgent jobs", 1);
            }
            8..10 => {
                let seconds = [3600, -3600, 0][dice.below(3) as usize];
                let whose = if dice.below(2) == 0 { "server" } else { name };
                tally.add("jumps of a clock", u64::from(yard.stage.set_clock(whose, seconds)));
            }
            roll => {
                let whose = if roll == 10 { "server" } else { name };
                let filled = yard.fill(whose, true);
                std::thread::sleep(pause);
                yard.fill(whose, false);
                tally.add("full disks", u64::from(filled));
            }
        }
        yard.muster(&url);
    }
    settle(&mut yard, &url, seed, &jobs);
    judge(&yard, &way, seed, &jobs, chain);
    let (job, segments) = jobs[dice.below(jobs.len() as u64) as usize];
    judge_outputs(&yard, seed, (job, segments), &package);
    tally.add("jobs", jobs.len() as u64);
    tally.add("leases", way.notes.leases() as u64);
    for (what, count) in [
        ("requests", &way.notes.requests),
        ("repeated", &way.notes.repeated),
        ("delayed", &way.notes.delayed),
        ("lost", &way.notes.lost),
    ] {
        tally.add(what, count.load(Ordering::Relaxed));
    }
    tally.add("workers that gave up by themselves", u64::from(yard.deserted));
    tally
}

/// Waits until every job has ended.
fn settle(yard: &mut Yard, url: &str, seed: u64, jobs: &[(u64, u64)]) {
    let begun = Instant::now();
    loop {
        yard.muster(url);
        let views: Vec<Option<JobView>> = jobs.iter().map(|(id, _)| yard.stage.job(*id)).collect();
        if views
            .iter()
            .all(|view| view.as_ref().is_some_and(|view| view.state.is_final()))
        {
            return;
        }
        if begun.elapsed() > PATIENCE {
            let states = views
                .iter()
                .flatten()
                .map(|view| format!("job {} is {}: {}\n", view.job, view.state, view.reason));
            panic!(
                "seed {seed}: not all jobs ended:\n{}{}",
                states.collect::<String>(),
                yard.logs()
            );
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// No job lost, no chain changed, no two leases of one epoch.
fn judge(yard: &Yard, way: &Meddler, seed: u64, jobs: &[(u64, u64)], chain: &[Digest]) {
    for (id, segments) in jobs {
        let view = yard.stage.job(*id).unwrap_or_else(|| panic!("seed {seed}: job {id} is gone"));
        let told = || format!("seed {seed}: job {id}: {view:#?}\n{}", yard.logs());
        assert!(view.state == JobState::Completed && view.segment == *segments, "{}", told());
        let lines = yard.stage.get(&format!("/v1/jobs/{id}/chain")).expect("the server is there");
        let lines: Listed<ChainLine> = serde_json::from_value(lines).expect("a chain");
        let digests: Vec<Digest> = lines.items.iter().map(|line| line.entry.digest).collect();
        assert!(digests == chain[..=*segments as usize], "a chain changed: {}", told());
        // Every epoch was one stay, and each stay ended before the next began.
        assert_eq!(view.epoch, view.stays.len() as u64, "{}", told());
        let apart = view
            .stays
            .windows(2)
            .all(|pair| pair[0].to_ms.is_some_and(|end| end <= pair[1].from_ms));
        assert!(
            apart && view.stays.windows(2).all(|pair| pair[0].to_segment == pair[1].from_segment),
            "{}",
            told()
        );
    }
    let doubles = way.notes.doubles.lock().expect("nobody panicked");
    assert!(doubles.is_empty(), "seed {seed}: {doubles:?}\n{}", yard.logs());
}

/// What a job put out is byte for byte what a local run does.
fn judge_outputs(yard: &Yard, seed: u64, (job, segments): (u64, u64), package: &Package) {
    let (fetched, local) = (yard.stage.path("fetched"), yard.stage.path("local"));
    yard.stage.fetch(job, &fetched);
    let fetched_chain = RunDir::view(&fetched).expect("a run directory").chain().expect("a chain");
    undisturbed(package, segments, &local, fetched_chain[0].class);
    assert!(
        results(&fetched) == results(&local),
        "seed {seed}: job {job} is not byte for byte a local run"
    );
}

/// SQLite keeps a transaction open whose commit found the disk full; going on with that connection shows rows that are not there.
#[test]
fn a_server_whose_disk_was_full_goes_on_as_if_nothing_had_been() {
    let mut yard = Yard::new(&[], true);
    if !yard.fill("server", true) {
        return;
    }
    yard.fill("server", false);
    let folder = yard.stage.path("package");
    let package = short_package("ising", STEPS, &folder);
    let job_number = yard.stage.submit(&folder, &["--segments=30"]);
    let url = yard.stage.url();
    yard.start_worker("ada", &url);
    for round in 0..2 {
        let begun = Instant::now();
        while yard.stage.job(job_number).is_none_or(|job| job.segment < 4 * (round + 1)) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        yard.fill("server", true);
        std::thread::sleep(Duration::from_millis(700));
        assert!(
            yard.stage
                .try_submit(&folder, &["--segments=1", "--tag=turned-away"])
                .is_err(),
            "nothing can be kept now"
        );
        yard.fill("server", false);
    }
    let chain = undisturbed(&package, 30, &yard.stage.path("local"), ANY_CLASS);
    settle(&mut yard, &url, 0, &[(job_number, 30)]);
    let lines = yard
        .stage
        .get(&format!("/v1/jobs/{job_number}/chain"))
        .expect("the server is there");
    let lines: Listed<ChainLine> = serde_json::from_value(lines).expect("a chain");
    let digests: Vec<Digest> = lines.items.iter().map(|line| line.entry.digest).collect();
    assert!(digests == chain, "a chain changed\n{}", yard.logs());
    assert!(!yard.logs().contains("database is locked"), "{}", yard.logs());
}

/// Blobs that nobody refers to fill the disk; they would stay for a day.
#[test]
fn a_disk_full_of_what_nobody_asks_for_makes_room_for_a_job() {
    let mut yard = Yard::new(&["ada"], true);
    if !yard.fill("server", true) {
        return;
    }
    yard.fill("server", false);
    let folder = yard.stage.path("package");
    short_package("ising", STEPS, &folder);
    let job_number = yard.stage.submit(&folder, &["--segments=10"]);
    let orphans = (0u8..).take_while(|byte| yard.upload(&vec![*byte; 8 << 20])).count();
    assert!((5..12).contains(&orphans), "{orphans} blobs of 8 MiB on 96");
    // The first sweep finds them too young. The next one is asked for by a store that has no room either, when they are an hour old.
    std::thread::sleep(Duration::from_secs(1));
    if !yard.stage.set_clock("server", 3600) {
        return;
    }
    let url = yard.stage.url();
    yard.start_worker("ada", &url);
    settle(&mut yard, &url, 0, &[(job_number, 10)]);
    assert!(yard.upload(&vec![255; 8 << 20]), "the disk is full still\n{}", yard.logs());
}

/// A sweep may take what was uploaded before it is spoken of.
#[test]
fn blobs_that_vanish_before_their_commit_are_brought_again() {
    let mut yard = Yard::new(&["ada"], false);
    let way = Meddler::thievish(&yard.stage.address, 7, yard.stage.path("server").join("blobs"));
    let folder = yard.stage.path("package");
    let package = short_package("ising", STEPS, &folder);
    let job_number = yard.stage.submit(&folder, &["--segments=10"]);
    yard.start_worker("ada", &way.url());
    settle(&mut yard, &way.url(), 7, &[(job_number, 10)]);
    let chain = undisturbed(&package, 10, &yard.stage.path("chain"), ANY_CLASS);
    judge(&yard, &way, 7, &[(job_number, 10)], &chain);
    judge_outputs(&yard, 7, (job_number, 10), &package);
    assert!(way.notes.vanished.load(Ordering::Relaxed) > 0, "nothing vanished");
}

#[test]
fn whatever_goes_wrong_no_job_is_lost_no_chain_changes_and_no_epoch_is_leased_twice() {
    let place = tempfile::tempdir().expect("a folder");
    let package = short_package("ising", STEPS, &place.path().join("package"));
    let chain = undisturbed(&package, SEGMENTS_MAX, &place.path().join("run"), ANY_CLASS);
    let schedules = number("BATON_FAULT_SCHEDULES", 2);
    let mut seeds = number("BATON_FAULT_SEED", 1)..;
    let mut all = Tally::default();
    let begun = Instant::now();
    for seed in seeds.by_ref().take(schedules as usize) {
        let begun = Instant::now();
        let tally = play(seed, &chain);
        println!("seed {seed}: {:.1} s: {}", begun.elapsed().as_secs_f64(), tally.words());
        tally.0.into_iter().for_each(|(what, count)| all.add(what, count));
    }
    println!(
        "{schedules} schedules in {:.0} s: {}",
        begun.elapsed().as_secs_f64(),
        all.words()
    );
}
