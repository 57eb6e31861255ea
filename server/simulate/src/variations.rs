//! The comparison again, with one thing different at a time: boundary spacing, job size, bandwidth, classes, hosts.

use crate::comparison::{Comparison, compare};
use crate::parameters::Parameters;
use crate::trace::Recorded;

/// A change of the parameters.
type Change = fn(&mut Parameters);

/// Name and change of each variation.
const VARIATIONS: &[(&str, Change)] = &[
    (
        "a boundary every minute of the reference device, instead of every ten; commits still ten minutes apart",
        |p| {
            let fold = (4000 / p.jobs.segments).clamp(1, 10);
            p.jobs.segments *= fold;
            p.jobs.segment_s = (p.jobs.segment_s / fold as f64).max(1.0);
        },
    ),
    ("a boundary every hour", |p| {
        let work_s = p.jobs.segment_s * p.jobs.segments as f64;
        p.jobs.segments = ((work_s / 3600.0) as u64).max(1);
        p.jobs.segment_s = work_s / p.jobs.segments as f64;
    }),
    ("jobs of a quarter of the work", |p| {
        p.jobs.segments = (p.jobs.segments / 4).max(1)
    }),
    ("jobs of four times the work", |p| {
        p.jobs.segments = (p.jobs.segments * 4).min(4000)
    }),
    ("a twentieth of the bandwidth", |p| {
        p.population.downlink_mbit = (p.population.downlink_mbit / 20.0).max(0.01);
        p.population.uplink_mbit = (p.population.uplink_mbit / 20.0).max(0.01);
    }),
    ("work bound to hardware classes of 2 %, instead of one class for all", |p| {
        p.jobs.class_bound = true;
        p.population.classes = 50;
    }),
    ("half of the hosts always on, a quarter daily, a quarter fickle", |p| {
        (p.population.always_on, p.population.daily) = (0.5, 0.25);
    }),
];

/// Each variation over the same seed.
///
/// # Errors
/// As of a comparison.
pub fn variations(
    parameters: &Parameters,
    recorded: Option<&[Recorded]>,
    threads: usize,
) -> Result<Vec<(String, Comparison)>, String> {
    let vary = |(name, change): &(&str, Change)| {
        let mut parameters = parameters.clone();
        change(&mut parameters);
        Ok(((*name).to_owned(), compare(&parameters, recorded, threads)?))
    };
    VARIATIONS.iter().map(vary).collect()
}
