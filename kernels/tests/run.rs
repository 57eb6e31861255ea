//! Contract of the segment loop, within one process: stopping anywhere, waiting anywhere and cutting submits anyhow leave the same bytes.
//! Real processes and kills are in the workspace's `tests/`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use device::{Device, SessionOptions};
use kernels::package::{Manifest, Package};
use kernels::run::verify::Finding;
use kernels::run::{Control, Outcome, Progress, RunConfig, RunDir, RunError, RunOptions, run};
use protocol::{ChainEntry, Digest, HardwareClass, Tier};

const SEGMENTS: u64 = 4;

fn device() -> Option<Arc<dyn Device>> {
    let device = device::select("auto").ok();
    if device.is_none() {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "BATON_REQUIRE_GPU is set, and there is no device"
        );
        println!("SKIP: no device on this machine");
    }
    device
}

fn class(name: &str) -> HardwareClass {
    HardwareClass {
        tier: Tier::ClassBound,
        key: Digest::of(name.as_bytes()),
    }
}

fn package() -> Package {
    let package = kernels::examples::load("ising").expect("a shipped example");
    let manifest = package.manifest().clone().with_steps_per_segment(10);
    package.with_manifest(manifest).expect("still a good package")
}

fn config() -> RunConfig {
    RunConfig::new(SEGMENTS)
}

fn results(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(path)
        .expect("read")
        .map(|entry| entry.expect("an entry").path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("lock"));
    files
        .map(|path| {
            (
                path.file_name().expect("a name").to_string_lossy().into_owned(),
                std::fs::read(&path).expect("read"),
            )
        })
        .collect()
}

fn whole(place: &Path, device: &dyn Device, options: &RunOptions) -> BTreeMap<String, Vec<u8>> {
    let dir = RunDir::create(place, &package(), config()).expect("created");
    let outcome = run(&dir, device, class("a"), options, &mut |_| Control::Continue).expect("runs");
    assert!(matches!(outcome, Outcome::Finished(entry) if entry.segment == SEGMENTS && entry.step == 40));
    results(place)
}

#[test]
fn stopping_waiting_and_cutting_leave_the_same_bytes() {
    let Some(device) = device() else { return };
    let place = tempfile::tempdir().expect("a folder");
    let expected = whole(&place.path().join("whole"), device.as_ref(), &RunOptions::default());
    assert_eq!(expected["chain.jsonl"].iter().filter(|&&byte| byte == b'\n').count(), 5);
    let session = SessionOptions {
        commands_per_submit_max: Some(1),
        ..SessionOptions::default()
    };
    let options = RunOptions {
        session,
        wait_at_boundaries: true,
        ..RunOptions::default()
    };
    assert!(expected == whole(&place.path().join("cut"), device.as_ref(), &options));
    let path = place.path().join("stopped");
    drop(RunDir::create(&path, &package(), config()).expect("created"));
    let mut processes = 0;
    loop {
        let dir = RunDir::open(&path).expect("opens");
        let mut observer = |progress: &Progress| {
            // Every other time the work since the last boundary is dropped.
            if processes % 2 == 0 {
                Control::StopAtBoundary
            } else if progress.boundary.is_some() {
                Control::StopNow
            } else {
                Control::Continue
            }
        };
        let outcome = run(&dir, device.as_ref(), class("a"), &RunOptions::default(), &mut observer).expect("runs");
        processes += 1;
        if matches!(outcome, Outcome::Finished(_)) {
            break;
        }
    }
    assert!(processes > 1, "nothing was stopped");
    assert!(expected == results(&path));
}

#[test]
fn another_hardware_class_is_refused_and_nothing_changes() {
    let Some(device) = device() else { return };
    let place = tempfile::tempdir().expect("a folder");
    let dir = RunDir::create(&place.path().join("run"), &package(), config()).expect("created");
    let options = RunOptions::default();
    run(&dir, device.as_ref(), class("a"), &options, &mut |_| Control::StopAtBoundary).expect("runs");
    let before = results(dir.path());
    let error = run(&dir, device.as_ref(), class("b"), &options, &mut |_| Control::Continue).expect_err("another class");
    assert!(
        matches!(error, RunError::Class { have, here } if have == class("a") && here == class("b")),
        "{error}"
    );
    assert!(before == results(dir.path()));
    let forced = RunOptions {
        force_class: true,
        ..options
    };
    let outcome = run(&dir, device.as_ref(), class("b"), &forced, &mut |_| Control::Continue).expect("forced");
    assert!(matches!(outcome, Outcome::Finished(_)));
}

#[test]
fn a_boundary_that_comes_out_different_a_second_time_is_an_error() {
    let Some(device) = device() else { return };
    let place = tempfile::tempdir().expect("a folder");
    let dir = RunDir::create(&place.path().join("run"), &package(), config()).expect("created");
    run(&dir, device.as_ref(), class("a"), &RunOptions::default(), &mut |_| {
        Control::Continue
    })
    .expect("runs");
    for segment in [SEGMENTS - 1, SEGMENTS] {
        std::fs::remove_file(dir.checkpoint_path(segment)).expect("removed");
    }
    // A chain that claims something else for the last boundary, as a machine with a broken memory may have written it.
    let mut chain = dir.chain().expect("a chain");
    let last = chain.pop().expect("a last line");
    let before = &chain.last().expect("a line before").entry;
    let entry = protocol::ChainEntry::next(
        dir.package().digest(),
        Some(before),
        last.entry.step,
        Digest::of(b"other"),
        last.entry.outputs,
    );
    chain.push(kernels::run::dir::ChainLine { entry, ..last });
    let text: String = chain
        .iter()
        .map(|line| serde_json::to_string(line).expect("encodes") + "\n")
        .collect();
    std::fs::write(place.path().join("run/chain.jsonl"), text).expect("written");
    let error = run(&dir, device.as_ref(), class("a"), &RunOptions::default(), &mut |_| {
        Control::Continue
    })
    .expect_err("diverged");
    assert!(matches!(error, RunError::Diverged { segment: SEGMENTS, .. }), "{error}");
}

/// The plate relaxes within three of a hundred segments, and says so itself.
#[test]
fn a_package_ends_its_run_by_its_flag_in_both_tiers_and_a_chain_that_goes_on_is_found() {
    let device = device::select("cpu").expect("the CPU device is always there");
    for tier in [Tier::Portable, Tier::ClassBound] {
        let package = kernels::examples::load("laplace").expect("a shipped example");
        let manifest = Manifest {
            tier,
            ..package.manifest().clone()
        };
        let package = package.with_manifest(manifest).expect("still a good package");
        let place = tempfile::tempdir().expect("a folder");
        // Checkpoints are kept at each tenth boundary: the one at which the run ends has one all the same.
        let config = RunConfig {
            checkpoint_every: 10,
            ..RunConfig::new(100)
        };
        let dir = RunDir::create(&place.path().join("run"), &package, config).expect("created");
        let mut steps = 0;
        let mut go_on = |dir: &RunDir| {
            let mut observer = |progress: &Progress| {
                steps = progress.step;
                Control::Continue
            };
            run(dir, device.as_ref(), class("a"), &RunOptions::default(), &mut observer).expect("runs")
        };
        let ended = go_on(&dir);
        assert!(
            matches!(&ended, Outcome::Done(last) if (last.segment, last.step) == (3, 150)),
            "{ended:?}"
        );
        let before = results(dir.path());
        assert_eq!(go_on(&dir), ended, "there is nothing left of it");
        assert!(steps == 150 && before == results(dir.path()));
        let seen = dir.verify().expect("can be read");
        assert!(seen.is_whole() && seen.checkpoints == [3], "{seen:?}");

        // The mean over the plate is a quarter of the hot edge's temperature: four such plates, turned, add up to one that is as hot everywhere.
        let table = String::from_utf8(before[kernels::run::TABLE].clone()).expect("text");
        let last = table.lines().last().expect("a row");
        let mean: f64 = last.rsplit(',').next().and_then(|text| text.parse().ok()).expect("a number");
        assert!((mean - 25.0).abs() < 2e-3, "{last}");
        let intervals = &before["frames-temperatures.bin"];
        let words = intervals.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let counted: Vec<u32> = words
            .collect::<Vec<_>>()
            .chunks(12)
            .map(|counts| counts.iter().sum())
            .collect();
        assert_eq!(counted, [64 * 64; 3], "each cell is in one interval");

        // Made by a program that does not look at the flag.
        let mut line = dir.chain().expect("a chain").pop().expect("a line");
        let (parent, steps) = (line.entry.clone(), 50);
        line.entry = ChainEntry::next(package.digest(), Some(&parent), 150 + steps, parent.content, parent.outputs);
        let mut chain = before["chain.jsonl"].clone();
        chain.extend(serde_json::to_vec(&line).expect("JSON"));
        chain.push(b'\n');
        std::fs::write(dir.path().join("chain.jsonl"), chain).expect("written");
        let findings = dir.verify().expect("can be read").findings;
        let ended = |found: &Finding| found.problem.contains("ends the run by the package's flag");
        assert!(findings.iter().any(ended), "{findings:?}");
    }
}
