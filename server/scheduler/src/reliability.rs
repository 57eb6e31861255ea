//! Each host's chance to be there still, in integers: the same on every machine.
//!
//! Prior: the loss curve of Beberg and Pande, figure 1 (a new host has more than 5 % chance to leave on the next day, less than 1 % after
//! 21 days, about 0.7 % from day 60 on). A host's recorded losses and silences are added to the prior as a rate: over 10 days and
//! the days that it has been observed (at most 90).

use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 3_600_000;
/// Faults are spread over the days observed, and this many more.
const PRIOR_DAYS: u64 = 10;
/// A silence that ended again, in parts per million of a loss.
const SILENCE_PPM: u64 = 50_000;
/// (age in days, chance to leave on the next day in parts per million)
const CURVE: [(u64, u64); 6] = [(0, 60_000), (1, 52_000), (7, 26_000), (21, 9_500), (60, 7_000), (180, 7_000)];

/// How far a host is to be trusted with what takes long. Ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Trust {
    /// Departs within minutes: trusted with what ends before alone.
    Leaving,
    /// New, flaky, or leaves within hours.
    Flaky,
    /// Between the two.
    Fair,
    /// Less than 1 % chance to leave on the next day.
    Reliable,
}

/// The prior's chance to leave on the next day, parts per million, for a host of that age.
pub fn prior_ppm(age_ms: u64) -> u64 {
    let hours = age_ms / 3_600_000;
    for pair in CURVE.windows(2) {
        let ((from, high), (to, low)) = (pair[0], pair[1]);
        if hours < to * 24 {
            let (done, span) = (hours - from * 24, (to - from) * 24);
            return high - (high - low) * done / span;
        }
    }
    CURVE[CURVE.len() - 1].1
}

/// The chance to leave on the next day, parts per million, of a host with that history.
pub fn hazard_ppm(age_ms: u64, losses: u32, silences: u32) -> u64 {
    let days = age_ms / DAY_MS;
    let lost = u64::from(losses) * 1_000_000 + u64::from(silences) * SILENCE_PPM;
    // Having stayed so long is in the prior's curve already; what counts on top is what went wrong.
    (prior_ppm(age_ms) + lost / (PRIOR_DAYS + days.min(90))).min(1_000_000)
}

/// The chance to be there after `hours`, parts per million, at a constant hazard per day.
pub fn chance_ppm(hazard_ppm: u64, hours: u64) -> u32 {
    const ONE: u64 = 1_000_000_000;
    let mut factor = ONE - (hazard_ppm.min(1_000_000) * 1000) / 24;
    let (mut chance, mut left) = (ONE, hours);
    while left > 0 {
        if left % 2 == 1 {
            chance = chance * factor / ONE;
        }
        factor = factor * factor / ONE;
        left /= 2;
    }
    u32::try_from(chance / 1000).unwrap_or(u32::MAX)
}

/// Trust from a hazard.
pub(crate) fn trust(hazard_ppm: u64) -> Trust {
    match hazard_ppm {
        0..10_000 => Trust::Reliable,
        10_000..40_000 => Trust::Fair,
        _ => Trust::Flaky,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_is_the_papers_curve() {
        assert!(
            prior_ppm(0) > 50_000 && prior_ppm(DAY_MS) > 50_000,
            "a new host: more than 5 % a day"
        );
        assert!(prior_ppm(21 * DAY_MS) < 10_000, "day 21: below 1 % a day");
        for day in 60..=400 {
            assert_eq!(prior_ppm(day * DAY_MS), 7_000, "from day 60: 0.7 % a day");
        }
        assert!(
            (0..5000).all(|hour| prior_ppm(hour * 3_600_000) >= prior_ppm((hour + 1) * 3_600_000)),
            "it never rises"
        );
    }

    #[test]
    fn chances_multiply_and_losses_lower_them() {
        assert_eq!(chance_ppm(0, 1000), 1_000_000);
        let day = chance_ppm(10_000, 24);
        assert!((989_900..990_200).contains(&day), "1 % a day over a day: {day}");
        assert!(chance_ppm(10_000, 168) < day);
        assert_eq!(chance_ppm(1_000_000, 1000), 0);
        let age = 100 * DAY_MS;
        assert!(hazard_ppm(age, 0, 0) < hazard_ppm(age, 0, 5) && hazard_ppm(age, 0, 5) < hazard_ppm(age, 3, 5));
        assert_eq!(trust(hazard_ppm(age, 0, 0)), Trust::Reliable);
        assert_eq!(trust(hazard_ppm(0, 0, 0)), Trust::Flaky);
        assert_eq!(trust(hazard_ppm(age, 9, 0)), Trust::Flaky);
    }
}
