//! Contract: one agent computes for two projects, each with a server, a number and a token of its own; leases go by the shares, and a project whose server is away or that
//! has no work does not hold up the other one. With real processes.

use std::fs;

use contracts::sharing::{FAST, Stage, Worker, poll};
use contracts::{said, short_package};
use protocol::JobState;
use serde_json::Value;

/// Leases that the two projects have together before shares are looked at.
const LEASES: usize = 12;
/// Phases of a job that is not computed yet.
const OPEN: [&str; 4] = ["fetching", "ready", "computing", "paused"];

/// Two servers, each with so many jobs of a few segments, and one agent's configuration: the first project has two shares, the second one.
fn two_projects(jobs: usize) -> (Stage, Stage) {
    let (one, two) = (Stage::new(None, FAST), Stage::new(None, FAST));
    for stage in [&one, &two] {
        short_package("ising", 16, &stage.path("package"));
        for _ in 0..jobs {
            stage.submit(&stage.path("package"), &["--segments=6"]);
        }
    }
    let entry = |stage: &Stage, share: u32| {
        let token = stage.token_file("host");
        format!("\"{} share={share} token-file={}\"", stage.url(), token.display())
    };
    let text = format!("[worker]\nprojects = [{}, {}]\n", entry(&one, 2), entry(&two, 1));
    fs::write(one.path("agent.toml"), text).expect("written");
    (one, two)
}

/// The projects in the order in which leases began to compute, by what the agent said.
fn takers(agent: &Worker, stages: [&Stage; 2]) -> Vec<usize> {
    let place = |line: &str| {
        stages
            .iter()
            .position(|stage| line.starts_with(&format!("{}: ", stage.url())))
    };
    let said = agent.said();
    said.lines()
        .filter(|line| line.contains(": computes on "))
        .filter_map(place)
        .collect()
}

/// Milliseconds that were computed for each.
fn computed(agent: &Worker) -> Option<[u64; 2]> {
    let status = agent.status();
    let of = |place: usize| status["shares"][place]["computed_ms"].as_u64();
    Some([of(0)?, of(1)?])
}

/// Jobs of one project that are here at once and not computed yet, by what the agent says of it now.
fn held(agent: &Worker, stage: &Stage) -> usize {
    let status = agent.status();
    let jobs = status["devices"][0]["jobs"].as_array().cloned().unwrap_or_default();
    let is_open = |job: &Value| job["server"] == stage.url().as_str() && OPEN.iter().any(|phase| job["phase"] == *phase);
    jobs.into_iter().filter(is_open).count()
}

fn completed(stage: &Stage) -> u64 {
    let output = stage.scientist(&["jobs", "--json"]).output().expect("baton starts");
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.matches("\"completed\"").count() as u64
}

#[test]
fn one_agent_divides_its_time_between_two_servers_by_their_shares() {
    let (one, two) = two_projects(1);
    let agent = one.worker_with("agent", &[], &[]);
    let mut newest = [1, 1];
    let by_shares = poll(|| {
        // One job waits at each server, so that short ones do not go in batches.
        for (stage, newest) in [&one, &two].into_iter().zip(&mut newest) {
            if stage.job(*newest).is_some_and(|job| job.state != JobState::Queued) {
                *newest = stage.submit(&stage.path("package"), &["--segments=10"]);
            }
        }
        // Whose the next one is shows once the device is free: neither takes one ahead.
        for stage in [&one, &two] {
            assert!(held(&agent, stage) < 2, "{:#}", agent.status());
        }
        // Two leases of the first for each of the second. On a busy machine one may be some times as long as the mean, so that it takes a few more to come out even;
        // with equal shares they would be further apart with each.
        let leases = takers(&agent, [&one, &two]).len();
        let [first, second] = computed(&agent)?;
        let lease_ms = (first + second) / leases.max(1) as u64;
        (leases > LEASES && (first / 2).abs_diff(second) <= 3 * lease_ms / 2).then_some(())
    });
    by_shares.unwrap_or_else(|| panic!("{:?} ms:\n{}", computed(&agent), agent.said()));
    let takers = takers(&agent, [&one, &two]);
    assert!(takers.contains(&0) && takers.contains(&1), "{takers:?}");
    // It is a host of each, by an identity of its own.
    let homes = fs::read_dir(one.path("agent").join("servers")).expect("its folder").flatten();
    let texts: Vec<String> = homes
        .filter_map(|home| fs::read_to_string(home.path().join("host.json")).ok())
        .collect();
    assert_eq!(texts.len(), 2);
    for stage in [&one, &two] {
        assert_eq!(texts.iter().filter(|text| text.contains(&stage.url())).count(), 1);
    }
    // What was computed for each is known after a restart.
    let before = computed(&agent).expect("a status");
    agent.signal("INT");
    drop(agent);
    let again = one.worker_with("agent", &[], &[]);
    let after = poll(|| computed(&again)).expect("a status");
    assert!(after[0] >= before[0] && after[1] >= before[1], "{before:?} {after:?}");
}

#[test]
fn a_server_that_is_away_or_has_no_work_does_not_stop_the_other_project() {
    let (one, mut two) = two_projects(0);
    let submit = |stage: &Stage, jobs: usize| {
        for _ in 0..jobs {
            stage.submit(&stage.path("package"), &["--segments=6"]);
        }
    };
    // The first, with the larger share, has nothing at all.
    submit(&two, 2);
    let agent = one.worker_with("agent", &[], &[]);
    let until = |stage: &Stage, jobs: u64, why: &str| {
        poll(|| (completed(stage) >= jobs).then_some(())).unwrap_or_else(|| panic!("{why}:\n{}", agent.said()));
    };
    until(&two, 2, "no work at one server held up the other");
    two.end_server("KILL");
    submit(&one, 3);
    until(&one, 3, "a server that is away held up the other");
    two.start_server();
    submit(&two, 2);
    until(&two, 4, "a server that is back is not asked");
}
