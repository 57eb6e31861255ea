//! Contract: however a run is stopped, killed, copied and resumed, its chain and its outputs come out byte for byte as those of a run
//! that nobody touched.
//!
//! Each schedule is a sequence of real processes; SIGINT once (stop at the next boundary), SIGINT twice (drop the work since the last one)
//! or SIGKILL comes at a random moment; the folder may be copied elsewhere in between, and each process cuts its submits its own way.
//! `BATON_SCHEDULES` sets how many schedules each example gets (20 or fewer without it); the seed of a failing one is in the message.

use std::path::Path;
use std::time::{Duration, Instant};

use contracts::{Dice, STOPPED, baton, copy_folder, results, said, short_package, signal, wait};

const LIMIT: Duration = Duration::from_secs(120);
const SEGMENTS: &str = "5";

fn schedules(usually: u64) -> u64 {
    std::env::var("BATON_SCHEDULES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usually)
}

/// How a process cuts its work: never visible in a result.
fn variation(dice: &mut Dice) -> Vec<String> {
    let mut arguments = Vec::new();
    if dice.below(2) == 0 {
        arguments.extend(["--commands-per-submit".to_owned(), (1 + dice.below(200)).to_string()]);
    }
    if dice.below(3) == 0 {
        arguments.push("--read-back-everywhere".to_owned());
    }
    arguments
}

/// One schedule: returns how many processes it took.
fn interrupted_run(package: &Path, place: &Path, whole: Duration, seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let mut folder = place.join("0");
    for process in 1.. {
        let fresh = !folder.join("run.toml").exists();
        if fresh && folder.exists() {
            std::fs::remove_dir_all(&folder).expect("what is no run directory yet can go");
        }
        let mut command = if fresh {
            let mut command = baton(["run".as_ref(), package.as_os_str(), "--out".as_ref(), folder.as_os_str()]);
            command.args(["--segments", SEGMENTS]);
            command
        } else {
            baton(["resume".as_ref(), folder.as_os_str()])
        };
        let mut child = command
            .args(variation(&mut dice))
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("baton starts");
        std::thread::sleep(dice.wait(whole));
        match dice.below(4) {
            0 => signal(&child, "INT"),
            1 => {
                signal(&child, "INT");
                std::thread::sleep(dice.wait(Duration::from_millis(30)));
                signal(&child, "INT");
            }
            2 => signal(&child, "KILL"),
            _ => {}
        }
        let status = wait(&mut child, LIMIT);
        match status.code() {
            Some(0) => {
                std::fs::rename(&folder, place.join("end")).expect("the folder can be moved");
                return process;
            }
            Some(STOPPED) | None => {}
            _ => panic!(
                "seed {seed}, process {process}: {}",
                said(&child.wait_with_output().expect("ended"))
            ),
        }
        if dice.below(3) == 0 && folder.exists() {
            let copy = place.join(process.to_string());
            copy_folder(&folder, &copy);
            folder = copy;
        }
    }
    unreachable!("a schedule ends when its run does")
}

fn holds_for(example: &str, steps_per_segment: u64, schedules: u64) {
    let place = tempfile::tempdir().expect("a temporary folder");
    let package = place.path().join("package");
    short_package(example, steps_per_segment, &package);
    let untouched = place.path().join("untouched");
    let start = Instant::now();
    let output = baton(["run".as_ref(), package.as_os_str(), "--out".as_ref(), untouched.as_os_str()])
        .args(["--segments", SEGMENTS])
        .output()
        .expect("baton starts");
    assert!(output.status.success(), "{}", said(&output));
    let whole = start.elapsed();
    let expected = results(&untouched);
    assert!(
        expected
            .iter()
            .any(|(name, bytes)| name == "chain.jsonl" && bytes.iter().filter(|&&b| b == b'\n').count() == 6)
    );
    let mut processes = 0;
    for seed in 0..schedules {
        let schedule = place.path().join(format!("schedule-{seed}"));
        processes += interrupted_run(&package, &schedule, whole, seed);
        let ended = results(&schedule.join("end"));
        assert_eq!(expected.len(), ended.len(), "seed {seed}: a file is missing, or one too many");
        for ((name, expected), (found_name, found)) in expected.iter().zip(ended) {
            assert_eq!(*name, found_name, "seed {seed}");
            assert!(*expected == found, "seed {seed}: {name} differs from the uninterrupted run's");
        }
        std::fs::remove_dir_all(&schedule).expect("the schedule can go");
    }
    println!("{example}: {schedules} schedules, {processes} processes, one uninterrupted run takes {whole:.2?}");
    assert!(processes > schedules, "no schedule was ever interrupted");
}

#[test]
fn argon() {
    holds_for("argon", 100, schedules(20));
}

#[test]
fn ising() {
    holds_for("ising", 200, schedules(10));
}

#[test]
fn gray_scott() {
    holds_for("gray-scott", 200, schedules(10));
}

/// Molecules hold a heat bath, constraints and virtual sites; a process takes longer to compile them than to compute them, so fewer schedules do.
#[test]
fn molecules() {
    holds_for("water-with-sites-and-pme", 40, schedules(2));
}
