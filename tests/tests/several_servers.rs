//! Contract: where several servers share one database, volunteers' agents and scientists' commands that are given all their URLs follow the one that leads,
//! and a job that moves over a change of the leader is that of a local run, byte for byte; what the leader could not deliver is delivered by the one that follows it.
//! With real processes, on a throwaway PostgreSQL.

#[expect(dead_code, unreachable_pub, reason = "the server's own tests share it")]
#[path = "../../server/tests/it/common/postgres.rs"]
mod postgres;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    fn start(stage: &Stage, database: &str, flags: &[&str]) -> Self {
        let mut child = Command::new(program("baton-server"))
            .arg("--data")
            .arg(stage.path("second"))
            .arg("--blobs")
            .arg(stage.path("server").join("blobs"))
            .args(["--database", database, "--listen", "127.0.0.1:0"])
            .args(flags)
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
    let second = Second::start(&stage, &database, FAST);
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

/// Somebody who is told when a job ends: the bodies that came, answered with 503 until it takes them.
struct Told {
    url: String,
    takes: Arc<AtomicBool>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Told {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (takes, bodies) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (open, seen) = (Arc::clone(&takes), Arc::clone(&bodies));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream);
                let (mut length, mut line) = (0, String::new());
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                        length = text.trim().parse().unwrap_or(0);
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                if reader.read_exact(&mut body).is_err() {
                    continue;
                }
                let status = if open.load(Ordering::SeqCst) { "200 OK" } else { "503 Later" };
                let mut bodies = seen.lock().unwrap_or_else(PoisonError::into_inner);
                bodies.push(format!("{status} {}", String::from_utf8_lossy(&body)));
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                drop(reader.get_mut().write_all(answer.as_bytes()));
            }
        });
        Self { url, takes, bodies }
    }

    fn bodies(&self, status: &str) -> Vec<String> {
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        bodies
            .iter()
            .filter_map(|body| body.strip_prefix(status))
            .map(str::to_owned)
            .collect()
    }
}

#[test]
fn a_webhook_that_the_leader_could_not_deliver_is_delivered_by_the_server_that_takes_over() {
    let Some(cluster) = postgres::Cluster::start() else { return };
    let database = cluster.database("webhooks");
    let told = Told::listen();
    let place = tempfile::tempdir().expect("a temporary folder");
    let secret = place.path().join("secret");
    std::fs::write(&secret, "a secret of sixteen bytes and more").expect("written");
    let secret = secret.to_str().expect("a plain path");
    let own = [
        "--webhook-allow",
        told.url.as_str(),
        "--webhook-private=127.0.0.0/8",
        "--webhook-secret-file",
        secret,
    ];
    let flags: Vec<&str> = FAST.iter().chain(&own).copied().collect();
    let mut stage = Stage::new(Some(database.clone()), &flags);
    short_package("ising", 16, &stage.path("package"));
    let second = Second::start(&stage, &database, &flags);
    let hook = format!("{}/hook", told.url);
    let job = stage.submit(&stage.path("package"), &["--hold", "--segments=2", "--notify", &hook]);
    let cancelled = stage.scientist(&["cancel", &job.to_string()]).output().expect("baton starts");
    assert!(cancelled.status.success(), "{}", String::from_utf8_lossy(&cancelled.stderr));
    let tried = poll(|| told.bodies("503 Later").first().cloned()).expect("the leader tries");
    stage.end_server("KILL");
    let begun = Instant::now();
    told.takes.store(true, Ordering::SeqCst);
    stage.address.clone_from(&second.address);
    let taken = poll(|| told.bodies("200 OK").first().cloned()).expect("the other one delivers");
    assert_eq!(taken, tried, "one notice is one body");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(30), "it was told {took:?} after the leader's end");
    let body: serde_json::Value = serde_json::from_str(&taken).expect("JSON");
    assert_eq!((&body["job"], &body["state"]), (&job.into(), &"cancelled".into()));
    // Delivered is delivered: another heartbeat of the leader's brings no second one.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(told.bodies("200 OK").len(), 1);
}
