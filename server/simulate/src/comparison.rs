//! The policies side by side: one population, one supply of jobs, each policy by itself, and what came of it as figures.
//!
//! The number of unfinished jobs stays: for each that completes another is submitted. Where jobs are to keep every host busy, more are submitted when
//! none waits, so that jobs that are lost until their deadline leave no host idle.

use protocol::Verify;
use serde::Serialize;

use crate::parameters::Parameters;
use crate::policy::{Context, Event, Fixed, Ledger, Moving, Outcome, Policy, Wake, index};
use crate::population::{Change, DAY, Life, MINUTE, Population};
use crate::timeline::Timeline;
use crate::trace::Recorded;

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

/// Simulates every policy over the population of the parameters, or over recorded hosts.
///
/// # Errors
/// The serving core broke one of its invariants, or refused what it should not.
pub fn compare(parameters: &Parameters, recorded: Option<&[Recorded]>) -> Result<Comparison, String> {
    compare_some(parameters, recorded, &POLICIES)
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
) -> Result<Comparison, String> {
    let population = Population::new(parameters, recorded);
    let slots = population.slots();
    let fixed = |checkpoints| Fixed::new(parameters, slots, checkpoints);
    let moving = |verify| Moving::new(parameters, slots, verify);
    let run = |name: &'static str| match name {
        "batch" => simulate(&population, name, fixed(false)),
        "same host" => simulate(&population, name, fixed(true)),
        "moving" => simulate(&population, name, moving(Verify::None)),
        "moving, verified" => simulate(&population, name, moving(Verify::Sampled)),
        _ => unreachable!("{name} is no policy"),
    };
    // Each by itself; a policy knows nothing of the others, so their order changes nothing.
    let policies = std::thread::scope(|scope| {
        let runs: Vec<_> = names.iter().map(|name| scope.spawn(|| run(name))).collect();
        let ended = runs
            .into_iter()
            .map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        ended.collect::<Result<Vec<_>, _>>()
    })?;
    Ok(Comparison {
        parameters: parameters.clone(),
        traced: recorded.is_some(),
        policies,
    })
}

/// One policy over the population.
fn simulate<P: Policy>(population: &Population<'_>, name: &'static str, mut policy: P) -> Result<Summary, String> {
    let parameters = population.parameters;
    let end_ms = parameters.days * DAY;
    let slots = population.slots();
    let mut timeline = Timeline::new();
    let mut ledger = Ledger::new((parameters.jobs.segment_s * 1000.0) as u64 * parameters.jobs.segments);
    let (mut hosts, mut lives) = (Vec::new(), Vec::new());
    for slot in 0..slots {
        let host = population.host(slot, 0, 0);
        let (life, at, change) = Life::begin(population, &host, 0);
        timeline.put(at, Event::Change(slot, 0, change));
        hosts.push(host);
        lives.push(life);
    }
    let urgent_ms = (parameters.jobs.urgent_every_min * MINUTE as f64) as u64;
    if urgent_ms > 0 {
        timeline.put(urgent_ms, Event::Wake(Wake::Urgent));
    }
    let wanted = ((parameters.jobs.per_host * slots as f64) as u64).max(1);
    let busy = parameters.jobs.per_host >= 1.0;
    let (mut capacity, mut events, mut ordinary) = (0, 0, 0);
    let mut up_since = vec![None; index(slots)];
    let mut now_ms = 0;
    macro_rules! context {
        () => {
            &mut Context {
                now_ms,
                timeline: &mut timeline,
                hosts: &hosts,
                ledger: &mut ledger,
            }
        };
    }
    for slot in 0..slots {
        policy.arrive(context!(), slot);
    }
    loop {
        while ordinary - (ledger.outcome.turnaround.len() as u64) < wanted || busy && policy.is_short() {
            let job = ledger.submit(now_ms, false);
            ordinary += 1;
            policy.submit(context!(), job);
        }
        let next = timeline.next_ms().unwrap_or(u64::MAX);
        let due = policy.due_ms().map_or(u64::MAX, |due| due.max(now_ms));
        if next.min(due) >= end_ms {
            break;
        }
        events += 1;
        if due <= next {
            now_ms = due;
            policy.tick(context!());
            continue;
        }
        let Some((at, event)) = timeline.pop() else { break };
        now_ms = at;
        match event {
            Event::Wake(Wake::Urgent) => {
                timeline.put(now_ms + urgent_ms, event);
                let job = ledger.submit(now_ms, true);
                policy.submit(context!(), job);
            }
            Event::Wake(wake) => policy.wake(context!(), wake),
            Event::Change(slot, generation, change) => {
                let host = &hosts[index(slot)];
                match change {
                    Change::Up => up_since[index(slot)] = Some(now_ms),
                    Change::Down | Change::Gone => {
                        let since: Option<u64> = up_since[index(slot)].take();
                        capacity += since.map_or(0, |since| host.work(now_ms - since));
                    }
                    Change::Announce { .. } => {}
                }
                let next = lives[index(slot)].next(population, host, now_ms, change);
                if let Some((at, next)) = next {
                    timeline.put(at, Event::Change(slot, generation, next));
                }
                policy.change(context!(), slot, change, next.map(|(at, _)| at));
                if change == Change::Gone && population.replaces() {
                    let host = population.host(slot, generation + 1, now_ms);
                    let (life, at, change) = Life::begin(population, &host, now_ms);
                    (hosts[index(slot)], lives[index(slot)]) = (host, life);
                    timeline.put(at, Event::Change(slot, generation + 1, change));
                    policy.arrive(context!(), slot);
                }
            }
        }
    }
    for (host, since) in hosts.iter().zip(&up_since) {
        capacity += since.map_or(0, |since| host.work(end_ms - since));
    }
    ledger.close(end_ms);
    policy.check().map_err(|wrong| format!("policy {name:?}: {wrong}"))?;
    let held = ledger.computed.checked_sub(ledger.lost + ledger.useful);
    let held = held.ok_or_else(|| format!("policy {name:?}: more work is lost or useful than was computed"))?;
    if held > wanted * 4 * ledger.job_work_ms {
        return Err(format!(
            "policy {name:?}: {held} ms of work are neither lost nor in a completed job"
        ));
    }
    Ok(summary(name, parameters, ledger, capacity, (events, policy.core_events())))
}

fn summary(
    policy: &'static str,
    parameters: &Parameters,
    ledger: Ledger,
    capacity: u64,
    (events, core_events): (u64, u64),
) -> Summary {
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
