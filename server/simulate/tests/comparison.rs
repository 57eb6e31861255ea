//! The comparison as a whole: one seed gives one outcome; the policies differ where they must; recorded hosts give what can be worked out by hand.

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
        serde_json::to_string(&compare(&parameters, None).expect("it runs")).expect("it is JSON")
    };
    assert_eq!(json(1), json(1));
    assert_ne!(json(1), json(2));
}

#[test]
fn moving_wastes_less_and_strands_fewer_than_jobs_that_stay() {
    let found = compare(&small(), None).expect("it runs");
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
    let found = compare(&parameters, Some(&recorded)).expect("it runs");
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
