//! Sweeps and replicas on this machine: one folder, one table, each run an ordinary run directory.

mod common;

use common::Place;

fn last_digest(place: &Place, dir: &str) -> String {
    let out = place.done(&format!("chain {dir}"));
    let line = out.lines().last().expect("a boundary").to_owned();
    line.split_whitespace().last().expect("a digest").to_owned()
}

#[test]
fn each_run_of_an_array_is_the_run_that_the_same_settings_give_alone() {
    let place = Place::new();
    if !place.has_device("each_run_of_an_array_is_the_run_that_the_same_settings_give_alone") {
        return;
    }
    place.done("new walk");
    let report = place.json("run walk --sweep seed=3,5 --segments 2 --out a --device cpu --json");
    let runs = report["runs"].as_array().expect("a list of runs");
    assert_eq!(runs.len(), 2);
    place.done("run walk --set seed=5 --segments 2 --out alone --device cpu");
    assert_eq!(last_digest(&place, "a/0002"), last_digest(&place, "alone"));
    assert_ne!(last_digest(&place, "a/0001"), last_digest(&place, "a/0002"));
    assert_eq!(runs[1]["digest"].as_str(), Some(last_digest(&place, "alone").as_str()));
    place.done("verify a/0001");
    let table = std::fs::read_to_string(place.path("a/results.csv")).unwrap();
    let mut lines = table.lines();
    let header = lines.next().unwrap();
    assert!(
        header.starts_with("run,seed,state,segment,step,digest,message,mean mean_square_distance"),
        "{header}"
    );
    assert!(lines.next().unwrap().starts_with("0001,3,finished,2,2000,"), "{table}");
    let said = place.baton("run walk --replicas 2 --out a");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("baton resume a"), "{}", said.err);
}

#[test]
fn an_array_is_extended_and_its_runs_that_are_missing_are_made() {
    let place = Place::new();
    if !place.has_device("an_array_is_extended_and_its_runs_that_are_missing_are_made") {
        return;
    }
    place.done("new walk");
    place.done("run walk --replicas 2 --seed-from 8 --segments 1 --out a --device cpu");
    std::fs::remove_dir_all(place.path("a/0002")).unwrap();
    place.done("resume a --segments 2 --device cpu");
    place.done("run walk --set seed=9 --segments 2 --out alone --device cpu");
    assert_eq!(last_digest(&place, "a/0002"), last_digest(&place, "alone"));
    let table = std::fs::read_to_string(place.path("a/results.csv")).unwrap();
    assert_eq!(table.matches(",finished,2,").count(), 2, "{table}");
    // What was changed behind its back is refused.
    let record = place.path("a/array.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("\"seed\": 9", "\"seed\": 10")).unwrap();
    let said = place.baton("resume a --segments 3 --device cpu");
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("0002") && said.err.contains("array.json"), "{}", said.err);
    std::fs::write(&record, text.replace("\"run\": \"0002\"", "\"run\": \"../b\"")).unwrap();
    let said = place.baton("resume a --device cpu");
    assert!(said.err.contains("found the folder '../b', expected '0002'"), "{}", said.err);
}

#[test]
fn what_may_be_set_is_listed_and_all_else_is_refused_before_anything_is_made() {
    let place = Place::new();
    let list = place.json("settings gray-scott --json");
    assert_eq!(list[0]["name"], "feed");
    assert_eq!(list[0]["value"], 0.0545);
    assert!(place.done("settings gray-scott").contains("rate at which U is fed"));
    for (words, part) in [
        (
            "run gray-scott --out a --set fed=1",
            "unknown setting 'fed', expected one of 'feed' and 'kill'",
        ),
        (
            "run gray-scott --out a --sweep feed=0:0.2:0.0001 --sweep kill=0:0.2:0.0001",
            "expected at most 10000",
        ),
        (
            "run gray-scott --out a --sweep feed=0.1:0.3:0.1",
            "found '0.3', expected 0.0 to 0.2",
        ),
        ("run gray-scott --out a --replicas 3", "no integer setting 'seed'"),
        ("run ising --out a --seed-from 3", "--replicas"),
    ] {
        let said = place.baton(words);
        assert_eq!(said.code, 2, "{words}: {}", said.err);
        assert!(said.err.contains(part), "{words}: {}", said.err);
        assert!(!place.path("a").exists(), "{words}");
    }
}
