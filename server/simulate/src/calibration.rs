//! The paper's figures, measured in the simulated population: lives and hours are counted, not read from the formulas that they are drawn from.

use serde::Serialize;

use crate::parameters::Parameters;
use crate::population::{Change, DAY, Life, Network, Population};

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

/// Figures 1 to 3.
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
    /// Figure 3: distinct addresses and check-ins of the same hosts, in the order of their slots.
    pub network: Vec<(u64, u64)>,
}

/// Measures the population of the parameters.
#[must_use]
pub fn measure(parameters: &Parameters) -> Calibration {
    let undivided = Parameters {
        servers: 1,
        ..parameters.clone()
    };
    let population = Population::of_server(&undivided, None, 0);
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
    let (mut hours, mut network) = (Vec::new(), Vec::new());
    for slot in 0..RANKED {
        let up = first_month(&population, slot);
        let sum: u64 = up.iter().map(|(from, to)| to - from).sum();
        hours.push(sum as f64 / 3_600_000.0 / RANKED_DAYS as f64);
        let Network { addresses, check_ins } = Network::of(&population, &population.host(slot, 0, 0), &up);
        network.push((addresses, check_ins));
    }
    hours.sort_by(|a, b| b.total_cmp(a));
    let of_network = |holds: fn(u64, u64) -> bool| {
        100.0
            * network
                .iter()
                .filter(|(addresses, check_ins)| holds(*addresses, *check_ins))
                .count() as f64
            / RANKED as f64
    };
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
        row(
            "hosts with more than 100 check-ins",
            "5 (eight of 159)",
            of_network(|_, check_ins| check_ins > 100),
        ),
        row(
            "hosts with several addresses and no more check-ins than twice as many",
            "a cluster along the line of one to one",
            of_network(|addresses, check_ins| addresses > 1 && check_ins <= 2 * addresses),
        ),
        row(
            "hosts with one address and up to 100 check-ins",
            "along the x axis, all of a low number",
            of_network(|addresses, check_ins| addresses == 1 && check_ins <= 100),
        ),
    ];
    Calibration {
        rows,
        retention,
        loss,
        hours,
        network,
    }
}

/// When a host is up in a month in which it stays.
fn first_month(population: &Population<'_>, slot: u64) -> Vec<(u64, u64)> {
    let mut host = population.host(slot, 0, 0);
    host.leaves_ms = u64::MAX;
    let end = RANKED_DAYS * DAY;
    let (mut life, mut at, mut change) = Life::begin(population, &host, 0);
    let (mut up, mut since) = (Vec::new(), None);
    while at < end {
        match change {
            Change::Up => since = Some(at),
            Change::Down | Change::Gone => up.extend(since.take().map(|since| (since, at))),
            Change::Announce { .. } => {}
        }
        match life.next(population, &host, at, change) {
            Some((next_at, next)) => (at, change) = (next_at, next),
            None => break,
        }
    }
    up.extend(since.map(|since| (since, end)));
    up
}
