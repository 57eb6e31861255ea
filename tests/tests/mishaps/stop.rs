//! A second signal: the agent ends at once, keeps every boundary, and goes on from them.

use std::time::{Duration, Instant};

use contracts::sharing::Stage;
use contracts::short_package;

use crate::{LARGE, NOTHING_HOME, STEPS, stirred_package};

#[test]
fn a_second_signal_ends_at_once_and_the_next_start_goes_on_from_every_boundary() {
    let stage = Stage::new(None, NOTHING_HOME);
    let package = short_package("ising", STEPS, &stage.path("package"));
    let mut worker = stage.worker("one", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=120"]);
    stage.until(job, "under way", |job| job.progress >= 3);
    // One of each, since a signal that waits already is not sent twice.
    let begun = Instant::now();
    worker.signal("INT");
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(85), "{}", worker.said());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(
        worker.said().contains("stopping now; every boundary is kept"),
        "{}",
        worker.said()
    );
    assert_eq!(stage.job(job).map(|job| job.segment), Some(0), "nothing went home");
    drop(worker);
    let worker = stage.worker("one", &[]);
    let done = stage.completed(job);
    assert_eq!((done.epoch, done.stays.len()), (1, 1), "{}", worker.said());
    let begins: Vec<u64> = worker
        .said()
        .lines()
        .filter_map(|line| line.split_once("from segment ")?.1.parse().ok())
        .collect();
    assert!(
        matches!(begins[..], [0, second] if second >= 3),
        "{begins:?} {}",
        worker.said()
    );
    stage.assert_same_as_local(job, &package);
}

/// A segment that takes longer than a person waits.
#[test]
fn a_second_signal_does_not_wait_for_a_long_segment() {
    let stage = Stage::new(None, NOTHING_HOME);
    let folder = stage.path("package");
    stirred_package(&folder, LARGE, 1 << 20, false);
    let mut worker = stage.worker("one", &[]);
    stage.submit(&folder, &["--segments=2"]);
    worker.says("computes on cpu");
    worker.signal("INT");
    worker.says("Ctrl-C again stops at once");
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        worker.is_running(),
        "the first signal waits for the boundary: {}",
        worker.said()
    );
    let begun = Instant::now();
    worker.signal("INT");
    assert_eq!(worker.ended().code(), Some(85), "{}", worker.said());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
