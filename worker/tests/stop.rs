//! Signals: the first stops at the next boundary, the second at once, and a resumed run ends where an untouched one does.

#![cfg(unix)]

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Place;

const SEGMENTS: usize = 14;

/// Start the template, wait for its first boundary on disk, and send signals 30 ms apart.
fn stopped(place: &Place, out: &str, signals: &[&str]) -> (i32, String) {
    let mut command = place.command(&format!("run m --segments {SEGMENTS} --out {out} --submit-ms 1"));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    wait_for_boundary(&mut child, &place.path(out).join("chain.jsonl"));
    for signal in signals {
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, id.as_str()])
                .status()
                .expect("kill is there")
                .success()
        );
        std::thread::sleep(Duration::from_millis(30));
    }
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn wait_for_boundary(child: &mut Child, chain: &Path) {
    let began = Instant::now();
    while std::fs::read_to_string(chain).map_or(0, |text| text.lines().count()) < 2 {
        assert!(
            child.try_wait().expect("it can be asked").is_none(),
            "it ended before its first boundary"
        );
        assert!(began.elapsed() < Duration::from_secs(120), "no boundary in two minutes");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn stopped_by_ctrl_c_then_resumed_equals_untouched() {
    let place = Place::new();
    if !place.has_device("stopped_by_ctrl_c_then_resumed_equals_untouched") {
        return;
    }
    place.done("new m");
    place.done(&format!("run m --segments {SEGMENTS} --out untouched"));
    let untouched = place.done("chain untouched");
    for (out, signals) in [
        ("int", vec!["-INT"]),
        ("term", vec!["-TERM"]),
        ("twice", vec!["-INT", "-INT"]),
    ] {
        let (code, err) = stopped(&place, out, &signals);
        assert_eq!(code, 85, "{out}: {err}");
        assert!(err.contains("stopping"), "{out}: {err}");
        let part = place.done(&format!("chain {out}"));
        assert!(
            untouched.starts_with(&part) && part.len() < untouched.len(),
            "{out}: it stopped on the way, on the same chain"
        );
        let said = place.baton(&format!("resume {out}"));
        assert_eq!(said.code, 0, "{out}: {}", said.err);
        assert!(said.err.contains("from segment"), "{}", said.err);
        assert_eq!(place.done(&format!("chain {out}")), untouched, "{out}");
        let bytes = |run: &str, file: &str| std::fs::read(place.path(run).join(file)).expect("an output file");
        for file in ["frames-positions.bin", "observables.csv"] {
            assert_eq!(bytes(out, file), bytes("untouched", file), "{out}: {file}");
        }
    }
}

#[test]
fn another_hardware_class_is_refused_with_both_classes_shown() {
    let place = Place::new();
    if !place.has_device("another_hardware_class_is_refused_with_both_classes_shown") {
        return;
    }
    place.done("new m");
    place.done("run m --segments 2 --out r");
    // As if it came from elsewhere: another class on every line, which no digest covers.
    let chain = place.path("r/chain.jsonl");
    let text = std::fs::read_to_string(&chain).unwrap();
    let value: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let key = value["class"]["key"].as_str().unwrap();
    std::fs::write(&chain, text.replace(key, &"0".repeat(64))).unwrap();
    let said = place.baton("resume r");
    assert_eq!(said.code, 86, "{}", said.err);
    assert!(
        said.err.contains(&key[..12]) && said.err.contains("000000000000"),
        "{}",
        said.err
    );
    assert_eq!(place.baton("resume r --force-class").code, 0);
}
