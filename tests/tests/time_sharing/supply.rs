//! What a device is given next, and how it comes there: classes, generations, prefetching, transfers that are cut.

use contracts::gpus;
use contracts::proxy::Proxy;
use contracts::sharing::{FAST, Stage, poll};
use kernels::package::Package;
use protocol::{JobState, Tier};

use super::{STEPS, ising, steer};

/// A checkpoint goes only to its own class: the job waits for it and says so, though a device of another class has nothing to do.
pub(super) fn class_mismatch_and_rare_class(database: Option<String>) {
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
pub(super) fn prefetch(database: Option<String>) {
    let stage = Stage::new(database, FAST);
    let package = ising(&stage);
    // Long enough that both are seen side by side in a status that is written once a second, also on a fast machine.
    let first = stage.submit(&stage.path("package"), &["--segments=120", "--segment-time=1m"]);
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
pub(super) fn transfer_cut_and_resumed(database: Option<String>) {
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
pub(super) fn dependencies(database: Option<String>) {
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
