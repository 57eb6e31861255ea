//! Contract of the check `checked`: it covers all steps that are asked for and says how many, and it finds what is lost at a boundary without
//! accusing those who count on zeros there.

use std::sync::Arc;

use fpcheck::conformance::{Cell, Outcome, Settings, conformance};
use kernels::package::Package;

const STEPS: u64 = 40;

/// A package of one element in each of state `x` and scratch `s`, with segments of `segment` steps and these passes.
fn package(segment: u64, passes: &[(&str, &str, &str)]) -> Package {
    let folder = tempfile::tempdir().expect("a folder");
    let mut manifest = format!(
        "format = 1\nname = \"small\"\nversion = \"1\"\ntier = \"portable\"\n[run]\nsteps_per_segment = {segment}\nsegments = 10\n\
         [[buffer]]\nname = \"x\"\ntype = \"f32\"\nshape = [1]\nrole = \"state\"\nfill = 1.0\n\
         [[buffer]]\nname = \"s\"\ntype = \"f32\"\nshape = [1]\nrole = \"scratch\"\n"
    );
    for (name, when, body) in passes {
        manifest += &format!("[[pass]]\nname = \"{name}\"\nshader = [\"{name}.wgsl\"]\nworkgroups = [1]\n{when}\n");
        let text = format!(
            "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n\
             @group(0) @binding(1) var<storage, read_write> s: array<f32>;\n\
             @group(0) @binding(2) var<uniform> clock: vec4<u32>;\n\
             @compute @workgroup_size(1)\nfn {name}() {{ {body} }}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.wgsl")), text).expect("written");
    }
    std::fs::write(folder.path().join("kernel.toml"), manifest).expect("written");
    Package::load(folder.path()).unwrap_or_else(|error| panic!("{error}"))
}

fn checked(package: Package) -> Cell {
    let settings = Settings {
        steps: STEPS,
        only: vec!["checked".to_owned()],
        ..Settings::default()
    };
    let device = device::select("cpu").expect("the CPU device is always there");
    let report = conformance(&[Arc::clone(&device)], &[package], &settings, &mut |_| ()).expect("the reference runs");
    let covered = report.cells[0].steps.expect("it runs a package");
    let line = report.lines().into_iter().find(|line| line.starts_with("checked small"));
    assert!(line.expect("a row").contains(&format!(", {covered} steps")));
    report.cells.into_iter().next().expect("one check")
}

#[test]
fn a_fault_at_any_step_that_was_asked_for_is_found() {
    for when in [0, 1, 10, STEPS - 1] {
        let divides = format!("s[0] = f32(clock.x); x[0] = 1.0 / (s[0] - {when}.0);");
        for segment in [7, 1000] {
            let cell = checked(package(segment, &[("go", "", &divides)]));
            assert_eq!(
                cell.outcome,
                Outcome::Failed,
                "step {when}, segments of {segment}: {}",
                cell.words
            );
            assert!(
                cell.words.contains("go.wgsl:5:") && cell.words.contains("an infinity"),
                "{}",
                cell.words
            );
            assert!(
                cell.steps.is_some_and(|steps| (STEPS..STEPS + 10).contains(&steps)),
                "{:?}",
                cell.steps
            );
        }
    }
}

#[test]
fn what_is_lost_at_a_boundary_is_found_and_counting_on_zeros_is_not() {
    let even = ("even", "every = 2\noffset = 0", "s[0] = x[0] * 0.5;");
    let odd = ("odd", "every = 2\noffset = 1", "x[0] = s[0] + 1.0;");
    // With an odd number of steps a segment, every other one begins with the odd pass, which reads what the last one stored.
    let lost = checked(package(5, &[even, odd]));
    assert_eq!(lost.outcome, Outcome::Failed, "{}", lost.words);
    assert!(
        lost.words.contains("lost at a boundary: read of 's' at byte 0"),
        "{}",
        lost.words
    );
    let kept = checked(package(4, &[even, odd]));
    assert_eq!(kept.outcome, Outcome::Passed, "{}", kept.words);
    // A flag that is zero after each boundary, and says that something was made since.
    let flag = "if s[0] == 0.0 { s[0] = 1.0; x[0] = x[0] * 0.5 + 1.0; }";
    let flagged = checked(package(5, &[("go", "", flag)]));
    assert_eq!(flagged.outcome, Outcome::Passed, "{}", flagged.words);
}
