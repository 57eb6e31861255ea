//! Devices that vanish and come back while the agent runs: with real drivers, whose files are renamed away and back.

use std::fs;
use std::path::Path;

use contracts::sharing::{FAST, Stage, Worker, poll};
use contracts::{driver_files, short_package};
use protocol::Outcome;

/// Devices of an agent, each with the job that it has.
fn devices(worker: &Worker) -> Vec<(String, Option<u64>)> {
    let status = worker.status();
    let devices = status["devices"].as_array().cloned().unwrap_or_default();
    let with_job = devices.iter().map(|device| {
        let id = device["id"].as_str().unwrap_or_default().to_owned();
        (id, device["jobs"][0]["job"].as_u64())
    });
    with_job.collect()
}

/// Wait until an agent has a job on a device.
fn job_on(stage: &Stage, worker: &Worker, wanted: &str) -> u64 {
    let found = poll(|| {
        let devices = devices(worker).into_iter();
        let (_, job) = devices.filter(|(id, _)| id == wanted).find(|(_, job)| job.is_some())?;
        job.filter(|job| stage.job(*job).is_some_and(|job| job.segment > 0))
    });
    found.unwrap_or_else(|| panic!("{wanted} has no job\n{}", stage.logs()))
}

/// Put a driver's file into a folder of drivers, with its library's full path.
fn copy_driver(from: &Path, to: &Path) {
    let text = fs::read_to_string(from).expect("a driver's file");
    let mut manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let library = manifest["ICD"]["library_path"].as_str().expect("a library").to_owned();
    let folder = from.parent().expect("it lies in a folder");
    manifest["ICD"]["library_path"] = folder.join(library).to_string_lossy().into();
    fs::write(to, manifest.to_string()).expect("written");
}

/// An agent that lends the CPU device and a software GPU loses the driver, by the file alone, and gets it back, at a signal.
#[test]
fn a_driver_that_goes_takes_its_job_home_and_is_used_again_when_it_is_back() {
    let Some(driver) = driver_files().into_iter().next() else {
        println!("SKIP: no software driver of Vulkan");
        return;
    };
    let stage = Stage::new(None, FAST);
    let drivers = stage.path("drivers");
    fs::create_dir(&drivers).expect("a folder");
    let (file, away) = (drivers.join("a.json"), drivers.join("a.json.away"));
    copy_driver(&driver, &file);
    short_package("ising", 64, &stage.path("package"));
    let lent = ["--device=cpu", "--device=vulkan:0"];
    let worker = stage.worker_in(
        "worker",
        &stage.url(),
        &lent,
        &[("VK_DRIVER_FILES", &file), ("VK_ICD_FILENAMES", &file)],
    );
    let host = worker.host();
    for _ in lent {
        stage.submit(&stage.path("package"), &["--segments=100000"]);
    }
    let job = job_on(&stage, &worker, "vulkan:0");

    fs::rename(&file, &away).expect("renamed");
    worker.says("not here any more");
    stage.until(job, "given back", |job| {
        job.stays.iter().any(|stay| stay.outcome == Some(Outcome::Migrated)) && job.errors.is_empty()
    });
    let told = poll(|| stage.host(host).filter(|host| host.devices.len() == 1));
    assert!(told.is_some(), "the server knows of it\n{}", stage.logs());

    fs::rename(&away, &file).expect("renamed");
    worker.signal("USR1");
    worker.says("is here");
    job_on(&stage, &worker, "vulkan:0");
    let ids: Vec<String> = devices(&worker).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, lent.map(|flag| flag.trim_start_matches("--device=").to_owned()));
}
