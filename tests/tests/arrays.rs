//! Contract: an array on a server is one submission, and each of its jobs is the run that the same settings give on this machine. With real processes.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::sharing::{FAST, Stage, poll};
use contracts::short_package;
use kernels::package::manifest::Number;
use serde_json::Value;

/// A scientist's command that has to end with a code: its standard output and standard error.
fn says(stage: &Stage, arguments: &[&str], code: i32) -> (String, String) {
    let output = stage.scientist(arguments).output().expect("baton starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "baton {arguments:?}\n{out}\n{error}");
    (out, error)
}

fn json(stage: &Stage, arguments: &[&str]) -> Value {
    let (out, _) = says(stage, arguments, 0);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
}

#[test]
fn an_array_is_submitted_watched_fetched_and_cancelled_as_one() {
    let stage = Stage::new(None, FAST);
    let package = short_package("ising", 16, &stage.path("package"));
    let folder = stage.path("package");
    let folder = folder.to_str().expect("a plain path");
    // What it would cost, before anything is sent.
    let cost = json(
        &stage,
        &[
            "submit",
            folder,
            "--replicas=3",
            "--segments=2",
            "--segment-time=1h",
            "--dry-run",
            "--json",
        ],
    );
    assert_eq!(
        (cost["jobs"].as_u64(), cost["device_hours"].as_f64()),
        (Some(3), Some(6.0)),
        "{cost}"
    );
    assert_eq!(cost["verify"], "sampled", "what nobody chose is checked in part");
    assert!(cost["upload_bytes"].as_u64() > Some(1000) && cost["state_bytes"].as_u64() == Some(package.state_bytes()));
    assert!(says(&stage, &["jobs"], 0).1.contains("no job of the last day"));

    let submitted = json(
        &stage,
        &["submit", folder, "--replicas=3", "--seed-from=5", "--segments=2", "--json"],
    );
    let array = submitted["array"].as_str().expect("a name").to_owned();
    assert_eq!(submitted["jobs"].as_array().map(Vec::len), Some(3));
    let (held, _) = says(&stage, &["job", &array, "--why"], 0);
    assert!(
        held.contains(&format!("{array}: 3 jobs")) && held.contains("3 queued: "),
        "{held}"
    );
    let _worker = stage.worker("one", &[]);
    poll(|| {
        let jobs = json(&stage, &["job", &array, "--json"]);
        let all = jobs.as_array()?.iter().all(|job| job["state"] == "completed");
        std::thread::sleep(Duration::from_millis(100));
        all.then_some(())
    })
    .expect("all are completed");
    let out = stage.path("results");
    says(&stage, &["fetch", &array, "--out", out.to_str().expect("a plain path")], 0);
    let table = std::fs::read_to_string(out.join("results.csv")).expect("a table");
    let rows: Vec<&str> = table.lines().collect();
    assert!(
        rows[0].starts_with("run,seed,state,segment,step,digest,message,mean magnetisation") && rows.len() == 4,
        "{table}"
    );
    for (index, seed) in (5..8).enumerate() {
        let values = BTreeMap::from([("seed".to_owned(), Number::Integer(seed))]);
        let expected = package.with_settings(&values).expect("a setting of ising");
        let start = format!("{:04},{seed},completed,2,32,", index + 1);
        assert!(rows[index + 1].starts_with(&start), "{start} in {table}");
        let jobs = json(&stage, &["jobs", &format!("seed={seed}"), "--json"]);
        assert_eq!(jobs[0]["package"].as_str(), Some(expected.digest().to_string().as_str()));
        stage.assert_same_as_local(jobs[0]["job"].as_u64().expect("a number"), &expected);
    }

    // Another one, taken back as a whole; and what is no array of this scientist's.
    let other = json(&stage, &["submit", folder, "--replicas=2", "--hold", "--json"]);
    let other = other["array"].as_str().expect("a name").to_owned();
    says(&stage, &["cancel", &other], 0);
    let states = json(&stage, &["job", &other, "--json"]);
    assert!(
        states
            .as_array()
            .expect("a list")
            .iter()
            .all(|job| job["state"] == "cancelled"),
        "{states}"
    );
    let (list, summary) = says(&stage, &["jobs", "--state", "cancelled,held", "--limit", "1"], 0);
    assert!(
        list.lines().count() == 2 && summary.contains("--limit 0") && summary.contains("3 completed, 2 cancelled"),
        "{list}{summary}"
    );
    assert!(
        says(&stage, &["fetch", "array-0000000000"], 2)
            .1
            .contains("there is no array-0000000000 of yours")
    );
    assert!(
        says(&stage, &["submit", folder, "--sweep=heat=1,2"], 2)
            .1
            .contains("unknown setting 'heat', expected one of 'seed'")
    );
}
