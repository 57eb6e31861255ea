//! The volunteer's limits of memory and disk.

use std::fs;
use std::path::Path;
use std::time::Duration;

use contracts::sharing::{FAST, Stage, Worker, poll};
use contracts::short_package;
use protocol::{JobState, Outcome};

use crate::{LARGE, NOTHING_HOME, STEPS, stirred_package};

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(there) if there.is_dir() => bytes_below(&entry.path()),
        Ok(there) => there.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

#[test]
fn a_job_that_needs_more_memory_than_is_lent_is_given_back_and_computed_elsewhere() {
    let stage = Stage::new(None, FAST);
    let package = short_package("ising", STEPS, &stage.path("package"));
    let small = stage.worker("small", &["--ram-max-used-gb=0.1"]);
    let job = stage.submit(&stage.path("package"), &["--segments=5"]);
    small.says("ram_max_used_gb leaves 0.10 GB for it here");
    assert!(!small.has_boundaries(), "nothing of it was begun");
    let given_back = stage.until(job, "given back", |job| {
        !job.stays.is_empty() && job.stays[0].outcome.is_some()
    });
    assert_eq!(given_back.stays[0].outcome, Some(Outcome::Aborted));
    let _large = stage.worker("large", &["--ram-max-used-gb=4"]);
    let done = stage.completed(job);
    assert_eq!(done.state, JobState::Completed);
    stage.assert_same_as_local(job, &package);
}

#[test]
fn a_state_folder_that_is_full_stays_within_its_limit_and_goes_on_when_the_limit_rises() {
    let stage = Stage::new(None, NOTHING_HOME);
    // 40 kB a state, 160 kB of outputs a segment.
    let package = stirred_package(&stage.path("package"), 10_000, 4, true);
    let worker = stage.worker("one", &[]);
    worker.configure("[worker]\ndisk_max_used_gb = 0.002\n");
    let job = stage.submit(&stage.path("package"), &["--segments=30"]);
    worker.says("paused: the state folder has");
    let segment = || worker.status()["devices"][0]["jobs"][0]["segment"].as_u64();
    // What is deleted makes room for a while; outputs, which nothing may delete, fill it in the end.
    let full = poll(|| {
        let before = segment();
        std::thread::sleep(Duration::from_millis(2500));
        before.filter(|_| segment() == before)
    });
    assert!(full.is_some_and(|full| full < 30), "{full:?}");
    let there = bytes_below(&stage.path("one"));
    println!("{there} bytes at segment {full:?}");
    // One goes beyond the limit, one is computed while it is written, and on a busy machine two more before the agent has heard of it.
    let boundary = package.state_bytes() + 160_000;
    assert!(
        there <= 2_000_000 + 4 * boundary,
        "{there} bytes with boundaries of {boundary}"
    );
    worker.configure("[worker]\ndisk_max_used_gb = 1\n");
    poll(|| worker.said().contains("goes on").then_some(())).expect("there is room again");
    stage.completed(job);
    stage.assert_same_as_local(job, &package);
}

/// Megabytes that a process took at most so far.
fn peak_mb(worker: &Worker) -> f64 {
    let pid = worker.status()["pid"].as_u64().expect("a process");
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kilobytes.expect("Linux says it") * 1.024e-3
}

#[test]
fn a_large_state_takes_no_more_memory_than_the_guide_says() {
    if !cfg!(target_os = "linux") {
        println!("SKIP: peak memory: /proc is Linux's");
        return;
    }
    let stage = Stage::new(None, FAST);
    let folder = stage.path("package");
    let package = stirred_package(&folder, LARGE, 1, false);
    let state_mb = package.state_bytes() as f64 / 1e6;
    let worker = stage.worker("one", &[]);
    poll(|| worker.status()["pid"].as_u64()).expect("a status");
    let before = peak_mb(&worker);
    let job = stage.submit(&folder, &["--segments=4"]);
    stage.completed(job);
    // Compiled code, threads and the like take some memory, too.
    let copies = (peak_mb(&worker) - before - 30.0) / state_mb;
    println!("{copies:.2} times the state of {state_mb} MB");
    // The guide: 4 copies and the device's own buffer.
    assert!((2.0..=5.0).contains(&copies), "{copies:.2} times the state of {state_mb} MB");
}
