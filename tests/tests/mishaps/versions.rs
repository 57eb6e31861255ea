//! Agents that are older than the operator asks for: no new work, a word why, and what they have comes home.

use contracts::sharing::{FAST, Stage, poll};
use contracts::short_package;

use crate::STEPS;

#[test]
fn an_agent_that_is_too_old_brings_home_what_it_has_and_gets_no_more() {
    let mut stage = Stage::new(None, FAST);
    short_package("ising", STEPS, &stage.path("package"));
    let mut worker = stage.worker("worker", &[]);
    let host = worker.host();
    let job = stage.submit(&stage.path("package"), &["--segments=100"]);
    stage.until(job, "under way", |job| job.segment > 0);
    stage.end_server("TERM");
    stage.set_flags(&[FAST, &["--min-agent=99.0.0"]].concat());
    stage.start_server();

    worker.says("version 99.0.0 or newer is required by the server");
    stage.completed(job);
    let next = stage.submit(&stage.path("package"), &["--segments=2"]);
    let idle = poll(|| {
        let status = worker.status();
        let idle = status["devices"][0]["idle"].as_str()?.to_owned();
        idle.contains("a newer version is required").then_some(idle)
    });
    assert!(idle.is_some(), "{}\n{}", worker.status(), stage.logs());
    let view = stage.host(host).expect("the host");
    assert!(
        view.devices[0].idle.as_deref().is_some_and(|idle| idle.contains("99.0.0")),
        "{view:#?}"
    );
    let waits = stage.job(next).expect("the job");
    assert!(waits.stays.is_empty() && waits.segment == 0, "{waits:#?}");
    assert!(worker.is_running(), "nothing is installed, and nothing ends");

    // One that is not enrolled yet is told at once.
    let mut other = stage.worker("other", &[]);
    assert!(!other.ended().success());
    other.says("99.0.0 or newer is required");
}
