//! Servers, database and store of one schedule, and what is done to them.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Times;
use super::client::{Client, Urls};
use crate::common::process::Process;
use crate::common::proxy::Proxy;
use crate::common::s3::Store;
use crate::common::{Person, postgres::Cluster};
use protocol::JobId;
use protocol::http::{ServerView, SubmitJob, Submitted};
use reqwest::Method;

const SERVERS: usize = 3;
/// The logs of servers are kept where a write was not answered within this time after a kill.
const SLOW_KILL: Duration = Duration::from_secs(3);

/// What is done to the server that leads, its connections to the database, the database, or the object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Terminate,
    /// SIGSTOP, and SIGCONT when another one leads: then two would.
    StandStill,
    /// Its connections to the database are cut once.
    Cut,
    /// The same, and new ones are refused for a while.
    CutOff,
    /// Nothing arrives on its connections to the database for a while, in either direction.
    Silent,
    /// Everything on these arrives 100 ms late for a while.
    Delayed,
    /// The database ends as in a crash, and starts again.
    Database,
    /// The object store answers nothing but 503 for a while, now and then for ten seconds.
    StoreAway,
    /// Each answer of the object store takes 400 ms for a while.
    StoreSlow,
    /// The object store does what it is asked, and its answers are cut for a while.
    StoreCut,
}

pub const ALL: [Fault; 11] = [
    Fault::Kill,
    Fault::Terminate,
    Fault::StandStill,
    Fault::Cut,
    Fault::CutOff,
    Fault::Silent,
    Fault::Delayed,
    Fault::Database,
    Fault::StoreAway,
    Fault::StoreSlow,
    Fault::StoreCut,
];

impl Fault {
    fn is_of_store(self) -> bool {
        matches!(self, Self::StoreAway | Self::StoreSlow | Self::StoreCut)
    }
}

/// A server with its connections to the database.
struct Member {
    folder: tempfile::TempDir,
    proxy: Proxy,
    process: Process,
}

pub struct World {
    members: Vec<Member>,
    store: Store,
    database: String,
    cluster: Arc<Cluster>,
    urls: Urls,
    seed: u64,
    random: u64,
    pub took: Times,
}

/// Starts a server; in a schedule that takes as long as another one leads without having begun.
async fn start(folder: &Path, port: u16, database: &str, environment: Vec<(String, String)>) -> Process {
    let url = format!("postgres://baton@127.0.0.1:{port}/{database}");
    let folder = folder.to_owned();
    let starting = tokio::task::spawn_blocking(move || {
        let options = ["--database", &url, "--blobs", "s3://lab/schedule", "--lease-s", "2"];
        let log = folder.join("log");
        for _ in 0..100 {
            if let Some(process) = Process::start_logged(&folder.join("data"), &options, &environment, &log) {
                return process;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!(
            "a server does not start: {}",
            std::fs::read_to_string(log).unwrap_or_default()
        )
    });
    starting.await.unwrap()
}

impl World {
    pub async fn new(cluster: Arc<Cluster>, seed: u64) -> Self {
        let database = format!("schedule_{seed}");
        let (made, name) = (Arc::clone(&cluster), database.clone());
        tokio::task::spawn_blocking(move || made.database(&name)).await.unwrap();
        let store = Store::start().await;
        let member = async || {
            let (folder, proxy) = (tempfile::tempdir().unwrap(), Proxy::start(cluster.socket()).await);
            let process = start(folder.path(), proxy.port, &database, store.environment()).await;
            Member { folder, proxy, process }
        };
        // The first one makes the tokens.
        let first = member().await;
        let (second, third) = tokio::join!(member(), member());
        let members = vec![first, second, third];
        let urls = members.iter().map(|member| member.process.url.clone()).collect();
        Self {
            members,
            store,
            database,
            cluster,
            urls: Arc::new(Mutex::new((urls, 0))),
            seed,
            random: seed,
            took: Times::new(),
        }
    }

    /// The data folder of a server.
    pub fn folder(&self, server: usize) -> PathBuf {
        self.members[server].folder.path().join("data")
    }

    pub fn below(&mut self, end: u64) -> u64 {
        protocol::split_mix::next(&mut self.random) % end
    }

    pub fn client(&self, token: String) -> Client {
        let person = Person::new(&self.members[0].process.url, token);
        let urls = Arc::clone(&self.urls);
        Client { person, urls }
    }

    /// Starts those servers anew that have ended.
    async fn restart(&mut self) {
        for server in 0..SERVERS {
            let member = &mut self.members[server];
            if member.process.child.try_wait().unwrap().is_some() {
                let environment = self.store.environment();
                let process = start(member.folder.path(), member.proxy.port, &self.database, environment).await;
                self.urls.lock().unwrap().0[server].clone_from(&process.url);
                member.process = process;
            }
        }
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

    fn begin(&self, fault: Fault, leader: usize) {
        let (member, store) = (&self.members[leader], self.store.faults());
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
            Fault::Database => {
                let cluster = Arc::clone(&self.cluster);
                drop(tokio::task::spawn_blocking(move || cluster.restart()));
            }
            Fault::StoreAway => store.away.store(true, Ordering::SeqCst),
            Fault::StoreSlow => store.delay_ms.store(400, Ordering::SeqCst),
            Fault::StoreCut => store.cut.store(true, Ordering::SeqCst),
        }
    }

    fn mend(&self, fault: Fault, leader: usize) {
        let (member, store) = (&self.members[leader], self.store.faults());
        match fault {
            Fault::StandStill => member.process.signal("CONT"),
            Fault::CutOff => member.proxy.refuse(false),
            Fault::Silent => member.proxy.silence(false),
            Fault::Delayed => member.proxy.delay(Duration::ZERO),
            Fault::StoreAway => store.away.store(false, Ordering::SeqCst),
            Fault::StoreSlow => store.delay_ms.store(0, Ordering::SeqCst),
            Fault::StoreCut => store.cut.store(false, Ordering::SeqCst),
            Fault::Kill | Fault::Cut | Fault::Terminate | Fault::Database => {}
        }
    }

    /// Does something to the server that leads, waits until a write is answered, and mends it.
    pub async fn strike(&mut self, scientist: &Client, fault: Fault, job: &SubmitJob, key: &str) -> JobId {
        self.restart().await;
        let leader = self.leader().await;
        let pause = Duration::from_millis(500 + self.below(2500));
        let long = fault == Fault::StoreAway && self.below(4) == 0;
        let pause = if long { Duration::from_secs(10) } else { pause };
        let begun = Instant::now();
        self.begin(fault, leader);
        // Without the store no submission is taken: it comes back meanwhile.
        let store_is_back = async {
            if fault.is_of_store() {
                tokio::time::sleep(pause).await;
                self.mend(fault, leader);
            }
        };
        let asked = scientist.ask::<Submitted>(Method::POST, "/v1/jobs", Some(key), job);
        let (submitted, ()) = tokio::join!(asked, store_is_back);
        let submitted = submitted.expect("it is taken");
        let took = begun.elapsed();
        self.took.entry(fault).or_default().push(took);
        if fault == Fault::Kill && took > SLOW_KILL {
            self.keep_logs(key, leader);
        }
        // As an init system does; a server that begins to lead within the lease of another has ended by itself.
        self.restart().await;
        tokio::time::sleep(pause.saturating_sub(begun.elapsed())).await;
        if !fault.is_of_store() {
            self.mend(fault, leader);
        }
        // One whose term is over ends by itself.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.restart().await;
        submitted.job
    }

    /// Copies what the servers said so far to where it can be read afterwards.
    fn keep_logs(&self, key: &str, leader: usize) {
        let to = std::env::temp_dir().join(format!("baton-schedules/seed {} {key}", self.seed));
        std::fs::create_dir_all(&to).unwrap();
        for (server, member) in self.members.iter().enumerate() {
            // Where a server said nothing there is no file.
            let _kept = std::fs::copy(member.folder.path().join("log"), to.join(format!("{server}.log")));
        }
        println!("seed {}: server {leader} was killed; logs are in {}", self.seed, to.display());
    }
}
