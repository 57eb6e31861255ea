//! Fuzz targets: everything that reads bytes from outside, fed with damaged versions of good input.
//!
//! Invariant: whatever the bytes, a target returns; it may refuse, and must not panic, hang or ask for memory without bound.
//! A case is a function of (target, seed, number), so a failure is repeated by its number alone.

mod mutate;
mod targets;

pub use mutate::Random;
pub use targets::{TARGETS, Target};

/// One damaged input for a target, made from its corpus.
pub fn case(target: &Target, corpus: &[Vec<u8>], seed: u64, number: u32) -> Vec<u8> {
    let mut random = Random::new(seed, number);
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        mutate::once(&mut bytes, corpus, target.words, &mut random);
    }
    bytes
}
