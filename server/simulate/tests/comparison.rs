//! The comparison as a whole: one seed gives one outcome; the policies differ where they must; recorded hosts give what can be worked out by hand.

use simulate::comparison::Summary;
use simulate::{Parameters, compare};

fn small() -> Parameters {
    Parameters {
        hosts: 60,
        days: 10,
        ..Parameters::default()
    }
}

#[test]
fn one_seed_gives_one_outcome_byte_for_byte() {
    let json = |seed| {
        let parameters = Parameters {
            seed,
            hosts: 30,
            days: 4,
            ..small()
        };
        serde_json::to_string(&compare(&parameters, None, 2).expect("it runs")).expect("it is JSON")
    };
    assert_eq!(json(1), json(1));
    assert_ne!(json(1), json(2));
}

#[test]
fn moving_wastes_less_and_strands_fewer_than_jobs_that_stay() {
    let found = compare(&small(), None, 2).expect("it runs");
    let [batch, same, moving, verified] = &found.policies[..] else {
        panic!("four policies")
    };
    assert!(batch.wasted > same.wasted && batch.wasted > moving.wasted);
    assert!(moving.stranded_per_1000 < same.stranded_per_1000 / 2.0);
    assert!(moving.turnaround_95_h < same.turnaround_95_h && moving.urgent_95_h < batch.urgent_95_h);
    assert!(moving.throughput > batch.throughput);
    assert!(moving.moves > 0 && moving.restarts == 0);
    assert_eq!((batch.checked, same.checked, moving.checked), (0.0, 0.0, 0.0));
    // Hosts of which nothing is known are checked oftener than later: 31 % of a host's first 100 segments, 10 % of its first 1000.
    assert!((0.05..0.5).contains(&verified.checked), "{verified:?}");
    assert!(verified.completed > 0 && verified.throughput < moving.throughput);
    for policy in [batch, same, moving, verified] {
        assert!(policy.throughput > 0.5 && policy.throughput <= 1.0, "{policy:?}");
    }
}

/// Two hosts of which one goes down for the night an hour before its job is done.
#[test]
fn a_job_with_an_hour_left_whose_host_goes_down_for_the_night() {
    // Eight hours of work; host a is up for a little more than 7 h and again 12 h later; host b comes when a has gone.
    let trace = "host,from,to,speed,class\na,0,7.1,1,0\na,19.1,100,1,0\nb,7.2,100,1,0\n";
    let recorded = simulate::trace::read("night.csv", trace).expect("it is a trace");
    let mut parameters = Parameters {
        days: 3,
        ..Parameters::default()
    };
    parameters.jobs.per_host = 0.5;
    parameters.jobs.urgent_every_min = 0.0;
    let found = compare(&parameters, Some(&recorded), 2).expect("it runs");
    let first = |index: usize| {
        found.policies[index]
            .last_hour_95_h
            .expect("a host went down in the last hour")
    };
    let (same, moving) = (first(1), first(2));
    // It waits twelve hours and computes one; or is given up after half an hour and computes the hour, and what was not committed.
    assert!((13.0..13.1).contains(&same), "{same}");
    assert!((1.5..1.75).contains(&moving), "{moving}");
}

#[test]
fn the_number_of_threads_shows_in_no_byte() {
    let json = |threads| {
        let parameters = Parameters {
            hosts: 40,
            servers: 3,
            days: 4,
            ..small()
        };
        serde_json::to_string(&compare(&parameters, None, threads).expect("it runs")).expect("it is JSON")
    };
    let one = json(1);
    assert_eq!((&json(2), &json(5)), (&one, &one));
}

/// A trace of hosts with the same hours and speeds that differ by their number.
fn trace_of(hosts: &[u64]) -> Vec<simulate::trace::Recorded> {
    let line = |host: &u64| {
        let (nights, speed) = (host % 5, 1.0 + *host as f64 / 10.0);
        let days = (0..10).map(|day| (day * 24, day * 24 + 24 - nights));
        days.map(|(from, to)| format!("h{host:02},{from}.1,{to},{speed},0\n"))
            .collect::<String>()
    };
    let lines: String = hosts.iter().map(line).collect();
    simulate::trace::read("t.csv", &format!("host,from,to,speed,class\n{lines}")).expect("it is a trace")
}

#[test]
fn servers_that_share_hosts_do_what_each_does_by_itself() {
    // Without urgent jobs, which are one stream, and with one bandwidth for all, hosts of a server are a world of their own.
    let mut parameters = small();
    (parameters.jobs.urgent_every_min, parameters.population.link_sigma) = (0.0, 0.0);
    let counts = |summary: &Summary| {
        let done = [summary.completed, summary.stranded, summary.moves, summary.restarts];
        [done, [summary.events, summary.core_events, 0, 0]].concat()
    };
    let hosts: Vec<u64> = (0..30).collect();
    let together = Parameters {
        servers: 3,
        ..parameters.clone()
    };
    let together = compare(&together, Some(&trace_of(&hosts)), 2).expect("it runs");
    let alone = |server: u64| {
        let dealt: Vec<u64> = hosts.iter().copied().filter(|host| host % 3 == server).collect();
        compare(&parameters, Some(&trace_of(&dealt)), 2).expect("it runs")
    };
    let alone = [alone(0), alone(1), alone(2)];
    for (policy, found) in together.policies.iter().enumerate().take(3) {
        let each = alone.each_ref().map(|world| counts(&world.policies[policy]));
        let sum: Vec<u64> = (0..8).map(|count| each.iter().map(|counts| counts[count]).sum()).collect();
        assert_eq!((found.policy, counts(found)), (found.policy, sum));
        assert!(found.completed > 300, "{found:?}");
    }
    let undivided = compare(&parameters, Some(&trace_of(&hosts)), 2).expect("it runs");
    assert_ne!(counts(&undivided.policies[2]), counts(&together.policies[2]));
}

#[test]
fn turnarounds_of_several_servers_are_those_of_all_their_jobs() {
    // Eight hours of work on two hosts that are always up, one of them four times as fast: of five jobs four take two hours, one takes eight.
    let trace = "host,from,to,speed,class\na,0,300,1,0\nb,0,300,4,0\n";
    let recorded = simulate::trace::read("two.csv", trace).expect("it is a trace");
    let mut parameters = Parameters { servers: 2, ..small() };
    parameters.jobs.urgent_every_min = 0.0;
    for policy in &compare(&parameters, Some(&recorded), 2).expect("it runs").policies[..3] {
        let hours = |found: Option<f64>| (100.0 * found.expect("jobs were done")).round() / 100.0;
        assert_eq!(
            (hours(policy.turnaround_median_h), hours(policy.turnaround_95_h)),
            (2.0, 8.0),
            "{policy:?}"
        );
    }
}

#[test]
fn more_servers_than_hosts_are_refused() {
    let refused = |servers, recorded: Option<&[_]>| {
        let parameters = Parameters { servers, ..small() };
        compare(&parameters, recorded, 2).expect_err("it is refused")
    };
    let hosts = trace_of(&[0, 1, 2]);
    assert_eq!(
        refused(61, None),
        "servers: 61, expected 1 to 60, the number of hosts simulated"
    );
    assert_eq!(
        refused(4, Some(&hosts)),
        "servers: 4, expected 1 to 3, the number of hosts of the trace"
    );
    assert!(refused(0, None).starts_with("servers: 0, expected 1 to 60"));
}
