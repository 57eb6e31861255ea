//! One server's hosts and jobs in virtual time under one policy, from the first event to the end of the last day.
//!
//! The number of unfinished jobs stays: for each that completes another is submitted. Where jobs are to keep every host busy, more are submitted when
//! none waits, so that jobs that are lost until their deadline leave no host idle.

use crate::policy::{Context, Event, Ledger, Policy, Wake, index};
use crate::population::{Change, DAY, Life, MINUTE, Population};
use crate::timeline::Timeline;

/// What came of a policy on one server, or on several.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) ledger: Ledger,
    /// Work that hosts could have done while they were up.
    pub(crate) capacity: u64,
    /// Changes and wake-ups simulated.
    pub(crate) events: u64,
    /// Events that the serving core took.
    pub(crate) core_events: u64,
}

impl Tally {
    /// What came of another server is counted with this one's.
    pub(crate) fn add(&mut self, other: Self) {
        self.ledger.add(other.ledger);
        self.capacity += other.capacity;
        self.events += other.events;
        self.core_events += other.core_events;
    }
}

/// Plays a policy over the hosts of one server.
///
/// # Errors
/// The serving core broke one of its invariants, or refused what it should not; the account does not come out even.
pub(crate) fn play<P: Policy>(population: &Population<'_>, mut policy: P) -> Result<Tally, String> {
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
    // Urgent jobs go to one server after the other.
    let urgent_ms = (parameters.jobs.urgent_every_min * MINUTE as f64) as u64;
    if urgent_ms > 0 {
        timeline.put(urgent_ms * (population.server + 1), Event::Wake(Wake::Urgent));
    }
    let wanted = population.jobs().max(1);
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
                timeline.put(now_ms + urgent_ms * parameters.servers, event);
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
    policy.check()?;
    let held = ledger.computed.checked_sub(ledger.lost + ledger.useful);
    let held = held.ok_or("more work is lost or useful than was computed")?;
    if held > wanted * 4 * ledger.job_work_ms {
        return Err(format!("{held} ms of work are neither lost nor in a completed job"));
    }
    Ok(Tally {
        ledger,
        capacity,
        events,
        core_events: policy.core_events(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;
    use crate::policy::Fixed;
    use crate::trace::{self, Recorded};

    /// Each server's hosts and jobs, under the policy without the core.
    fn played(servers: u64, parameters: &Parameters, recorded: Option<&[Recorded]>) -> Vec<Tally> {
        let parameters = Parameters {
            servers,
            ..parameters.clone()
        };
        let play = |server| {
            let population = Population::of_server(&parameters, recorded, server);
            play(&population, Fixed::new(&parameters, population.slots(), true)).expect("it runs")
        };
        (0..servers).map(play).collect()
    }

    #[test]
    fn hosts_live_the_same_lives_however_many_servers_share_them() {
        let parameters = Parameters {
            hosts: 40,
            days: 60,
            ..Parameters::default()
        };
        let capacity = |servers| {
            played(servers, &parameters, None)
                .iter()
                .map(|tally| tally.capacity)
                .sum::<u64>()
        };
        // Generations follow each other in 60 days; 7 servers have five or six hosts each.
        assert_eq!([capacity(1), capacity(1)], [capacity(7), capacity(40)]);
    }

    #[test]
    fn urgent_jobs_are_as_many_however_many_servers_share_them() {
        let hosts: Vec<String> = (0..8).map(|host| format!("h{host},0,300,1,0")).collect();
        let recorded = trace::read("t.csv", &format!("host,from,to,speed,class\n{}\n", hosts.join("\n"))).expect("a trace");
        let mut parameters = Parameters {
            days: 10,
            ..Parameters::default()
        };
        // One every twelve hours, each of eight hours, on hosts that have little else to do; the last one is done after 236 hours.
        (parameters.jobs.per_host, parameters.jobs.urgent_every_min) = (0.01, 720.0);
        let urgent = |servers| {
            let done = |tally: &Tally| tally.ledger.outcome.urgent.len();
            played(servers, &parameters, Some(&recorded))
                .iter()
                .map(done)
                .collect::<Vec<_>>()
        };
        assert_eq!((urgent(1), urgent(3)), (vec![19], vec![7, 6, 6]));
    }
}
