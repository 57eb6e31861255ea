//! A bounded run of every fuzz target; a campaign is the same with more cases:
//! `BATON_FUZZ=100000 cargo nextest run --release -p contracts --test fuzz`, from another seed with `BATON_FUZZ_SEED=7`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use contracts::fuzz::{TARGETS, case};

#[test]
fn whatever_the_bytes_readers_return() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("BATON_FUZZ_SEED").unwrap_or(1);
    let mut failed = Vec::new();
    for target in TARGETS {
        let cases = number("BATON_FUZZ").map_or(target.cases, |cases| u32::try_from(cases).unwrap_or(u32::MAX));
        let corpus = (target.corpus)();
        for number in 0..cases {
            let bytes = case(target, &corpus, seed, number);
            if catch_unwind(AssertUnwindSafe(|| (target.read)(&bytes))).is_err() {
                let path = std::env::temp_dir().join(format!("baton-fuzz-{}-{seed}-{number}", target.name));
                std::fs::write(&path, &bytes).expect("room for a failing input");
                failed.push(format!("{} seed {seed} case {number}: {}", target.name, path.display()));
            }
        }
    }
    assert!(failed.is_empty(), "panicked:\n{}", failed.join("\n"));
}

#[test]
fn a_case_is_a_function_of_its_numbers() {
    for target in TARGETS {
        let corpus = (target.corpus)();
        assert_eq!(case(target, &corpus, 1, 5), case(target, &corpus, 1, 5), "{}", target.name);
        assert_ne!(case(target, &corpus, 1, 5), case(target, &corpus, 2, 5), "{}", target.name);
    }
}
