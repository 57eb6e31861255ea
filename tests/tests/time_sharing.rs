//! Contract: jobs move between volunteers' machines without losing a bit. Each promise of the scheduler and the agent is played with real
//! processes on loopback, on SQLite, and again on a throwaway PostgreSQL; each ends by holding the fetched run against a local one, byte for
//! byte.
//!
//! Run: `cargo nextest run --release --workspace --test time_sharing`.

#[expect(unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../server/tests/it/common/postgres.rs"]
mod postgres;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contracts::proxy::Proxy;
use contracts::sharing::{FAST, Stage, poll};
use contracts::{baton, gpus, short_package};
use kernels::package::Package;
use protocol::{JobState, Outcome, Tier};

/// A segment of some hundredths of a second.
const STEPS: u64 = 16;

fn ising(stage: &Stage) -> Package {
    short_package("ising", STEPS, &stage.path("package"))
}

fn with(flags: &[&'static str]) -> Vec<&'static str> {
    FAST.iter().chain(flags).copied().collect()
}

fn outcomes(stage: &Stage, job: u64) -> Vec<Option<Outcome>> {
    let job = stage.job(job).expect("an answer");
    job.stays.iter().map(|stay| stay.outcome).collect()
}

/// A scientist's command that succeeds.
fn steer(stage: &Stage, arguments: &[&str]) {
    let output = stage.scientist(arguments).output().expect("baton starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A more urgent job takes the device at the next boundary, one in a hurry at once; the other goes on later from where it was.
fn preempt_and_resume(database: Option<String>) {
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
fn drain(database: Option<String>) {
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
fn planned_night(database: Option<String>) {
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

/// A network fault is waited out; a longer one makes the host lost; what it brings home later under its old epoch changes nothing.
fn unreachable_then_back_with_an_old_epoch(database: Option<String>) {
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
fn lost_host(database: Option<String>) {
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
fn killed_agent_goes_on_from_its_own_boundary(database: Option<String>) {
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

/// A checkpoint goes only to its own class: the job waits for it and says so, though a device of another class has nothing to do.
fn class_mismatch_and_rare_class(database: Option<String>) {
    let Some(gpu) = gpus("rare class").into_iter().find(|gpu| gpu.info().backend == "vulkan") else {
        return;
    };
    let stage = Stage::new(database, FAST);
    let example = kernels::examples::load("ising").expect("a shipped example");
    let mut manifest = example.manifest().clone().with_steps_per_segment(STEPS);
    manifest.tier = Tier::ClassBound;
    let package = example.with_manifest(manifest).expect("still a good package");
    package.save(&stage.path("package")).expect("saved");
    let mut cpu = stage.worker("cpu", &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=30"]);
    stage.until(job, "running", |job| job.segment >= 2);
    cpu.signal("INT");
    assert_eq!(cpu.ended().code(), Some(0), "{}", cpu.said());
    let device = format!("--device={}", gpu.info().id);
    let other = stage.worker("other", &[&device]);
    stage.host_is(other.host(), "online");
    let any = stage.submit(&stage.path("package"), &["--segments=2"]);
    let any = stage.completed(any);
    let waits = stage.job(job).expect("an answer");
    assert_eq!((waits.state, waits.host), (JobState::Migrating, None));
    assert_ne!(any.class, waits.class, "a first attempt goes to any class");
    let why = stage.why(job);
    let class = why.class.clone().expect("it is bound to one");
    assert_eq!((class.devices, class.online), (1, 0), "{why:#?}");
    assert!(
        class.last_seen_ms.is_some() && why.sentence.contains(&class.class.to_string()),
        "{why:#?}"
    );
    let output = stage
        .scientist(&["job", &job.to_string(), "--why"])
        .output()
        .expect("baton starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("1 devices, 0 online, last seen"), "{said}");
    let _cpu = stage.worker("cpu", &[]);
    stage.completed(job);
    stage.assert_same_as_local(job, &package);
}

/// The next job is here before the current one ends: the device hardly stands still between them.
fn prefetch(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let first = stage.submit(&stage.path("package"), &["--segments=40", "--segment-time=1m"]);
    let worker = stage.worker("one", &[]);
    stage.until(first, "running", |job| job.segment >= 2);
    let second = stage.submit(&stage.path("package"), &["--segments=10"]);
    let job_is = |index: usize, job: u64, phase: &str| {
        let jobs = worker.status()["devices"][0]["jobs"].clone();
        jobs[index]["job"] == job && jobs[index]["phase"] == phase
    };
    poll(|| (job_is(0, first, "computing") && job_is(1, second, "ready")).then_some(()))
        .expect("the next job is here while the first computes");
    stage.completed(second);
    let gap = poll(|| worker.status()["devices"][0]["gap_ms"].as_u64()).expect("a gap was measured");
    println!("gap between two jobs: {gap} ms");
    assert!(gap < 1000, "the device stood still for {gap} ms");
    for job in [first, second] {
        stage.assert_same_as_local(job, &package);
    }
}

/// Connections that break every hundred kilobytes: transfers go on behind what arrived.
fn transfer_cut_and_resumed(database: Option<String>) {
    const CUT: u64 = 100_000;
    let stage = Stage::new(database, FAST);
    let example = kernels::examples::load("gray-scott").expect("a shipped example");
    let manifest = example.manifest().clone().with_steps_per_segment(4);
    // A state that does not compress: low bits of a quarter are as good as any.
    let mut dice = contracts::Dice(7);
    let init = manifest
        .buffers
        .iter()
        .enumerate()
        .filter(|(_, buffer)| buffer.init.is_some())
        .map(|(id, buffer)| {
            let bytes = example.initial(id);
            let words = bytes
                .chunks_exact(4)
                .map(|_| (0.25f32 + dice.below(1 << 20) as f32 / (1u32 << 23) as f32).to_le_bytes());
            (buffer.name.clone(), words.flatten().collect())
        });
    let init = init.collect();
    let package = Package::new(manifest, example.shaders().clone(), init).expect("a good package");
    package.save(&stage.path("package")).expect("saved");
    let archive = package.to_archive().expect("an archive").len() as u64;
    assert!(archive > 3 * CUT, "the archive has only {archive} bytes");
    let proxy = Proxy::to(&stage.address);
    proxy.cut_after(CUT);
    let _worker = stage.worker_at("one", &proxy.url(), &[]);
    let job = stage.submit(&stage.path("package"), &["--segments=2"]);
    stage.completed(job);
    let (cuts, bytes) = proxy.count();
    println!("{cuts} cuts, {bytes} bytes passed for an archive of {archive}");
    assert!(cuts >= 6, "only {cuts} cuts");
    // All that there is had to pass once; starting over at each cut would never end, or take many times that.
    let there = bytes_below(&stage.path("server/blobs"));
    assert!(bytes < 2 * there, "{bytes} bytes passed for blobs of {there}");
    proxy.cut_after(0);
    stage.assert_same_as_local(job, &package);
}

fn bytes_below(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let sizes = entries.map(|entry| match entry.metadata().expect("metadata") {
        metadata if metadata.is_dir() => bytes_below(&entry.path()),
        metadata => metadata.len(),
    });
    sizes.sum()
}

/// A generation starts from the final checkpoint of another; the fetched run goes back to C0.
fn dependencies(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    let parent = stage.submit(&stage.path("package"), &["--segments=4", "--hold"]);
    let child = stage.submit(&stage.path("package"), &["--segments=3", "--after", &parent.to_string()]);
    let _worker = stage.worker("one", &[]);
    let waits = stage.until(child, "waiting", |job| job.reason.contains("waits for the final checkpoint"));
    assert_eq!(waits.state, JobState::Queued);
    steer(&stage, &["release", &parent.to_string()]);
    let child_view = stage.completed(child);
    assert_eq!((child_view.segment, child_view.segments), (7, 7));
    for job in [parent, child] {
        stage.assert_same_as_local(job, &package);
    }
}

/// A held job leaves its device to others until it is released; one that becomes urgent while it waits takes the device.
fn hold_release_and_priority(database: Option<String>) {
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

/// The server is killed, and stopped, while jobs run, wait and move: the volunteers keep computing, and everything ends as if nothing was.
fn server_restart_in_the_middle_of_everything(database: Option<String>) {
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

/// `pause` stops computing and soon gives the job away, `resume` takes work again, `finish` ends after what is there.
fn paused_host_gives_its_job_away(database: Option<String>) {
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

macro_rules! plays {
    ($($name:ident)*) => {
        const PLAYS: &[(&str, fn(Option<String>))] = &[$((stringify!($name), $name)),*];

        mod on_sqlite {
            $(#[test] fn $name() { super::$name(None); })*
        }
    };
}

plays! {
    preempt_and_resume
    drain
    planned_night
    unreachable_then_back_with_an_old_epoch
    lost_host
    killed_agent_goes_on_from_its_own_boundary
    class_mismatch_and_rare_class
    prefetch
    transfer_cut_and_resumed
    dependencies
    hold_release_and_priority
    server_restart_in_the_middle_of_everything
    paused_host_gives_its_job_away
}

/// All of them again on PostgreSQL: one cluster, a database for each.
#[test]
fn on_postgresql() {
    let Some(cluster) = postgres::Cluster::start() else { return };
    let queue = std::sync::Mutex::new(PLAYS.iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((name, play)) = { queue.lock().expect("no play failed").next() } {
                    println!("{name}");
                    play(Some(cluster.database(name)));
                }
            });
        }
    });
}

/// What scripts go by: a server that is away is 75, a bad package 87, nonsense 2.
#[test]
fn exit_codes_say_what_to_do() {
    let code = |arguments: &[&str]| {
        let mut command = baton(arguments);
        command.env("BATON_SERVER", "http://127.0.0.1:9").env("BATON_TOKEN", "none");
        command.output().expect("baton starts").status.code()
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(place.path().join("kernel.toml"), "name = 1").expect("written");
    let bad = place.path().to_string_lossy().into_owned();
    assert_eq!(code(&["jobs"]), Some(75));
    assert_eq!(code(&["submit", &bad]), Some(87));
    assert_eq!(code(&["submit", "ising", "--priority=3", "--now"]), Some(2));
    assert_eq!(code(&["jobs", "--state", "nonsense"]), Some(2));
}
