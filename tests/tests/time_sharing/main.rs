//! Contract: jobs move between volunteers' machines without losing a bit. Each promise of the scheduler and the agent is played with real
//! processes on loopback, on SQLite, and again on a throwaway PostgreSQL; each ends by holding the fetched run against a local one, byte for
//! byte.
//!
//! | module | owns |
//! |---|---|
//! | `moves` | jobs that move because somebody wants it |
//! | `losses` | jobs that go on though something was lost |
//! | `supply` | what a device is given next, and how it comes there |
//! | `postgres` | a throwaway PostgreSQL |
//!
//! Run: `cargo nextest run --release --workspace --test time_sharing`.

#[expect(dead_code, unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../../server/tests/it/common/postgres.rs"]
mod postgres;

mod losses;
mod moves;
mod supply;

use contracts::sharing::{FAST, Stage};
use contracts::{baton, short_package};
use kernels::package::Package;
use protocol::Outcome;

use losses::{
    killed_agent_goes_on_from_its_own_boundary, lost_host, server_restart_in_the_middle_of_everything,
    unreachable_then_back_with_an_old_epoch,
};
use moves::{drain, hold_release_and_priority, paused_host_gives_its_job_away, planned_night, preempt_and_resume};
use supply::{class_mismatch_and_rare_class, dependencies, prefetch, transfer_cut_and_resumed};

/// A segment of some hundredths of a second.
const STEPS: u64 = 16;

fn ising(stage: &Stage) -> Package {
    short_package("ising", STEPS, &stage.path("package"))
}

fn with(flags: &[&'static str]) -> Vec<&'static str> {
    FAST.iter().chain(flags).copied().collect()
}

fn outcomes(stage: &Stage, job: u64) -> Vec<Option<Outcome>> {
    let job = stage.job(job).expect("an answer");
    job.stays.iter().map(|stay| stay.outcome).collect()
}

/// A scientist's command that succeeds.
fn steer(stage: &Stage, arguments: &[&str]) {
    let output = stage.scientist(arguments).output().expect("baton starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

macro_rules! plays {
    ($($name:ident)*) => {
        const PLAYS: &[(&str, fn(Option<String>))] = &[$((stringify!($name), $name)),*];

        mod on_sqlite {
            $(#[test] fn $name() { super::$name(None); })*
        }
    };
}

plays! {
    preempt_and_resume
    drain
    planned_night
    unreachable_then_back_with_an_old_epoch
    lost_host
    killed_agent_goes_on_from_its_own_boundary
    class_mismatch_and_rare_class
    prefetch
    transfer_cut_and_resumed
    dependencies
    hold_release_and_priority
    server_restart_in_the_middle_of_everything
    paused_host_gives_its_job_away
}

/// All of them again on PostgreSQL: one cluster, a database for each.
#[test]
fn on_postgresql() {
    let Some(cluster) = postgres::Cluster::start() else { return };
    let queue = std::sync::Mutex::new(PLAYS.iter());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((name, play)) = { queue.lock().expect("no play failed").next() } {
                    println!("{name}");
                    play(Some(cluster.database(name)));
                }
            });
        }
    });
}

/// What scripts go by: a server that is away is 75, a bad package 87, nonsense 2.
#[test]
fn exit_codes_say_what_to_do() {
    let code = |arguments: &[&str]| {
        let mut command = baton(arguments);
        command.env("BATON_SERVER", "http://127.0.0.1:9").env("BATON_TOKEN", "none");
        command.output().expect("baton starts").status.code()
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(place.path().join("kernel.toml"), "name = 1").expect("written");
    let bad = place.path().to_string_lossy().into_owned();
    assert_eq!(code(&["jobs"]), Some(75));
    assert_eq!(code(&["submit", &bad]), Some(87));
    assert_eq!(code(&["submit", "ising", "--priority=3", "--now"]), Some(2));
    assert_eq!(code(&["jobs", "--state", "nonsense"]), Some(2));
}
