//! What people read while things go wrong: what is so, once, and in commands that can be typed as they stand.

use contracts::sharing::{FAST, Stage, poll};
use contracts::{said, short_package};
use protocol::JobState;

use crate::STEPS;

#[test]
fn a_paused_agent_has_no_speed_and_one_that_leaves_or_finishes_says_that_all_is_safe() {
    let stage = Stage::new(None, FAST);
    short_package("ising", STEPS, &stage.path("package"));
    let mut worker = stage.worker("one", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=100000"]);
    stage.until(job, "under way", |job| job.segment >= 2);
    poll(|| worker.tell(&["status"]).contains("steps/s").then_some(())).expect("it has a speed while it computes");
    worker.tell(&["pause"]);
    let paused = poll(|| Some(worker.tell(&["status"])).filter(|status| status.contains(": paused"))).expect("it is paused");
    assert!(
        !paused.contains("computing") && !paused.contains("steps/s") && !paused.contains("left"),
        "{paused}"
    );
    worker.tell(&["resume"]);
    poll(|| worker.tell(&["status"]).contains("computing").then_some(())).expect("it computes again");
    worker.signal("INT");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
    let home = stage.job(job).map_or(0, |job| job.segment);
    let last = |said: &str| said.lines().last().unwrap_or_default().to_owned();
    assert!(
        worker
            .said()
            .contains(&format!("segment {home} is safe, it can go on elsewhere")),
        "{}",
        worker.said()
    );
    assert!(
        last(&worker.said()).contains(&format!("safe at {}", stage.url())),
        "{}",
        worker.said()
    );

    let cancel = stage.scientist(&["cancel", &job.to_string()]).output().expect("baton starts");
    assert!(cancel.status.success(), "{}", said(&cancel));
    let short = stage.submit(&stage.path("package"), &["--segments=30"]);
    let mut worker = stage.worker("two", &[]);
    stage.until(short, "under way", |job| job.segment >= 2);
    worker.tell(&["finish"]);
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.said());
    assert_eq!(stage.job(short).map(|job| job.state), Some(JobState::Completed));
    assert!(
        worker.said().contains(&format!("job {short}: completed, segment 30 is safe")),
        "{}",
        worker.said()
    );
    assert!(
        last(&worker.said()).contains(&format!("safe at {}", stage.url())),
        "{}",
        worker.said()
    );
}

#[test]
fn a_refusal_is_said_once() {
    let stage = Stage::new(None, FAST);
    std::fs::write(stage.path("wrong.token"), "baton_0123456789abcdef0123456789abcdef").expect("written");
    let refused = |arguments: &[&str]| {
        let mut command = contracts::baton(arguments);
        command
            .args(["--server", &stage.url(), "--token-file"])
            .arg(stage.path("wrong.token"));
        let output = command.output().expect("baton starts");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let state = stage.path("state").display().to_string();
    for arguments in [
        &["jobs"][..],
        &["job", "1"],
        &["cancel", "1"],
        &["worker", "--device=cpu", "--state", &state],
    ] {
        let said = refused(arguments);
        assert_eq!(said.trim().lines().count(), 1, "{arguments:?}: {said}");
        assert_eq!(said.matches("unknown or revoked").count(), 1, "{arguments:?}: {said}");
    }
}
