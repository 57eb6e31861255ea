//! The policies side by side: one population, one supply of jobs, each policy by itself, and what came of it as figures.
//!
//! Several servers share hosts and jobs evenly and know nothing of each other. Each policy on each server is played by itself, as many at a time as
//! there are threads. Invariant: the figures are those of all servers' jobs together, and the number of threads shows in none of them.

use protocol::Verify;
use serde::Serialize;

use crate::parameters::Parameters;
use crate::policy::{Fixed, Moving, Outcome};
use crate::population::{DAY, MINUTE, Population};
use crate::side_by_side::side_by_side;
use crate::trace::Recorded;
use crate::world::{self, Tally};

/// What came of one policy. Times in hours, shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Its name.
    pub policy: &'static str,
    /// Jobs completed, and a day.
    pub completed: u64,
    /// See above.
    pub completed_per_day: f64,
    /// Work of completed jobs, of all that hosts could have done while they were up.
    pub throughput: f64,
    /// Work lost, of work lost and work of completed jobs.
    pub wasted: f64,
    /// Work done once more to verify jobs, of work of completed jobs.
    pub checked: f64,
    /// From a job's first start to its result; with verification, to its last check.
    pub turnaround_median_h: Option<f64>,
    /// See above, 95 %.
    pub turnaround_95_h: Option<f64>,
    /// Jobs whose result came within a day of the first start.
    pub within_a_day: f64,
    /// From an urgent job's submission to its result.
    pub urgent_median_h: Option<f64>,
    /// See above, 95 %.
    pub urgent_95_h: Option<f64>,
    /// From the moment when a host went down with at most an hour of work left, to the result.
    pub last_hour_median_h: Option<f64>,
    /// See above, 95 %.
    pub last_hour_95_h: Option<f64>,
    /// Times a job that had begun made no progress for six hours, and the same for each 1000 completed jobs.
    pub stranded: u64,
    /// See above.
    pub stranded_per_1000: f64,
    /// Times a job went on on another host.
    pub moves: u64,
    /// Times a job was begun anew.
    pub restarts: u64,
    /// Gigabytes moved to and from hosts.
    pub moved_gb: f64,
    /// Minutes of the reference device in completed jobs, for each megabyte moved.
    pub minutes_per_mb: f64,
    /// Changes and wake-ups simulated; events that the serving core took.
    pub events: u64,
    /// See above.
    pub core_events: u64,
}

/// All policies over one population.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Of what.
    pub parameters: Parameters,
    /// Hosts from a trace instead of the population's distributions.
    pub traced: bool,
    /// One for each policy.
    pub policies: Vec<Summary>,
}

/// The policies, by their names.
pub const POLICIES: [&str; 4] = ["batch", "same host", "moving", "moving, verified"];

/// Simulates every policy over the population of the parameters, or over recorded hosts, on at most so many threads.
///
/// # Errors
/// More servers than hosts; the serving core broke one of its invariants, or refused what it should not.
pub fn compare(parameters: &Parameters, recorded: Option<&[Recorded]>, threads: usize) -> Result<Comparison, String> {
    compare_some(parameters, recorded, &POLICIES, threads)
}

/// The same for some of [`POLICIES`].
///
/// # Errors
/// As [`compare`].
///
/// # Panics
/// A name is none of [`POLICIES`].
pub fn compare_some(
    parameters: &Parameters,
    recorded: Option<&[Recorded]>,
    names: &[&'static str],
    threads: usize,
) -> Result<Comparison, String> {
    let (servers, hosts) = (parameters.servers, Population::size(parameters, recorded));
    if !(1..=hosts).contains(&servers) {
        let of = if recorded.is_some() { "of the trace" } else { "simulated" };
        return Err(format!("servers: {servers}, expected 1 to {hosts}, the number of hosts {of}"));
    }
    let worlds: Vec<(&'static str, u64)> = names
        .iter()
        .flat_map(|name| (0..servers).map(|server| (*name, server)))
        .collect();
    let mut tallies = side_by_side(threads, &worlds, |(name, server)| play(parameters, recorded, name, *server))?.into_iter();
    let mut policies = Vec::new();
    for name in names {
        let mut all = Tally::default();
        tallies
            .by_ref()
            .take(crate::policy::index(servers))
            .for_each(|tally| all.add(tally));
        policies.push(summary(name, parameters, all));
    }
    Ok(Comparison {
        parameters: parameters.clone(),
        traced: recorded.is_some(),
        policies,
    })
}

/// One policy on one server.
fn play(parameters: &Parameters, recorded: Option<&[Recorded]>, name: &str, server: u64) -> Result<Tally, String> {
    let population = Population::of_server(parameters, recorded, server);
    let slots = population.slots();
    let moving = |verify| Moving::new(parameters, slots, verify, server);
    let played = match name {
        "batch" => world::play(&population, Fixed::new(parameters, slots, false)),
        "same host" => world::play(&population, Fixed::new(parameters, slots, true)),
        "moving" => world::play(&population, moving(Verify::None)),
        "moving, verified" => world::play(&population, moving(Verify::Sampled)),
        _ => unreachable!("{name} is no policy"),
    };
    played.map_err(|wrong| format!("policy {name:?}, server {server}: {wrong}"))
}

fn summary(policy: &'static str, parameters: &Parameters, tally: Tally) -> Summary {
    let Tally {
        ledger,
        capacity,
        events,
        core_events,
    } = tally;
    let Outcome {
        mut turnaround,
        mut urgent,
        mut last_hour,
    } = ledger.outcome;
    for times in [&mut turnaround, &mut urgent, &mut last_hour] {
        times.sort_unstable();
    }
    let within = turnaround.partition_point(|ms| *ms <= DAY);
    Summary {
        policy,
        completed: ledger.completed,
        completed_per_day: ledger.completed as f64 / parameters.days as f64,
        throughput: ratio(ledger.useful, capacity),
        wasted: ratio(ledger.lost, ledger.lost + ledger.useful),
        checked: ratio(ledger.checks, ledger.useful),
        turnaround_median_h: quantile(&turnaround, 0.5),
        turnaround_95_h: quantile(&turnaround, 0.95),
        within_a_day: ratio(within as u64, turnaround.len() as u64),
        urgent_median_h: quantile(&urgent, 0.5),
        urgent_95_h: quantile(&urgent, 0.95),
        last_hour_median_h: quantile(&last_hour, 0.5),
        last_hour_95_h: quantile(&last_hour, 0.95),
        stranded: ledger.stranded,
        stranded_per_1000: 1000.0 * ratio(ledger.stranded, ledger.completed),
        moves: ledger.moves,
        restarts: ledger.restarts,
        moved_gb: ledger.bytes as f64 / 1e9,
        minutes_per_mb: ratio(ledger.useful / MINUTE, ledger.bytes / 1_000_000),
        events,
        core_events,
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Hours at a quantile of sorted milliseconds.
fn quantile(sorted: &[u64], level: f64) -> Option<f64> {
    let at = (sorted.len() as f64 * level) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .map(|ms| *ms as f64 / 3_600_000.0)
}
