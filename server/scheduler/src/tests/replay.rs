//! Logs that older rules wrote, and the states that those rules reached: a replay comes to the same.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::random::Chaos;
use crate::{Config, Core, Event, RULES, RULES_OLDEST};

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

#[test]
fn a_log_of_older_rules_replays_to_the_state_that_they_reached() {
    for rules in RULES_OLDEST..RULES {
        let frozen: Frozen = serde_json::from_slice(&std::fs::read(path(rules)).unwrap()).unwrap();
        let mut core = Core::new(frozen.config);
        for (at_ms, event) in &frozen.events {
            core.replay(event, *at_ms, rules)
                .unwrap_or_else(|refusal| panic!("rules {rules} took {event:?}, now: {refusal}"));
        }
        let reached = Core::restore(&serde_json::to_vec(&frozen.state).unwrap()).unwrap();
        let show = |core: &Core| String::from_utf8(core.save().unwrap()).unwrap();
        let (shown, expected) = (show(&core), show(&reached));
        let same = shown
            .bytes()
            .zip(expected.bytes())
            .take_while(|(one, other)| one == other)
            .count();
        let near = |text: &str| text[same.saturating_sub(200)..text.len().min(same + 100)].to_owned();
        assert!(shown == expected, "rules {rules}: {} for {}", near(&shown), near(&expected));
        assert!(frozen.events.len() > 300, "the log says little");
    }
}
