//! What goes wrong on this machine is said as that: readers that go away, options that a command has not, URLs and tokens that are none.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::Place;

/// Run with a reader of standard output that goes away at once, or after some bytes.
fn with_a_reader_that_leaves(place: &Place, words: &str, bytes: usize) -> (i32, String) {
    let mut child = place
        .command(words)
        .env_remove("XDG_RUNTIME_DIR")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut read = vec![0; bytes];
    stdout.read_exact(&mut read).expect("so much is printed");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    if !place.has_device("a_reader_that_goes_away_is_no_error") {
        return;
    }
    place.done("new m");
    place.done("run m --out r");
    for words in [
        "chain r",
        "chain r --json",
        "export r --format csv -o -",
        "devices",
        "devices --json",
        "--help",
    ] {
        for bytes in [0, 1] {
            let (code, err) = with_a_reader_that_leaves(&place, words, bytes);
            assert_eq!((code, err.as_str()), (0, ""), "baton {words}");
        }
    }
}

#[test]
fn evaluate_offers_what_it_does_and_no_more() {
    let place = Place::new();
    let help = place.done("evaluate --help");
    assert!(help.contains("--device") && help.contains("--threads") && help.contains("--forces"));
    assert!(
        !help.contains("--plot") && !help.contains("progress") && !help.contains("submit"),
        "{help}"
    );
    assert_eq!(place.baton("evaluate argon --plot").code, 2);
}

#[test]
fn a_server_that_cannot_be_one_is_a_mistake_of_the_command_line() {
    let place = Place::new();
    let token = place.path("token");
    std::fs::write(&token, "secret").unwrap();
    for (url, word) in [
        ("http://127.0.0.1:84770", "port"),
        ("ftp://baton.example", "ftp"),
        ("baton.example", "https://baton.example"),
    ] {
        for command in ["jobs", "worker --state s"] {
            let said = place.baton(&format!("{command} --server {url} --token-file token"));
            assert_eq!(said.code, 2, "{command} {url}: {}", said.err);
            assert!(said.err.contains(url) && said.err.contains(word), "{}", said.err);
        }
    }
    std::fs::write(&token, "sec\nret").unwrap();
    let said = place.baton("jobs --server http://127.0.0.1:1 --token-file token");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("character 4 of its 7"), "{}", said.err);
    let said = place.baton("jobs --server http://127.0.0.1:1 --token-file nowhere");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("nowhere"), "{}", said.err);
    // A byte-order mark is no part of a token: the server is asked, and is away.
    std::fs::write(&token, "\u{feff}secret\r\n").unwrap();
    let said = place.baton("jobs --server http://127.0.0.1:1 --token-file token");
    assert_eq!(said.code, 75, "{}", said.err);
}

#[test]
fn asking_for_the_status_of_no_agent_makes_no_folder() {
    let place = Place::new();
    let said = place.baton("worker status --state typo");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("no agent runs in typo"), "{}", said.err);
    assert!(!place.path("typo").exists());
}

#[test]
fn a_run_that_is_not_molecular_is_told_what_analyse_looks_for() {
    let place = Place::new();
    if !place.has_device("a_run_that_is_not_molecular_is_told_what_analyse_looks_for") {
        return;
    }
    place.drift_package();
    let manifest = place.path("drift/kernel.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("unit = \"nm\"", "unit = \"furlong\"")).unwrap();
    place.done("run drift --out r");
    let said = place.done("analyse r");
    assert!(said.contains("nothing to tell") && !said.contains("  here"), "{said}");
}

#[test]
fn more_steps_than_can_be_counted_are_refused_and_leave_nothing_behind() {
    let place = Place::new();
    place.drift_package();
    let said = place.baton("run drift --out r --device cpu --segments 18446744073709551615");
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("18446744073709551615 segments of 6 steps"), "{}", said.err);
    assert!(!place.path("r").exists());
}
