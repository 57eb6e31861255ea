//! Contract: what the simulator says holds for real processes.
//!
//! The campaign: ten volunteers as real processes, through two days at three hundred times the pace, and the same hosts in the simulator.
//!
//! Every host has a night of eight hours, in which it is killed without a word; nights are spread over the day. What came of it (turnaround, wasted
//! share, throughput) stands beside what `baton-server simulate --trace` says of the same hours and the measured time of a segment. It takes ten
//! minutes, and a machine on which nothing else runs: the volunteers share its cores, and their speed is taken to be constant.
//!
//! Run: `cargo nextest run --release --workspace --test reality --run-ignored all --no-capture`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use contracts::sharing::{FAST, Stage, Worker};
use contracts::{baton, program, said, short_package};
use protocol::JobState;
use serde_json::Value;

const HOSTS: usize = 10;
/// Seconds simulated for each real one. With it a host is lost after half an hour ([`FAST`]: six seconds).
const PACE: f64 = 300.0;
const DAY_S: f64 = 86_400.0 / PACE;
const NIGHT_S: f64 = DAY_S / 3.0;
const DAYS: u64 = 2;
const SEGMENTS: u64 = 16;
/// Seconds of a segment as the server is told, which plans with it until it knows better.
const SEGMENT_S: u64 = 5;
/// Unfinished jobs at every time, for each host.
const PER_HOST: f64 = 1.2;
/// The simulated figures may differ by so much: turnaround and throughput relatively, the wasted share in points.
const ERROR: f64 = 0.15;
/// The same for the slowest jobs' turnaround, of which there are two or three.
const ERROR_95: f64 = 0.25;
const WASTED_ERROR: f64 = 0.01;

/// A host: when it was up, and its process while it is.
#[derive(Default)]
struct Host {
    worker: Option<Worker>,
    up_since: Option<f64>,
    up: Vec<(f64, f64)>,
}

/// A job as it was last seen: its newest boundary, and since when it has that.
struct Seen {
    segment: u64,
    since: f64,
    host: Option<u64>,
}

/// What came of it; times in simulated hours.
#[derive(Debug)]
struct Outcome {
    turnaround_median_h: f64,
    turnaround_95_h: f64,
    wasted: f64,
    throughput: f64,
    completed: u64,
}

fn is_up(host: usize, at: f64) -> bool {
    let phase = (at + host as f64 / HOSTS as f64 * DAY_S) % DAY_S;
    phase < DAY_S - NIGHT_S
}

fn quantile(sorted: &[f64], level: f64) -> f64 {
    let at = (sorted.len() as f64 * level) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Numbers of the hosts that the server says are online, by their names.
fn online(stage: &Stage) -> BTreeMap<String, u64> {
    let list = stage.get("/v1/hosts").unwrap_or_default();
    let hosts = list["items"].as_array().cloned().unwrap_or_default();
    let online = hosts.iter().filter(|host| host["state"] == "online");
    online
        .filter_map(|host| Some((host["name"].as_str()?.to_owned(), host["host"].as_u64()?)))
        .collect()
}

/// Two days of real processes. The hours in which each host was up, what came of it, and the mean time of a segment in seconds.
fn play(stage: &Stage, steps: u64) -> (Vec<Host>, Outcome, f64) {
    short_package("argon", steps, &stage.path("package"));
    let wanted = (HOSTS as f64 * PER_HOST) as usize;
    let (segments, time) = (format!("--segments={SEGMENTS}"), format!("--segment-time={SEGMENT_S}s"));
    let submit = || stage.submit(&stage.path("package"), &[&segments, &time, "--verify=none"]);
    let mut hosts: Vec<Host> = (0..HOSTS).map(|_| Host::default()).collect();
    let mut open: BTreeMap<u64, Seen> = BTreeMap::new();
    let (mut turnaround, mut lost, mut computed_ms) = (Vec::new(), 0.0, 0);
    let begin = Instant::now();
    loop {
        let now = begin.elapsed().as_secs_f64();
        if now >= DAY_S * DAYS as f64 {
            break;
        }
        let there = online(stage);
        for (index, host) in hosts.iter_mut().enumerate() {
            let name = format!("h{index}");
            match (is_up(index, now), host.worker.is_some()) {
                (true, false) => host.worker = Some(stage.worker(&name, &[])),
                (false, true) => {
                    let number = there.get(&name).copied();
                    if let Some(worker) = host.worker.take() {
                        worker.kill();
                    }
                    if let Some(since) = host.up_since.take() {
                        host.up.push((since, now));
                        let broken_off = open.values().find(|seen| seen.host == number && number.is_some());
                        lost += broken_off.map_or(0.0, |seen| now - seen.since.max(since));
                    }
                }
                (true, true) if host.up_since.is_none() && there.contains_key(&name) => host.up_since = Some(now),
                _ => {}
            }
        }
        for (number, seen) in &mut open {
            let Some(job) = stage.job(*number) else { continue };
            let host = job.host.map(|host| host.0).filter(|_| job.state == JobState::Running);
            if (job.segment, host) != (seen.segment, seen.host) {
                *seen = Seen {
                    segment: job.segment,
                    since: begin.elapsed().as_secs_f64(),
                    host,
                };
            }
            if job.state == JobState::Completed {
                let from_ms = job.stays.first().map_or(job.since_ms, |stay| stay.from_ms);
                turnaround.push((job.since_ms - from_ms) as f64 / 1000.0 * PACE / 3600.0);
                computed_ms += job.computed_ms;
                seen.segment = u64::MAX;
            }
        }
        open.retain(|_, seen| seen.segment != u64::MAX);
        while open.len() < wanted {
            let seen = Seen {
                segment: 0,
                since: begin.elapsed().as_secs_f64(),
                host: None,
            };
            open.insert(submit(), seen);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let end = begin.elapsed().as_secs_f64();
    for host in &mut hosts {
        if let Some(since) = host.up_since.take() {
            host.up.push((since, end));
        }
        drop(host.worker.take());
    }
    history(stage, open.keys().max().copied().unwrap_or(0));
    turnaround.sort_by(f64::total_cmp);
    let completed = turnaround.len() as u64;
    assert!(completed > 20, "{completed} jobs ended: too few to compare\n{}", stage.logs());
    let segment_s = computed_ms as f64 / 1000.0 / (completed * SEGMENTS) as f64;
    let useful = computed_ms as f64 / 1000.0;
    let capacity: f64 = hosts.iter().flat_map(|host| &host.up).map(|(from, to)| to - from).sum();
    let outcome = Outcome {
        turnaround_median_h: quantile(&turnaround, 0.5),
        turnaround_95_h: quantile(&turnaround, 0.95),
        wasted: lost / (lost + useful),
        throughput: useful / capacity,
        completed,
    };
    (hosts, outcome, segment_s)
}

/// Prints where each job was, in simulated hours: what a difference can be put down to.
fn history(stage: &Stage, jobs: u64) {
    let jobs: Vec<_> = (1..=jobs).filter_map(|job| stage.job(job)).collect();
    let begin_ms = jobs
        .iter()
        .filter_map(|job| Some(job.stays.first()?.from_ms))
        .min()
        .unwrap_or(0);
    let hours = |at_ms: u64| at_ms.saturating_sub(begin_ms) as f64 / 1000.0 * PACE / 3600.0;
    for job in jobs {
        print!("job {} ({:?}):", job.job, job.state);
        for stay in &job.stays {
            let (from, to) = (hours(stay.from_ms), stay.to_ms.map_or(f64::NAN, hours));
            print!(
                " {from:.1} to {to:.1} h on host {}, boundaries {} to {}, {:?};",
                stay.host, stay.from_segment, stay.to_segment, stay.outcome
            );
        }
        println!();
    }
}

/// The same hosts and jobs in the simulator.
fn simulate(stage: &Stage, hosts: &[Host], segment_s: f64) -> Outcome {
    let mut trace = "host,from,to,speed,class\n".to_owned();
    for (index, host) in hosts.iter().enumerate() {
        for (from, to) in &host.up {
            let hours = |at: f64| at * PACE / 3600.0;
            writeln!(trace, "h{index},{:.4},{:.4},1,0", hours(*from), hours(*to)).expect("text");
        }
    }
    // The links of loopback take no time.
    let parameters = format!(
        "days = {DAYS}\n[population]\ndownlink_mbit = 1e6\nuplink_mbit = 1e6\nlink_sigma = 0.0\n\
         [jobs]\nsegments = {SEGMENTS}\nsegment_s = {:.1}\npackage_mb = 0.1\ncheckpoint_mb = 0.1\nresult_mb = 0.1\nper_host = {PER_HOST:.1}\nurgent_every_min = 0.0\n\
         [policies]\ncommit_min = 0.0\nunreachable_min = {:.1}\nlost_min = {:.1}\n",
        segment_s * PACE,
        2.0 * PACE / 60.0,
        6.0 * PACE / 60.0,
    );
    fs::write(stage.path("trace.csv"), &trace).expect("a file");
    fs::write(stage.path("parameters.toml"), &parameters).expect("a file");
    let output = Command::new(program("baton-server"))
        .args(["simulate", "--policy", "moving", "--parameters"])
        .arg(stage.path("parameters.toml"))
        .arg("--trace")
        .arg(stage.path("trace.csv"))
        .arg("--json")
        .arg(stage.path("simulated.json"))
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}\n{parameters}{trace}", said(&output));
    let all: Value = serde_json::from_slice(&fs::read(stage.path("simulated.json")).expect("a file")).expect("JSON");
    let found = &all["comparison"]["policies"][0];
    let number = |key: &str| found[key].as_f64().unwrap_or(f64::NAN);
    Outcome {
        turnaround_median_h: number("turnaround_median_h"),
        turnaround_95_h: number("turnaround_95_h"),
        wasted: number("wasted"),
        throughput: number("throughput"),
        completed: found["completed"].as_u64().unwrap_or(0),
    }
}

#[test]
#[ignore = "a campaign of ten minutes on a machine without other work"]
fn ten_real_volunteers_fare_as_the_simulator_says() {
    // At this pace a job of hours is none of minutes: it is not fetched hours ahead, nor given away together with others.
    let flags = [FAST, &["--prefetch-s=1", "--small-s=0"]].concat();
    let stage = Stage::new(None, &flags);
    let steps = std::env::var("BATON_REALITY_STEPS").ok().and_then(|steps| steps.parse().ok());
    let (hosts, real, segment_s) = play(&stage, steps.unwrap_or(6000));
    let simulated = simulate(&stage, &hosts, segment_s);
    println!(
        "a segment takes {segment_s:.2} s, {:.1} minutes at this pace\n",
        segment_s * PACE / 60.0
    );
    println!("| | real processes | simulated |\n|---|---|---|");
    let rows = [
        ("jobs completed", real.completed as f64, simulated.completed as f64),
        (
            "turnaround, hours: median",
            real.turnaround_median_h,
            simulated.turnaround_median_h,
        ),
        ("turnaround, hours: 95 %", real.turnaround_95_h, simulated.turnaround_95_h),
        ("wasted, % of work", 100.0 * real.wasted, 100.0 * simulated.wasted),
        (
            "throughput, % of the time up",
            100.0 * real.throughput,
            100.0 * simulated.throughput,
        ),
    ];
    for (what, real, simulated) in rows {
        println!("| {what} | {real:.2} | {simulated:.2} |");
    }
    let differs = |real: f64, simulated: f64| (real / simulated - 1.0).abs();
    assert!(differs(real.turnaround_median_h, simulated.turnaround_median_h) < ERROR);
    assert!(differs(real.turnaround_95_h, simulated.turnaround_95_h) < ERROR_95);
    assert!(differs(real.throughput, simulated.throughput) < ERROR);
    assert!((real.wasted - simulated.wasted).abs() < WASTED_ERROR);
}

#[test]
fn what_a_run_leaves_is_what_jobs_of_a_simulation_cost() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let (package, run) = (place.path().join("package"), place.path().join("run"));
    short_package("ising", 16, &package);
    let mut command = baton(["run"]);
    let output = command
        .arg(&package)
        .args(["--device=cpu", "--segments=5", "--out"])
        .arg(&run)
        .output();
    let output = output.expect("baton starts");
    assert!(output.status.success(), "{}", said(&output));
    // A host for half a minute: its jobs are short.
    let (trace, simulated) = (place.path().join("trace.csv"), place.path().join("simulated.json"));
    fs::write(&trace, "host,from,to,speed,class\na,0,0.01,1,0\n").expect("a file");
    let output = Command::new(program("baton-server"))
        .args(["simulate", "--days=1", "--policy=moving", "--parameters"])
        .arg(run.join("jobs.toml"))
        .arg("--trace")
        .arg(&trace)
        .arg("--json")
        .arg(&simulated)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", said(&output));
    let all: Value = serde_json::from_slice(&fs::read(&simulated).expect("a file")).expect("JSON");
    let jobs = &all["comparison"]["parameters"]["jobs"];
    let newest = fs::read_dir(run.join("checkpoints"))
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path())
        .max();
    let bytes = fs::metadata(newest.expect("a checkpoint")).expect("a file").len();
    assert_eq!(jobs["segments"], 5);
    assert_eq!(jobs["checkpoint_mb"], bytes as f64 / 1e6);
    let segment_s = jobs["segment_s"].as_f64().expect("a number");
    assert!(segment_s > 0.001 && segment_s < 60.0, "{jobs}");
    assert!(
        jobs["package_mb"].as_f64() > Some(0.001) && jobs["result_mb"].as_f64() > Some(0.0),
        "{jobs}"
    );
}
