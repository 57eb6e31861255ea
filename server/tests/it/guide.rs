//! The operator's guide says what the program does: its tables of limits are held against the options and constants of the code.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use server::accept::Connections;
use server::sweep::Ages;

fn guide() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operator.md");
    std::fs::read_to_string(path).expect("the guide")
}

/// Options with their defaults, as `--help` says them.
fn options() -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_baton-server"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let mut found = BTreeMap::new();
    let mut option = String::new();
    for line in help.lines().map(str::trim) {
        if let Some(rest) = line
            .strip_prefix("--")
            .or_else(|| line.split_once(", --").map(|(_, rest)| rest))
        {
            option = rest.split([' ', '=', '<']).next().unwrap_or_default().to_owned();
            found.insert(option.clone(), String::new());
        }
        if let Some((_, rest)) = line.split_once("[default: ") {
            found.insert(option.clone(), rest.trim_end_matches(']').to_owned());
        }
    }
    found
}

/// Cells of a table's rows under a heading of the guide.
fn rows(guide: &str, heading: &str) -> Vec<Vec<String>> {
    let from = guide.find(&format!("\n## {heading}\n")).expect("the heading");
    let section = guide[from + 4..].split("\n## ").next().unwrap_or_default();
    let lines = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what |"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.map(cells).collect()
}

#[test]
fn every_limit_that_can_be_set_is_in_the_guide_with_its_default() {
    let (guide, options) = (guide(), options());
    let mut documented = BTreeMap::new();
    for row in rows(&guide, "Limits").iter().filter(|row| row.len() == 4) {
        documented.insert(row[1].trim_matches('`').trim_start_matches("--").to_owned(), row[2].clone());
    }
    for row in rows(&guide, "Times").iter().filter(|row| row[0].starts_with("`--")) {
        documented.insert(row[0].trim_matches('`').trim_start_matches("--").to_owned(), row[1].clone());
    }
    for (option, default) in &documented {
        assert_eq!(options.get(option), Some(default), "--{option}");
    }
    let numeric = options.iter().filter(|(_, default)| default.parse::<u64>().is_ok());
    for (option, default) in numeric {
        assert!(
            documented.contains_key(option),
            "--{option} (default {default}) is in no table of the guide"
        );
    }
    // What is set otherwise is named somewhere.
    for option in options
        .keys()
        .filter(|option| !["help", "version", "data"].contains(&option.as_str()))
    {
        assert!(guide.contains(&format!("--{option}")), "--{option} is not in the guide");
    }
}

#[test]
fn fixed_limits_in_the_guide_are_those_of_the_code() {
    let guide = guide();
    let rows = rows(&guide, "Limits");
    let says = |what: &str| {
        let row = rows.iter().find(|row| row.len() == 3 && row[0].starts_with(what));
        row.unwrap_or_else(|| panic!("no row for {what}"))[1].clone()
    };
    let hours = |time: Duration| format!("{} h", time.as_secs() / 3600);
    let ages = Ages::default();
    assert_eq!(
        says("the head of a request"),
        format!(
            "{} s, {} KiB",
            Connections::default().patience.as_secs(),
            server::accept::HEAD_BYTES_MAX >> 10
        )
    );
    assert_eq!(
        says("an answer or stream"),
        format!("{} s", Connections::default().unread.as_secs())
    );
    assert_eq!(
        says("an ordinary request"),
        format!("{} s", server::guard::PATIENCE.as_secs())
    );
    assert_eq!(
        says("an upload that sends nothing"),
        format!("{} s", server::api::blobs::IDLE.as_secs())
    );
    assert_eq!(
        says("an ordinary JSON body"),
        format!("{} KiB", server::routes::BODY_BYTES_MAX >> 10)
    );
    let commit = (
        server::routes::COMMIT_BYTES_MAX >> 10,
        protocol::http::lease::COMMIT_ENTRIES_MAX,
    );
    assert_eq!(says("a commit"), format!("{} KiB, {} boundaries", commit.0, commit.1));
    assert_eq!(says("streams of one token"), server::app::STREAMS_MAX.to_string());
    assert_eq!(says("a session of the page"), hours(server::session::LASTS));
    assert_eq!(says("an unfinished upload"), hours(ages.unfinished));
    assert_eq!(says("a blob that nothing refers to"), hours(ages.orphan));
    let wait = server::guard::AFTER_A_PANIC.as_secs();
    assert_eq!(
        says("a request over which the rules fail"),
        format!("the sender waits {wait} s")
    );
}
