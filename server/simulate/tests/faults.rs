//! Worlds under faults: a hundred seeds without a broken invariant, each replays exactly, and parts that work wrongly on purpose are found.

use simulate::faults::chance::Script;
use simulate::faults::{Mutant, campaign, play, play_noted, replay, shrink};

#[test]
fn a_hundred_worlds_under_faults_break_no_invariant() {
    let broken: Vec<String> = (0..100)
        .filter_map(|seed| play(seed, None).err())
        .map(|broken| broken.to_string())
        .collect();
    assert!(broken.is_empty(), "{} worlds:\n{}", broken.len(), broken.join("\n\n"));
    let played = campaign(0..20, None).expect("they were played before");
    println!("{played:?}");
    assert!(played.jobs > 40 && played.lost > 1000 && played.twice > 200, "{played:?}");
    assert!(played.crashes > 40 && played.restarts > 10 && played.ended > 40, "{played:?}");
    assert!(played.made_up >= 5 && played.taken_back >= 2, "{played:?}");
}

#[test]
fn a_seed_replays_exactly() {
    assert_eq!(play(7, None), play(7, None));
    assert_eq!(play_noted(7, None), play_noted(7, None));
    assert_ne!(
        play(7, None).map(|played| played.digest),
        play(8, None).map(|played| played.digest)
    );
    let broken = |seed| play(seed, Some(Mutant::RollbackForgotten)).err();
    let seed = (0..200).find(|seed| broken(*seed).is_some()).expect("the mutant is found");
    assert_eq!(broken(seed), broken(seed));
}

#[test]
fn every_mutant_is_found() {
    for mutant in Mutant::ALL {
        let found = (0..300).find_map(|seed| play(seed, Some(mutant)).err());
        let found = found.unwrap_or_else(|| panic!("{mutant:?} is not found"));
        println!("{mutant:?}: {} seeds: {}", found.seed + 1, found.what);
    }
}

/// Fewer faults break the same, and none of them can be left out.
#[test]
fn a_broken_world_is_shrunk_to_the_faults_that_it_takes() {
    let mutant = Some(Mutant::EpochUnchecked);
    let broken = (0..300)
        .find_map(|seed| play(seed, mutant).err())
        .expect("the mutant is found");
    let least = shrink(&broken, mutant);
    assert!(
        least.script.len() * 4 < broken.script.len(),
        "{} of {}",
        least.script.len(),
        broken.script.len()
    );
    let all: Script = least.script.iter().map(|struck| struck.strike).collect();
    assert_eq!(
        replay(broken.seed, mutant, all.clone()).err().as_deref(),
        Some(&least),
        "it replays exactly"
    );
    for strike in &all {
        let mut rest = all.clone();
        rest.remove(strike);
        let found = replay(broken.seed, mutant, rest).err();
        assert!(
            found.is_none_or(|found| found.kind() != least.kind()),
            "{strike:?} is not needed"
        );
    }
}
