//! Contract: where several servers share one database, volunteers' agents and scientists' commands that are given all their URLs follow the one that leads,
//! and a job that moves over a change of the leader is that of a local run, byte for byte. With real processes, on a throwaway PostgreSQL.

#[expect(unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../server/tests/it/common/postgres.rs"]
mod postgres;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use contracts::sharing::{FAST, Stage, poll};
use contracts::{baton, program, short_package};

/// Some ten seconds: more than the other one needs to take over.
const SEGMENTS: u64 = 60;

/// A second server of a stage's database, which ends with the test.
struct Second {
    child: Child,
    address: String,
}

impl Second {
    fn start(stage: &Stage, database: &str) -> Self {
        let mut child = Command::new(program("baton-server"))
            .arg("--data")
            .arg(stage.path("second"))
            .arg("--blobs")
            .arg(stage.path("server").join("blobs"))
            .args(["--database", database, "--listen", "127.0.0.1:0"])
            .args(FAST)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("baton-server starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("its address");
        let address = line.trim().rsplit("http://").next().expect("an address").to_owned();
        Self { child, address }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn agents_and_commands_follow_the_server_that_takes_over_and_the_job_comes_out_the_same() {
    let Some(cluster) = postgres::Cluster::start() else { return };
    let database = cluster.database("several");
    let mut stage = Stage::new(Some(database.clone()), FAST);
    let package = short_package("ising", 16, &stage.path("package"));
    let second = Second::start(&stage, &database);
    // The one that follows is asked first.
    let all = format!("http://{},{}", second.address, stage.url());
    let submit = |name: &str| {
        let segments = format!("--segments={SEGMENTS}");
        let mut command = baton(["submit", &segments, "--name", name, "--server", &all, "--token-file"]);
        command.arg(stage.token_file("scientist")).arg(stage.path("package"));
        let output = command.output().expect("baton starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    submit("first");
    let worker = stage.worker_at("one", &all, &[]);
    stage.until(1, "under way", |job| job.segment >= 3);
    stage.end_server("KILL");
    stage.address.clone_from(&second.address);
    let taken = poll(|| stage.job(1).filter(|job| job.segment < SEGMENTS)).expect("the other one answers");
    println!("taken over at segment {}", taken.segment);
    stage.completed(1);
    let mut jobs = baton(["jobs", "--server", &all, "--token-file"]);
    let listed = jobs.arg(stage.token_file("scientist")).output().expect("baton starts");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    stage.assert_same_as_local(1, &package);
    drop(worker);
}
