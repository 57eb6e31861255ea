//! Contract: a part of a job's results is the same, bit for bit, as that part of the whole; ranges that make no sense are mistakes with the fix. Real processes.
//!
//! Run: `cargo nextest run --release --workspace --test partial_fetch`.

use std::fs;

use contracts::sharing::{FAST, Stage};
use contracts::{said, short_package};

/// Steps of a segment: a frame of spins is taken every 250.
const STEPS: u64 = 500;
/// Bytes of a frame.
const FRAME: usize = 256 * 256 * 4;

#[test]
fn a_part_of_a_job_is_that_part_of_the_whole_and_senseless_ranges_are_refused() {
    let stage = Stage::new(None, FAST);
    short_package("ising", STEPS, &stage.path("package"));
    let job = stage.submit(&stage.path("package"), &["--segments=3"]);
    let _worker = stage.worker("worker", &[]);
    stage.completed(job);
    let whole = stage.path("whole");
    stage.fetch(job, &whole);

    let part = stage.path("part");
    let fetch = |flags: &[&str]| {
        let mut command = stage.scientist(&["fetch", &job.to_string(), "--out"]);
        command.arg(&part).args(flags).output().expect("baton starts")
    };
    let took = fetch(&["--only", "observables"]);
    assert!(took.status.success(), "{}", said(&took));
    let table = |folder: &std::path::Path| fs::read(folder.join("observables.csv")).expect("a table");
    assert!(table(&part) == table(&whole), "the table of observables differs");

    // The only output with frames needs no name. Frames 3 and 4 lie in the last two of three segments.
    let took = fetch(&["--frames", "3..5", "--json"]);
    assert!(took.status.success(), "{}", said(&took));
    let report: serde_json::Value = serde_json::from_slice(&took.stdout).expect("JSON");
    assert_eq!(
        (&report["frames"], &report["segments_read"]),
        (&serde_json::json!([3, 5]), &2.into())
    );
    let frames = fs::read(whole.join("frames-spins.bin")).expect("frames");
    let npy = fs::read(part.join("spins.npy")).expect("an array");
    assert!(npy.ends_with(&frames[3 * FRAME..5 * FRAME]), "frames differ");
    let header = String::from_utf8_lossy(&npy[..npy.len() - 2 * FRAME]).into_owned();
    assert!(
        header.contains("'descr': '<i4'") && header.contains("(2, 256, 256)"),
        "{header}"
    );

    for (flags, words) in [
        (&["--frames", "5..5"][..], "empty"),
        (&["--frames", "5..3"], "empty"),
        (&["--frames", "0..7"], "there are 6 frames"),
        (&["--frames", "6"], "there are 6 frames"),
        (&["--frames", "0..18446744073709551616"], "expected A..B"),
        (&["--frames=-1..2"], "expected A..B"),
        (&["--frames", "a..b"], "expected A..B"),
        (&["--only", "positions"], "there are: observables, spins"),
        (&["--only", "../../etc"], "there are: observables, spins"),
        (&["--only", "observables", "--frames", "0..1"], "whole table"),
    ] {
        let refused = fetch(flags);
        assert_eq!(refused.status.code(), Some(2), "{flags:?}: {}", said(&refused));
        assert!(said(&refused).contains(words), "{flags:?}: {}", said(&refused));
    }
    the_last_state_is_fetched_by_name_of_a_job_that_its_package_ended(&stage);
    let names: Vec<String> = fs::read_dir(&part)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), 2, "nothing else is left: {names:?}");
}

/// The plate is steady after three of a hundred segments: the server reads that in the checkpoint, and the fetched run knows it.
fn the_last_state_is_fetched_by_name_of_a_job_that_its_package_ended(stage: &Stage) {
    let example = kernels::examples::load("laplace").expect("a shipped example");
    example.save(&stage.path("plate")).expect("a folder");
    let job = stage.submit(&stage.path("plate"), &[]);
    let view = stage.completed(job);
    assert_eq!((view.segment, view.segments), (3, 3), "{view:?}");
    assert!(view.reason.contains("its package ended it"), "{view:?}");
    let whole = stage.path("plate-run");
    stage.fetch(job, &whole);
    let resumed = contracts::baton(["resume"])
        .arg(&whole)
        .arg("--json")
        .output()
        .expect("baton starts");
    let report: serde_json::Value = serde_json::from_slice(&resumed.stdout).expect("JSON");
    assert_eq!(
        (&report["outcome"], &report["done"]),
        (&"finished".into(), &true.into()),
        "{report}"
    );

    let part = stage.path("plate-part");
    let fetched = |name: &str| {
        let mut command = stage.scientist(&["fetch", &job.to_string(), "--only", name, "--out"]);
        command.arg(&part).output().expect("baton starts")
    };
    let took = fetched("last.field");
    assert!(took.status.success(), "{}", said(&took));
    let exported = whole.join("last.field.npy");
    let mut export = contracts::baton(["export"]);
    export.arg(&whole).args(["--format", "npy", "--output", "last.field"]);
    let took = export.output().expect("baton starts");
    assert!(took.status.success(), "{}", said(&took));
    let here = fs::read(exported).expect("an array");
    assert!(
        here == fs::read(part.join("last.field.npy")).expect("an array"),
        "they differ"
    );
    assert!(String::from_utf8_lossy(&here[..128]).contains("(1, 64, 64)"));
    let refused = fetched("last.between");
    assert!(
        said(&refused).contains("there are: last.field, last.converged"),
        "{}",
        said(&refused)
    );
}
