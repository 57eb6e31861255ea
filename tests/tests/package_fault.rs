//! Contract: a fault that the package itself raises is the package's, not a host's. The job stops at once with the fault's text; no other host
//! is given it, since it would find the same.

use std::fs;
use std::path::Path;
use std::time::Duration;

use contracts::sharing::{FAST, Stage};
use protocol::{JobState, Outcome};

/// Counts steps, and raises fault 7 in step 25: in the third segment of ten steps.
const MANIFEST: &str = r#"format = 1
name = "faulty"
version = "1"
tier = "portable"
[run]
steps_per_segment = 10
segments = 6
[[buffer]]
name = "count"
type = "u32"
shape = [1]
role = "state"
fill = 0
[[buffer]]
name = "fault"
type = "u32"
shape = [1]
role = "observable"
[[pass]]
name = "step"
shader = ["step.wgsl"]
workgroups = [1]
[faults]
7 = "the counter passed 24: choose a smaller step"
"#;
const STEP: &str = "@group(0) @binding(0) var<storage, read_write> count: array<u32>;
@group(0) @binding(1) var<storage, read_write> fault: array<u32>;
@compute @workgroup_size(1) fn step() {
  count[0] += 1u;
  if count[0] == 25u { fault[0] = 7u; }
}
";

fn write_package(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("kernel.toml"), MANIFEST).expect("written");
    fs::write(folder.join("step.wgsl"), STEP).expect("written");
}

#[test]
fn a_fault_that_the_package_raises_stops_its_job_at_once_with_its_text_and_no_other_host_tries() {
    let stage = Stage::new(None, &[FAST, &["--backoff-s=1"]].concat());
    let package = stage.path("package");
    write_package(&package);
    let first = stage.worker("first", &[]);
    let second = stage.worker("second", &[]);
    let (_, _) = (first.host(), second.host());
    let job = stage.submit(&package, &[]);
    let held = stage.until(job, "held", |job| job.state == JobState::Held);
    for words in ["fault 7", "the counter passed 24: choose a smaller step"] {
        assert!(held.reason.contains(words), "{held:#?}");
    }
    // Longer than a host that failed would be spared: a retry would have begun.
    std::thread::sleep(Duration::from_secs(3));
    let later = stage.job(job).expect("an answer");
    assert_eq!(later.state, JobState::Held, "{later:#?}");
    let outcomes: Vec<Option<Outcome>> = later.stays.iter().map(|stay| stay.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::ClientError)], "{later:#?}");
    assert_eq!(later.segment, 2, "what was computed before the fault is kept: {later:#?}");
}
