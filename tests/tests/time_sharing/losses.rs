//! Jobs that go on though a host, the network or the server was lost for a while, or for good.

use std::time::Duration;

use contracts::proxy::Proxy;
use contracts::sharing::{FAST, Stage, poll};
use protocol::Outcome;

use super::{ising, outcomes};

/// A network fault is waited out; a longer one makes the host lost; what it brings home later under its old epoch changes nothing.
pub(super) fn unreachable_then_back_with_an_old_epoch(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let proxy = Proxy::to(&stage.address);
    let first = stage.worker_at("first", &proxy.url(), &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=150"]);
    stage.until(job, "running", |job| job.segment >= 2);
    proxy.freeze(true);
    stage.host_is(first.host(), "unreachable");
    let before = stage.job(job).expect("an answer");
    proxy.freeze(false);
    stage.host_is(first.host(), "online");
    let again = stage.until(job, "going on", |job| job.segment > before.segment);
    assert_eq!(again.epoch, 1, "a lease was lost to a fault that ended in time");
    proxy.freeze(true);
    stage.host_is(first.host(), "lost");
    let _second = stage.worker("second", &[]);
    stage.until(job, "elsewhere", |job| {
        job.epoch == 2 && job.segment > job.stays[1].from_segment
    });
    proxy.freeze(false);
    stage.host_is(first.host(), "online");
    stage.completed(job);
    assert_eq!(outcomes(&stage, job), [Some(Outcome::Expired), Some(Outcome::Success)]);
    poll(|| first.status()["devices"][0]["jobs"].as_array()?.is_empty().then_some(())).expect("the void lease is dropped");
    assert_eq!(stage.job(job).expect("an answer").epoch, 2);
    stage.assert_same_as_local(job, &package);
}

/// A host that is gone for good costs the work since its last commit, and nothing else.
pub(super) fn lost_host(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let first = stage.worker("first", &[]);
    let from = first.host();
    let job = stage.submit(&stage.path("package"), &["--segments=40"]);
    let before = stage.until(job, "running", |job| job.segment >= 5);
    first.kill();
    let _second = stage.worker("second", &[]);
    stage.host_is(from, "lost");
    let done = stage.completed(job);
    assert!(done.stays[1].from_segment >= before.segment, "{done:#?}");
    assert_eq!(outcomes(&stage, job), [Some(Outcome::Expired), Some(Outcome::Success)]);
    // Back from the dead: nothing of it is left to do, and it takes new work.
    let first = stage.worker("first", &[]);
    stage.host_is(from, "online");
    assert_eq!(first.host(), from, "it is the same host");
    stage.assert_same_as_local(job, &package);
}

/// After SIGKILL the agent goes on from its last boundary on disk, though the server has none of them.
pub(super) fn killed_agent_goes_on_from_its_own_boundary(database: Option<String>) {
    let stage = Stage::new(database, &["--heartbeat-s=1", "--commit-s=3600", "--requests-per-minute=0"]);
    let package = ising(&stage);
    let worker = stage.worker("one", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=40"]);
    let before = stage.until(job, "under way", |job| job.progress >= 8);
    assert_eq!(before.segment, 0, "nothing is to be committed yet");
    worker.kill();
    let worker = stage.worker("one", &[]);
    let done = stage.completed(job);
    assert_eq!((done.epoch, done.stays.len()), (1, 1), "the lease should have stood");
    let from = worker
        .said()
        .rsplit("from segment ")
        .next()
        .and_then(|text| text.lines().next()?.trim().parse::<u64>().ok());
    assert!(from.is_some_and(|from| from >= 8), "{}", worker.said());
    stage.assert_same_as_local(job, &package);
}

/// The server is killed, and stopped, while jobs run, wait and move: the volunteers keep computing, and everything ends as if nothing was.
pub(super) fn server_restart_in_the_middle_of_everything(database: Option<String>) {
    let mut stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let first = stage.worker("first", &[]);
    let mut second = stage.worker("second", &[]);
    let jobs: Vec<u64> = (0..3)
        .map(|_| stage.submit(&stage.path("package"), &["--segments=60"]))
        .collect();
    stage.until(jobs[0], "running", |job| job.segment >= 2);
    stage.end_server("KILL");
    first.says("the server is away");
    let urgent_later = Duration::from_millis(700);
    std::thread::sleep(urgent_later);
    stage.start_server();
    first.says("the server is back");
    second.signal("INT");
    let urgent = stage.submit(&stage.path("package"), &["--segments=3", "--priority=9", "--now"]);
    stage.end_server("TERM");
    std::thread::sleep(urgent_later);
    stage.start_server();
    assert_eq!(second.ended().code(), Some(0), "{}", second.said());
    for job in jobs.iter().chain([&urgent]) {
        stage.completed(*job);
    }
    for job in jobs.iter().chain([&urgent]) {
        stage.assert_same_as_local(*job, &package);
    }
}
