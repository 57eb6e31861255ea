//! Contract: a portable run may go to another device at every boundary, and its chain stays one chain; a class-bound run may not, is told why, and
//! diverges where it is forced to; `fpcheck bisect` names the place. Real processes, with run directories that are moved between them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use contracts::{Dice, WRONG_CLASS, all_drivers, baton, program, results, said, short_package};
use serde_json::Value;

const SEGMENTS: u64 = 5;

fn call(arguments: &[&str]) -> Output {
    let mut command = baton(arguments);
    all_drivers(&mut command).output().expect("baton starts")
}

fn done(arguments: &[&str]) -> Output {
    let output = call(arguments);
    assert!(output.status.success(), "baton {arguments:?}: {}", said(&output));
    output
}

/// `baton devices --json`, CPU device first.
fn devices() -> Vec<Value> {
    serde_json::from_slice(&done(&["devices", "--json"]).stdout).expect("JSON")
}

fn id(device: &Value) -> &str {
    device["id"].as_str().expect("an id")
}

/// Ids of the devices that share the portable class; counted where there is only one.
fn portable() -> Vec<String> {
    let all = devices();
    let class = |device: &Value| device["portable_class"].as_str().map(str::to_owned);
    let ours = class(&all[0]);
    assert!(ours.is_some(), "the CPU device is of the portable class");
    let ids: Vec<String> = all
        .iter()
        .filter(|device| class(device) == ours)
        .map(|device| id(device).to_owned())
        .collect();
    if ids.len() < 2 {
        assert!(
            std::env::var_os("BATON_REQUIRE_GPU").is_none(),
            "no second device of the portable class"
        );
        println!("skipped: hops: no second device of the portable class");
    }
    ids
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test is UTF-8")
}

fn hops(example: &str, steps_per_segment: u64, orders: u64) {
    let ids = portable();
    let place = tempfile::tempdir().expect("a temporary folder");
    let package = place.path().join("package");
    short_package(example, steps_per_segment, &package);
    let whole = place.path().join("whole");
    let segments = SEGMENTS.to_string();
    done(&[
        "run",
        text(&package),
        "--device",
        "cpu",
        "--segments",
        &segments,
        "--out",
        text(&whole),
    ]);
    let expected = results(&whole);
    for seed in 0..orders {
        let mut dice = Dice(seed);
        let mut folder = place.path().join(format!("{seed}-0"));
        let mut turns: Vec<&str> = Vec::new();
        let mut sits = ids.len();
        for segment in 1..=SEGMENTS {
            let mut next = dice.below(ids.len() as u64) as usize;
            if next == sits {
                next = (next + 1) % ids.len();
            }
            sits = next;
            let (device, segment) = (ids[next].as_str(), segment.to_string());
            turns.push(device);
            if segment == "1" {
                done(&[
                    "run",
                    text(&package),
                    "--device",
                    device,
                    "--segments",
                    "1",
                    "--out",
                    text(&folder),
                ]);
                continue;
            }
            let moved = place.path().join(format!("{seed}-{segment}"));
            std::fs::rename(&folder, &moved).expect("a run directory can be moved");
            folder = moved;
            done(&["resume", text(&folder), "--device", device, "--segments", &segment]);
        }
        for ((name, expected), (found_name, found)) in expected.iter().zip(results(&folder)) {
            assert_eq!(*name, found_name, "{turns:?}");
            assert!(
                *expected == found,
                "{example} by {turns:?}: {name} differs from the run that stayed on the CPU device"
            );
        }
        assert_eq!(results(&folder).len(), expected.len());
        std::fs::remove_dir_all(&folder).expect("it can go");
    }
}

#[test]
fn argon_hops_at_every_boundary() {
    hops("argon", 20, 2);
}

#[test]
fn ising_hops_at_every_boundary() {
    hops("ising", 20, 1);
}

#[test]
fn gray_scott_hops_at_every_boundary() {
    hops("gray-scott", 20, 1);
}

/// Constraints, virtual sites, a heat bath. With PME too where BATON_GPU_TRANSFORMS=1 asks for it: llvmpipe takes minutes to compile a transform.
#[test]
fn molecules_hop_at_every_boundary() {
    hops("water-with-sites", 20, 1);
    if std::env::var_os("BATON_GPU_TRANSFORMS").is_some() {
        hops("water-with-sites-and-pme", 20, 1);
    } else {
        println!("skipped: hops of molecules with PME (BATON_GPU_TRANSFORMS=1 runs them)");
    }
}

/// The class-bound run: V's square by way of exp and log, whose last bits drivers choose.
const ODD: &str = "let reaction = cell.x * exp(2.0 * log(max(cell.y, 1e-6)));";

#[test]
fn a_class_bound_run_is_refused_elsewhere_and_forced_it_parts_where_bisect_says() {
    let all = devices();
    let Some(foreign) = all.iter().find(|device| device["backend"] == "vulkan") else {
        assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "no Vulkan device");
        return println!("skipped: hops: no Vulkan device");
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    let package = place.path().join("package");
    short_package("gray-scott", 20, &package);
    let edit = |file: &str, from: &str, to: &str| {
        let path = package.join(file);
        let text = std::fs::read_to_string(&path).expect("a file of the package");
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(&path, text.replace(from, to)).expect("written");
    };
    edit("kernel.toml", "tier = \"portable\"", "tier = \"class-bound\"");
    edit("euler.wgsl", "let reaction = cell.x * (cell.y * cell.y);", ODD);
    let (stays, goes) = (place.path().join("stays"), place.path().join("goes"));
    done(&[
        "run",
        text(&package),
        "--device",
        "cpu",
        "--segments",
        "3",
        "--out",
        text(&stays),
    ]);
    done(&[
        "run",
        text(&package),
        "--device",
        "cpu",
        "--segments",
        "2",
        "--out",
        text(&goes),
    ]);

    let resume = ["resume", text(&goes), "--device", id(foreign), "--segments", "3"];
    let refused = call(&resume);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(WRONG_CLASS), "{words}");
    for device in [&all[0], foreign] {
        let key = device["class_bound_class"].as_str().expect("a class");
        assert!(
            words.contains(&key[..12]),
            "the message lacks {}'s class: {words}",
            id(device)
        );
    }
    assert!(words.contains("backend: cpu against vulkan"), "{words}");
    assert!(words.contains("exp(t): as the oracle, against: "), "{words}");

    done(&[&resume[..], &["--force-class"]].concat());
    let output = all_drivers(
        Command::new(program("fpcheck"))
            .args(["bisect", "--json", text(&stays), text(&goes)])
            .stdin(Stdio::null()),
    )
    .output()
    .expect("fpcheck starts");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let part = &found["part"];
    assert_eq!(
        (&part["segment"], &part["pass"], &part["buffer"]),
        (&3.into(), &"first_half".into(), &"between".into()),
        "{found}"
    );
    assert_eq!(part["devices"], serde_json::json!(["cpu", id(foreign)]), "{found}");
    let step = part["step"].as_u64().expect("a step");
    assert!((40..60).contains(&step), "{found}");
    assert_ne!(part["a"]["bits"], part["b"]["bits"]);
    let lines: Vec<&str> = part["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|line| line["text"].as_str())
        .collect();
    assert!(lines.contains(&ODD), "{found}");

    let agree = all_drivers(Command::new(program("fpcheck")).args(["bisect", text(&stays), text(&stays)])).output();
    assert!(agree.expect("fpcheck starts").status.success(), "a run parts from itself");
}

#[test]
fn the_conformance_suite_passes_and_writes_its_report() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let page = place.path().join("report.html");
    let quick = ["--steps", "20", "--repeats", "2", "--orders", "2", "--cases", "4096"];
    let mut command = Command::new(program("fpcheck"));
    command
        .args(["conformance", "gray-scott", "--json", "--html", text(&page)])
        .args(quick);
    let output = all_drivers(&mut command).output().expect("fpcheck starts");
    assert!(output.status.success(), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let outcome = |check: &str, device: &str| {
        let cells = report["cells"].as_array().expect("cells");
        let found = cells.iter().find(|cell| cell["check"] == check && cell["device"] == device);
        found.map(|cell| cell["outcome"].as_str().expect("an outcome").to_owned())
    };
    for check in [
        "probes",
        "deep",
        "repeats",
        "golden",
        "interruptions",
        "submits",
        "pipelines",
        "orders",
        "checked",
    ] {
        assert_eq!(outcome(check, "cpu").as_deref(), Some("passed"), "{check}");
    }
    let page = std::fs::read_to_string(page).expect("a page");
    for device in report["devices"].as_array().expect("devices") {
        let strings = device["strict"]
            .as_array()
            .expect("words")
            .iter()
            .chain(device["stock"].as_array().expect("words"));
        for words in strings.filter_map(Value::as_str) {
            let escaped = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            assert!(page.contains(&escaped), "the page does not say: {words}");
        }
    }
    assert!(!page.contains("http"), "the page needs nothing beside itself");
    // A check that nobody knows is a mistake to be told, not a suite that passes.
    let unknown = Command::new(program("fpcheck"))
        .args(["conformance", "--only", "everything"])
        .output();
    assert_eq!(unknown.expect("fpcheck starts").status.code(), Some(2));
}
