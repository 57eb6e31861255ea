//! The committed OpenAPI document is the one that the server serves, and its words are those on the wire.

use std::path::Path;

use protocol::{ErrorCause, HostState, JobState, Outcome};
use serde_json::{Value, json};

fn served() -> Value {
    serde_json::to_value(server::routes::openapi()).expect("the document is JSON")
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = serde_json::to_string_pretty(&served()).expect("the document is JSON") + "\n";
    if std::env::var_os("BATON_BLESS").is_some() {
        std::fs::write(&path, &text).expect("docs/ can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = committed
        .lines()
        .zip(text.lines())
        .position(|(committed, served)| committed != served);
    assert!(
        committed == text,
        "docs/openapi.json differs from line {} on: look at what changed, then write it anew with\n  \
         BATON_BLESS=1 cargo nextest run --release -p baton-server the_committed_document",
        differs.unwrap_or(committed.lines().count().min(text.lines().count())) + 1
    );
}

#[test]
fn enums_of_the_document_are_as_on_the_wire() {
    let schemas = &served()["components"]["schemas"];
    let words = |name: &str| schemas[name]["enum"].clone();
    assert_eq!(words("JobState"), json!(JobState::ALL));
    assert_eq!(words("HostState"), json!(HostState::ALL));
    assert_eq!(words("Outcome"), json!(Outcome::ALL));
    assert_eq!(words("ErrorCause"), json!(ErrorCause::ALL));
    assert_eq!(words("Scope"), json!(["host", "referee", "scientist", "operator"]));
    assert_eq!(words("Tier"), json!([protocol::Tier::Portable, protocol::Tier::ClassBound]));
    assert_eq!(words("Action"), json!(["run", "wait", "stop-at-boundary", "stop-now"]));
    // No word anywhere is a variant's name.
    for (name, schema) in schemas.as_object().expect("schemas by name") {
        for word in schema["enum"].as_array().into_iter().flatten() {
            let word = word.as_str().expect("a word");
            assert!(!word.contains(char::is_uppercase), "{name}: {word}");
        }
    }
}
