//! Logs that older rules wrote, and the states that those rules reached: a replay comes to the same.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::random::Chaos;
use crate::{Config, Event, RULES};

/// A log of accepted events, each with its time, and the state after the last.
#[derive(Serialize, Deserialize)]
struct Frozen {
    config: Config,
    events: Vec<(u64, Event)>,
    state: serde_json::Value,
}

fn path(rules: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/log-rules-{rules}.json"))
}

/// Writes the log of today's rules, once: a file that is there stays as it is.
#[test]
#[ignore = "writes a golden file: cargo nextest run --release -p scheduler --run-ignored only freeze"]
fn freeze_a_log_of_todays_rules() {
    let mut chaos = Chaos::new(14);
    let config = chaos.core.config().clone();
    (0..700).for_each(|_| chaos.step(false));
    let frozen = Frozen {
        config,
        events: chaos.log,
        state: serde_json::from_slice(&chaos.core.save().unwrap()).unwrap(),
    };
    let path = path(RULES);
    assert!(!path.exists(), "{} is frozen: raise RULES to write another", path.display());
    std::fs::write(path, serde_json::to_vec(&frozen).unwrap()).unwrap();
}
