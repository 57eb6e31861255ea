//! SplitMix64 (Steele, Lea and Flood 2014, <https://doi.org/10.1145/2660193.2660195>): numbers that a seed repeats, for schedules, spread-out
//! pauses and inputs of tests. No simulation draws from it: random numbers of a run are functions of seed, stream, step and particle.
//!
//! Invariant: the series of a seed never changes; fingerprints of devices rest on it.

/// Advance the state, and give the next number of its series.
pub fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_published_series() {
        // Values of Vigna's splitmix64.c for seed 1234567.
        let mut state = 1_234_567;
        let series = [(); 5].map(|()| super::next(&mut state));
        assert_eq!(
            series,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }
}
