//! Jobs that move because somebody wants it: a more urgent one, a volunteer who leaves, pauses or keeps hours, a scientist who holds.

use std::time::{SystemTime, UNIX_EPOCH};

use contracts::sharing::{FAST, Stage, poll};
use protocol::{JobState, Outcome};

use super::{ising, outcomes, steer, with};

/// A more urgent job takes the device at the next boundary, one in a hurry at once; the other goes on later from where it was.
pub(super) fn preempt_and_resume(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let worker = stage.worker("one", &[]);
    let slow = stage.submit(&stage.path("package"), &["--segments=180"]);
    stage.until(slow, "running", |job| job.segment >= 3);
    let urgent = stage.submit(&stage.path("package"), &["--segments=3", "--priority=8"]);
    stage.completed(urgent);
    let between = stage.job(slow).expect("an answer");
    assert!(between.segment < 180, "the urgent job did not go first");
    stage.until(slow, "resumed", |job| {
        job.state == JobState::Running && job.segment > between.segment
    });
    let hurry = stage.submit(&stage.path("package"), &["--segments=2", "--priority=9", "--now"]);
    stage.completed(hurry);
    let slow_view = stage.completed(slow);
    let preempted = outcomes(&stage, slow)
        .iter()
        .filter(|outcome| **outcome == Some(Outcome::Preempted))
        .count();
    assert_eq!(preempted, 2, "{slow_view:#?}");
    assert!(
        worker.said().contains("stops at its next boundary") && worker.said().contains("stops now"),
        "{}",
        worker.said()
    );
    let why = stage.why(slow);
    assert!(
        why.changes.iter().any(|change| change.state == JobState::Suspended),
        "{why:#?}"
    );
    for job in [slow, urgent, hurry] {
        stage.assert_same_as_local(job, &package);
    }
}

/// Ctrl-C announces; the job's boundary goes home and the job goes on elsewhere; then the agent ends.
pub(super) fn drain(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let mut first = stage.worker("first", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=60"]);
    stage.until(job, "running", |job| job.segment >= 2);
    let second = stage.worker("second", &[]);
    let to = second.host();
    first.signal("INT");
    assert_eq!(first.ended().code(), Some(0), "{}", first.said());
    stage.host_is(first.host(), "offline");
    let job_view = stage.completed(job);
    assert_eq!(outcomes(&stage, job), [Some(Outcome::Migrated), Some(Outcome::Success)]);
    assert_eq!(job_view.stays[1].host.0, to);
    assert!(
        job_view.stays[1].from_segment >= 2,
        "the work of the first was lost: {job_view:#?}"
    );
    stage.assert_same_as_local(job, &package);
}

/// A job that would not finish before the night moves before it; the volunteer's hours may change while the agent runs.
pub(super) fn planned_night(database: Option<String>) {
    let stage = Stage::new(database, &with(&["--lead-s=300"]));
    let package = ising(&stage);
    let day = stage.worker("day", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=100000"]);
    stage.until(job, "running", |job| job.segment >= 2);
    let night = stage.worker("night", &[]);
    let to = night.host();
    // Off from the minute after next on, for twelve hours. The tests' machines may be anywhere: hours are local.
    let ahead = std::process::Command::new("date")
        .arg("+%z")
        .output()
        .expect("date runs")
        .stdout;
    let ahead = String::from_utf8_lossy(&ahead).trim().parse::<i64>().expect("+0200");
    let ahead = ahead / 100 * 60 + ahead % 100;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() as i64 / 60 + ahead;
    let hour = |minute: i64| minute.rem_euclid(1440) as f64 / 60.0;
    day.configure(&format!(
        "[worker]\nstart_hour = {}\nend_hour = {}\n",
        hour(now + 722),
        hour(now + 2)
    ));
    let moved = stage.until(job, "moved", |job| {
        job.host.is_some_and(|host| host.0 == to) && job.segment > job.stays[1].from_segment
    });
    assert_eq!(moved.stays[0].outcome, Some(Outcome::Migrated));
    let host = stage.host(day.host()).expect("an answer");
    assert!(host.departs_ms.is_some() && host.night.is_some(), "{host:#?}");
    let output = stage.scientist(&["cancel", &job.to_string()]).output().expect("baton starts");
    assert!(output.status.success());
    // Its work is dropped at once.
    poll(|| night.status()["devices"][0]["jobs"].as_array()?.is_empty().then_some(())).expect("the cancelled job is dropped");
    stage.assert_same_as_local(job, &package);
}

/// A held job leaves its device to others until it is released; one that becomes urgent while it waits takes the device.
pub(super) fn hold_release_and_priority(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let _worker = stage.worker("one", &[]);
    let held = stage.submit(&stage.path("package"), &["--segments=40"]);
    stage.until(held, "running", |job| job.segment >= 2);
    steer(&stage, &["hold", &held.to_string()]);
    let stopped = stage.until(held, "held", |job| job.state == JobState::Held && job.host.is_none());
    assert!((2..40).contains(&stopped.segment), "{stopped:#?}");
    let long = stage.submit(&stage.path("package"), &["--segments=100000"]);
    stage.until(long, "running", |job| job.segment >= 1);
    assert_eq!(
        stage.job(held).map(|job| (job.state, job.segment)),
        Some((JobState::Held, stopped.segment))
    );
    steer(&stage, &["release", &held.to_string()]);
    steer(&stage, &["priority", &held.to_string(), "9"]);
    stage.completed(held);
    let between = stage.job(long).expect("an answer");
    stage.until(long, "resumed", |job| {
        job.state == JobState::Running && job.segment > between.segment
    });
    steer(&stage, &["cancel", &long.to_string()]);
    assert_eq!(
        outcomes(&stage, long)[0],
        Some(Outcome::Preempted),
        "the urgent job did not go first"
    );
    for job in [held, long] {
        stage.assert_same_as_local(job, &package);
    }
}

/// `pause` stops computing and soon gives the job away, `resume` takes work again, `finish` ends after what is there.
pub(super) fn paused_host_gives_its_job_away(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let mut first = stage.worker("first", &["--pause-patience=0.5"]);
    let job = stage.submit(&stage.path("package"), &["--segments=60"]);
    stage.until(job, "running", |job| job.segment >= 2);
    assert!(first.tell(&["pause", "--for", "2h"]).contains("2 h 0 min"));
    first.says("paused: for");
    let second = stage.worker("second", &[]);
    stage.until(job, "elsewhere", |job| job.host.is_some_and(|host| host.0 == second.host()));
    poll(|| first.tell(&["status"]).contains("paused").then_some(())).expect("the status says so");
    stage.completed(job);
    first.tell(&["resume"]);
    drop(second);
    let next = stage.submit(&stage.path("package"), &["--segments=5"]);
    stage.completed(next);
    let last = stage.submit(&stage.path("package"), &["--segments=20"]);
    stage.until(last, "running", |job| job.segment >= 1);
    assert!(first.tell(&["finish"]).contains("ends"));
    assert_eq!(first.ended().code(), Some(0), "{}", first.said());
    assert_eq!(stage.job(last).map(|job| job.state), Some(JobState::Completed));
    for job in [job, next, last] {
        stage.assert_same_as_local(job, &package);
    }
}
