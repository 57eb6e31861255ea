//! The paper's figures, measured in the simulated population: lives and hours are counted, not read from the formulas that they are drawn from.

use serde::Serialize;

use crate::parameters::Parameters;
use crate::population::{Change, DAY, Life, Population};

/// Hosts counted for figure 1, and the days over which hours are counted for figure 2.
const COHORT: u64 = 100_000;
const RANKED: u64 = 159;
const RANKED_DAYS: u64 = 30;

/// One figure of the paper beside the simulated one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What is measured.
    pub what: String,
    /// The paper's words or number.
    pub paper: &'static str,
    /// The simulated value, percent unless `what` says otherwise.
    pub simulated: f64,
}

/// Figures 1 and 2.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Beside the paper's numbers.
    pub rows: Vec<Row>,
    /// Figure 1: percent of hosts that remained after so many days.
    pub retention: Vec<(u64, f64)>,
    /// Figure 1: percent leaving on each of these days.
    pub loss: Vec<(u64, f64)>,
    /// Figure 2: hours a day of 159 hosts, ranked.
    pub hours: Vec<f64>,
}

/// Measures the population of the parameters.
#[must_use]
pub fn measure(parameters: &Parameters) -> Calibration {
    let population = Population::new(parameters, None);
    let days: Vec<u64> = (0..COHORT).map(|slot| population.host(slot, 1, 0).leaves_ms / DAY).collect();
    let after = |day: u64| days.iter().filter(|life| **life >= day).count() as f64;
    let retention = (0..=180).map(|day| (day, 100.0 * after(day) / COHORT as f64)).collect();
    let loss: Vec<(u64, f64)> = (1..=180)
        .map(|day| (day, 100.0 * (1.0 - after(day) / after(day - 1).max(1.0))))
        .collect();
    // Over a few days: one day has few leavers.
    let around = |first: u64, last: u64| {
        let span = (last - first + 1) as f64;
        100.0 * (1.0 - libm::pow(after(last) / after(first - 1).max(1.0), 1.0 / span))
    };
    let mut hours: Vec<f64> = (0..RANKED).map(|slot| hours_a_day(&population, slot)).collect();
    hours.sort_by(|a, b| b.total_cmp(a));
    let share = |least: f64| 100.0 * hours.iter().filter(|hours| **hours > least).count() as f64 / RANKED as f64;
    let row = |what: &str, paper, simulated| Row {
        what: what.to_owned(),
        paper,
        simulated,
    };
    let rows = vec![
        row(
            "chance to leave on the next day, new hosts (day 1)",
            "greater than 5",
            around(1, 1),
        ),
        row(
            "the same at day 21 (mean of days 18 to 24)",
            "below 1 by day 21",
            around(18, 24),
        ),
        row(
            "the same at day 60 (mean of days 50 to 70)",
            "levels off near 0.7",
            around(50, 70),
        ),
        row("the same at day 180 (mean of days 160 to 180)", "near 0.7", around(160, 180)),
        row(
            "hosts highly available (more than 22 hours a day)",
            "three quarters (120 of 159)",
            share(22.0),
        ),
        row(
            "hosts available more than 12 hours a day",
            "all but a small number",
            share(12.0),
        ),
    ];
    Calibration {
        rows,
        retention,
        loss,
        hours,
    }
}

/// Mean hours a day that a host is up, of the first month in which it stays.
fn hours_a_day(population: &Population<'_>, slot: u64) -> f64 {
    let mut host = population.host(slot, 0, 0);
    host.leaves_ms = u64::MAX;
    let end = RANKED_DAYS * DAY;
    let (mut life, mut at, mut change) = Life::begin(population, &host, 0);
    let (mut up, mut since) = (0, None);
    while at < end {
        match change {
            Change::Up => since = Some(at),
            Change::Down | Change::Gone => up += since.take().map_or(0, |since| at - since),
            Change::Announce { .. } => {}
        }
        match life.next(population, &host, at, change) {
            Some((next_at, next)) => (at, change) = (next_at, next),
            None => break,
        }
    }
    up += since.map_or(0, |since| end - since);
    up as f64 / 3_600_000.0 / RANKED_DAYS as f64
}
