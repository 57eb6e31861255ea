//! Random schedules of faults over three servers of one database and one object store: whatever happens to the one that leads, to its way to the
//! database, or to the store, nothing that a client was told is taken back, no job is lost or made twice, and a job's chain is that of a run that was never touched.
//!
//! The test takes one schedule. The campaign takes as many as `BATON_SCHEDULES` says, from seed `BATON_SEED` on, and prints how long it took until
//! a write was answered after each kind of fault (`BATON_AT_ONCE` of them run at the same time): `cargo nextest run --release -p baton-server --run-ignored only campaign --no-capture`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::process::Process;
use crate::common::proxy::Proxy;
use crate::common::s3::Store;
use crate::common::{self, postgres::Cluster};
use crate::common::{Person, Worker, a_job, compute, token};
use futures_util::StreamExt as _;
use protocol::http::lease::ChainLine;
use protocol::http::{Commit, Committed, JobView, Lease, Listed, Orders, ServerView, SubmitJob, Submitted};
use protocol::{ChainEntry, JobId, JobState};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

const SERVERS: usize = 3;
const SEGMENTS: u64 = 8;
const FAULTS: u64 = 4;
/// For anything to be answered: the longest fault, a lease, and time to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// What is done to the server that leads, its connections to the database, or the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Terminate,
    /// SIGSTOP, and SIGCONT after a while.
    StandStill,
    /// Its connections to the database are cut once.
    Cut,
    /// The same, and new ones are refused for a while.
    CutOff,
    /// Nothing arrives on its connections to the database for a while, in either direction.
    Silent,
    /// Everything on these arrives 100 ms late for a while.
    Delayed,
    /// The object store answers nothing but 503 for a while, now and then for ten seconds.
    StoreAway,
    /// Each answer of the object store takes 400 ms for a while.
    StoreSlow,
}

const ALL: [Fault; 9] = [
    Fault::Kill,
    Fault::Terminate,
    Fault::StandStill,
    Fault::Cut,
    Fault::CutOff,
    Fault::Silent,
    Fault::Delayed,
    Fault::StoreAway,
    Fault::StoreSlow,
];

/// A server with its connections to the database.
struct Member {
    folder: tempfile::TempDir,
    proxy: Proxy,
    process: Process,
}

struct World {
    members: Vec<Member>,
    store: Store,
    database: String,
    /// URLs of all servers, and the one that answered a write last.
    urls: Arc<Mutex<(Vec<String>, usize)>>,
    random: u64,
    took: BTreeMap<Fault, Vec<Duration>>,
}

/// Starts a server; in a schedule that takes as long as another one leads without having begun.
fn start(folder: &Path, port: u16, database: &str, environment: &[(String, String)]) -> Process {
    let url = format!("postgres://baton@127.0.0.1:{port}/{database}");
    let options = ["--database", &url, "--blobs", "s3://lab/schedule", "--lease-s", "2"];
    for _ in 0..50 {
        if let Some(process) = Process::start_with(folder, &options, environment) {
            return process;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("a server does not start")
}

/// Somebody who asks every server until one answers.
#[derive(Clone)]
struct Client {
    person: Person,
    urls: Arc<Mutex<(Vec<String>, usize)>>,
}

impl Client {
    fn current(&self) -> (String, usize) {
        let urls = self.urls.lock().unwrap();
        (urls.0[urls.1].clone(), urls.1)
    }

    /// The next server is asked from now on, after one that did not serve.
    async fn turn(&self, server: usize) {
        {
            let mut urls = self.urls.lock().unwrap();
            if urls.1 == server {
                urls.1 = (server + 1) % SERVERS;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, StatusCode> {
        let begun = Instant::now();
        loop {
            let (url, server) = self.current();
            let person = Person {
                url,
                ..self.person.clone()
            };
            let mut request = person.request(method.clone(), path).timeout(Duration::from_secs(2));
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            match request.json(body).send().await {
                Ok(answer) if answer.status().is_success() => {
                    if let Ok(answer) = answer.json().await {
                        return Ok(answer);
                    }
                }
                Ok(answer) if !answer.status().is_server_error() && answer.status() != StatusCode::CONFLICT => {
                    return Err(answer.status());
                }
                _ => {}
            }
            assert!(begun.elapsed() < PATIENCE, "{path} is not answered");
            self.turn(server).await;
        }
    }
}

impl Client {
    /// Brings a checkpoint to whatever server takes it.
    async fn upload(&self, commit: &Commit, bytes: &[u8]) {
        let begun = Instant::now();
        loop {
            let (url, server) = self.current();
            let path = format!("{url}/v1/blobs/{}?size={}", commit.checkpoint, bytes.len());
            let request = self
                .person
                .client
                .put(path)
                .bearer_auth(&self.person.token)
                .body(bytes.to_vec());
            let sent = request.timeout(Duration::from_secs(2)).send().await;
            if sent.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "an upload is not taken");
            self.turn(server).await;
        }
    }
}

impl World {
    async fn new(cluster: &Cluster, seed: u64) -> Self {
        let database = format!("schedule_{seed}");
        cluster.database(&database);
        let folders: Vec<_> = (0..SERVERS).map(|_| tempfile::tempdir().unwrap()).collect();
        let store = Store::start().await;
        let mut members = Vec::new();
        for folder in folders {
            let proxy = Proxy::start(cluster.socket()).await;
            let (path, port, database, environment) =
                (folder.path().to_owned(), proxy.port, database.clone(), store.environment());
            let started = tokio::task::spawn_blocking(move || start(&path, port, &database, &environment));
            let process = started.await.unwrap();
            members.push(Member { folder, proxy, process });
        }
        let urls = members.iter().map(|member| member.process.url.clone()).collect();
        Self {
            members,
            store,
            database,
            urls: Arc::new(Mutex::new((urls, 0))),
            random: seed,
            took: BTreeMap::new(),
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        protocol::split_mix::next(&mut self.random) % end
    }

    fn client(&self, token: String) -> Client {
        let person = Person::new(&self.members[0].process.url, token);
        let urls = Arc::clone(&self.urls);
        Client { person, urls }
    }

    /// Starts a server that has ended anew.
    async fn restart(&mut self, server: usize) {
        let member = &self.members[server];
        let (path, port) = (member.folder.path().to_owned(), member.proxy.port);
        let (database, environment) = (self.database.clone(), self.store.environment());
        let process = tokio::task::spawn_blocking(move || start(&path, port, &database, &environment))
            .await
            .unwrap();
        self.urls.lock().unwrap().0[server].clone_from(&process.url);
        self.members[server].process = process;
    }

    /// The server that says that it leads; the one that answered last where none does.
    async fn leader(&self) -> usize {
        let (urls, last) = self.urls.lock().unwrap().clone();
        for (server, url) in urls.iter().enumerate() {
            let asked = crate::common::client()
                .get(format!("{url}/v1/server"))
                .timeout(Duration::from_secs(1));
            let Ok(answer) = asked.send().await else { continue };
            if answer.json::<ServerView>().await.is_ok_and(|view| view.behind_ms.is_none()) {
                return server;
            }
        }
        last
    }

    /// Does something to the server that leads, waits until a write is answered, and mends it.
    async fn strike(&mut self, scientist: &Client, fault: Fault, job: &SubmitJob, key: &str) -> JobId {
        let leader = self.leader().await;
        let pause = Duration::from_millis(500 + self.below(2500));
        let long = fault == Fault::StoreAway && self.below(4) == 0;
        let pause = if long { Duration::from_secs(10) } else { pause };
        let (member, store) = (&mut self.members[leader], self.store.faults());
        let begun = Instant::now();
        match fault {
            Fault::Kill => member.process.signal("KILL"),
            Fault::Terminate => member.process.signal("TERM"),
            Fault::StandStill => member.process.signal("STOP"),
            Fault::Cut => member.proxy.cut(),
            Fault::CutOff => {
                member.proxy.refuse(true);
                member.proxy.cut();
            }
            Fault::Silent => member.proxy.silence(true),
            Fault::Delayed => member.proxy.delay(Duration::from_millis(100)),
            Fault::StoreAway => store.away.store(true, Ordering::SeqCst),
            Fault::StoreSlow => store.delay_ms.store(400, Ordering::SeqCst),
        }
        // Without the store no submission is taken: it comes back meanwhile.
        let store_is_back = async {
            if matches!(fault, Fault::StoreAway | Fault::StoreSlow) {
                tokio::time::sleep(pause).await;
                store.away.store(false, Ordering::SeqCst);
                store.delay_ms.store(0, Ordering::SeqCst);
            }
        };
        let asked = scientist.ask::<Submitted>(Method::POST, "/v1/jobs", Some(key), job);
        let (submitted, ()) = tokio::join!(asked, store_is_back);
        let submitted = submitted.expect("it is taken");
        self.took.entry(fault).or_default().push(begun.elapsed());
        tokio::time::sleep(pause.saturating_sub(begun.elapsed())).await;
        let member = &self.members[leader];
        match fault {
            Fault::StandStill => member.process.signal("CONT"),
            Fault::CutOff => member.proxy.refuse(false),
            Fault::Silent => member.proxy.silence(false),
            Fault::Delayed => member.proxy.delay(Duration::ZERO),
            Fault::Kill | Fault::Cut | Fault::Terminate | Fault::StoreAway | Fault::StoreSlow => {}
        }
        // One whose term is over ends by itself.
        tokio::time::sleep(Duration::from_millis(300)).await;
        for server in 0..SERVERS {
            if self.members[server].process.child.try_wait().unwrap().is_some() {
                self.restart(server).await;
            }
        }
        submitted.job
    }
}

/// A worker that computes whatever it is given. It ends when it is told to, and gives the last segment of each commit that was answered.
async fn work(client: Client, worker: Worker, enough: tokio::sync::watch::Receiver<bool>) -> BTreeMap<JobId, Vec<u64>> {
    let mut answered: BTreeMap<JobId, Vec<u64>> = BTreeMap::new();
    let mut last: BTreeMap<JobId, ChainEntry> = BTreeMap::new();
    while !*enough.borrow() {
        let path = format!("/v1/hosts/{}/leases", worker.host);
        let orders: Orders = client.ask(Method::POST, &path, None, &()).await.expect("orders");
        let lease: Option<Lease> = orders.leases.first().cloned();
        let Some(lease) = lease else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        assert_eq!(lease.epoch, 1, "no lease was given twice");
        let (commit, bytes) = common::work(&lease, last.get(&lease.job).cloned(), 1, lease.class);
        client.upload(&commit, &bytes).await;
        let path = format!("/v1/attempts/{}/commit", lease.attempt);
        match client.ask::<Committed>(Method::POST, &path, None, &commit).await {
            Ok(committed) => {
                let entry = commit.entries.last().unwrap().clone();
                assert!(committed.segment >= entry.segment, "an answered commit is there");
                answered.entry(lease.job).or_default().push(entry.segment);
                last.insert(lease.job, entry);
            }
            // The answer to the last commit of a job was lost, and the attempt is over.
            Err(StatusCode::GONE) => {}
            // A blob was uploaded to a server whose term ended.
            Err(StatusCode::PRECONDITION_FAILED) => {}
            Err(status) => panic!("a commit is refused: {status}"),
        }
    }
    answered
}

/// One schedule. How long each kind of fault kept writes from being answered.
async fn schedule(cluster: &Cluster, seed: u64) -> BTreeMap<Fault, Vec<Duration>> {
    let mut world = World::new(cluster, seed).await;
    let folder = world.members[0].folder.path().to_owned();
    let scientist = world.client(token(&folder, "scientist"));
    let worker = Worker::register(&world.members[0].process.url, &token(&folder, "host"), "desk", 1).await;
    let mut template = a_job(&scientist.person, SEGMENTS).await;
    template.segments = SEGMENTS;
    let first: Submitted = scientist
        .ask(Method::POST, "/v1/jobs", Some("first"), &template)
        .await
        .unwrap();
    let mut answered = vec![first.job];
    let (told, enough) = tokio::sync::watch::channel(false);
    let working = tokio::spawn(work(world.client(worker.person.token.clone()), worker, enough));
    for number in 0..FAULTS {
        let fault = ALL[world.below(ALL.len() as u64) as usize];
        let quiet = world.below(600);
        tokio::time::sleep(Duration::from_millis(quiet)).await;
        answered.push(world.strike(&scientist, fault, &template, &format!("key {number}")).await);
    }
    // Said again, each is the same job.
    for number in 0..FAULTS {
        let again: Submitted = scientist
            .ask(Method::POST, "/v1/jobs", Some(&format!("key {number}")), &template)
            .await
            .unwrap();
        assert_eq!(again.job, answered[number as usize + 1], "seed {seed}");
    }
    let expected: Vec<JobId> = (1..=FAULTS + 1).map(JobId).collect();
    assert_eq!(answered, expected, "seed {seed}: none lost, none made twice");
    let until = Instant::now() + PATIENCE;
    let package = template.package;
    for job in expected {
        loop {
            // Said again to the one that leads, so that the next question goes to it: a standby may lack a part.
            let _led: Submitted = scientist
                .ask(Method::POST, "/v1/jobs", Some("first"), &template)
                .await
                .unwrap();
            let view: JobView = scientist
                .ask(Method::GET, &format!("/v1/jobs/{job}"), None, &())
                .await
                .unwrap();
            if view.state == JobState::Completed {
                assert_eq!(view.epoch, 1, "seed {seed}");
                break;
            }
            assert!(
                Instant::now() < until,
                "seed {seed}: job {job} is {} ({})",
                view.state,
                view.reason
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let chain: Listed<ChainLine> = scientist
            .ask(Method::GET, &format!("/v1/jobs/{job}/chain"), None, &())
            .await
            .unwrap();
        let entries: Vec<ChainEntry> = chain.items.into_iter().map(|line| line.entry).collect();
        assert_eq!(entries, compute(package, None, SEGMENTS), "seed {seed}");
    }
    told.send_replace(true);
    for (job, segments) in working.await.unwrap() {
        assert!(segments.is_sorted(), "seed {seed}: job {job} went back: {segments:?}");
    }
    world.took
}

async fn schedules(seeds: std::ops::Range<u64>, at_once: usize) {
    let Some(cluster) = Cluster::start() else { return };
    let mut took: BTreeMap<Fault, Vec<Duration>> = BTreeMap::new();
    let count = seeds.end - seeds.start;
    let mut running = futures_util::stream::iter(seeds)
        .map(|seed| schedule(&cluster, seed))
        .buffer_unordered(at_once);
    while let Some(times) = running.next().await {
        for (fault, times) in times {
            took.entry(fault).or_default().extend(times);
        }
    }
    println!("{count} schedules; until a write was answered, with a lease of 2 s:");
    for (fault, mut times) in took {
        times.sort();
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        println!("{fault:?}: {} times, median {median:.2?}, worst {worst:.2?}", times.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_taken_back_whatever_happens_to_the_server_that_leads() {
    schedules(0..1, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a campaign: cargo nextest run --release -p baton-server --run-ignored only campaign --no-capture"]
async fn campaign_of_schedules() {
    let number = |name: &str, otherwise| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let first = number("BATON_SEED", 1);
    let at_once = number("BATON_AT_ONCE", 1) as usize;
    schedules(first..first + number("BATON_SCHEDULES", 50), at_once).await;
}
