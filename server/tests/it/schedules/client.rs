//! People and a worker that ask every server until one answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::{self, Person};
use protocol::http::{Commit, Committed, Lease, Orders};
use protocol::{ChainEntry, HostId, JobId};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// For anything to be answered, or a job to get on: the longest fault, a lease, and time to start on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// What takes longer is told.
const SLOW: Duration = Duration::from_secs(4);

/// URLs of all servers, and the one that answered a write last.
pub type Urls = Arc<Mutex<(Vec<String>, usize)>>;

/// Somebody who asks every server until one answers.
#[derive(Clone)]
pub struct Client {
    pub person: Person,
    pub urls: Urls,
}

/// What came of tries, for one that takes long.
struct Trace {
    begun: Instant,
    met: Vec<String>,
}

impl Trace {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            met: Vec::new(),
        }
    }

    /// Another try did not serve.
    fn add(&mut self, server: usize, what: &str) {
        let line = format!("{server} {what}");
        if !self.met.last().is_some_and(|last| last.ends_with(&line)) {
            self.met.push(format!("{:.1} s {line}", self.begun.elapsed().as_secs_f64()));
        }
    }

    /// How long one try may take: the longer the more was waited for, so that what takes its time comes to its end.
    fn patience(&self) -> Duration {
        let whole = self.begun.elapsed().as_secs() / 2;
        Duration::from_secs(1 + whole.min(9))
    }

    fn end(&self, what: &str) {
        if self.begun.elapsed() > SLOW {
            let last = &self.met[self.met.len().saturating_sub(40)..];
            println!("{what} took {:.1?}: {}", self.begun.elapsed(), last.join("; "));
        }
    }
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
                urls.1 = (server + 1) % urls.0.len();
            }
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }

    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, StatusCode> {
        let mut trace = Trace::new();
        loop {
            let (url, server) = self.current();
            let person = Person {
                url,
                ..self.person.clone()
            };
            let mut request = person.request(method.clone(), path).timeout(trace.patience());
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            match request.json(body).send().await {
                Ok(answer) if answer.status().is_success() => match answer.json().await {
                    Ok(answer) => {
                        trace.end(path);
                        return Ok(answer);
                    }
                    Err(_) => trace.add(server, "half an answer"),
                },
                Ok(answer) if !answer.status().is_server_error() && answer.status() != StatusCode::CONFLICT => {
                    let status = answer.status();
                    if status == StatusCode::UNPROCESSABLE_ENTITY {
                        println!("{path}: {}", answer.text().await.unwrap_or_default());
                    }
                    return Err(status);
                }
                Ok(answer) => trace.add(server, answer.status().as_str()),
                Err(error) if error.is_timeout() => trace.add(server, "silent"),
                Err(_) => trace.add(server, "gone"),
            }
            assert!(trace.begun.elapsed() < PATIENCE, "{path} is not answered: {:?}", trace.met);
            self.turn(server).await;
        }
    }

    /// Brings a checkpoint to whatever server takes it. Whether one does: the lease may be over.
    async fn upload(&self, lease: &Lease, commit: &Commit, bytes: &[u8]) -> bool {
        let mut trace = Trace::new();
        loop {
            let (url, server) = self.current();
            let (blob, size, attempt) = (commit.checkpoint, bytes.len(), lease.attempt);
            let path = format!("{url}/v1/blobs/{blob}?size={size}&attempt={attempt}");
            let request = self
                .person
                .client
                .put(path)
                .bearer_auth(&self.person.token)
                .body(bytes.to_vec());
            match request.timeout(trace.patience()).send().await {
                Ok(answer) if answer.status().is_success() => {
                    trace.end("an upload");
                    return true;
                }
                Ok(answer) if answer.status() == StatusCode::GONE => return false,
                Ok(answer) => trace.add(server, answer.status().as_str()),
                Err(_) => trace.add(server, "gone or silent"),
            }
            assert!(trace.begun.elapsed() < PATIENCE, "an upload is not taken: {:?}", trace.met);
            self.turn(server).await;
        }
    }
}

/// A worker that computes whatever it is given. It ends when it is told to, and gives the last segment of each commit that was answered.
pub async fn work(client: Client, host: HostId, enough: tokio::sync::watch::Receiver<bool>) -> BTreeMap<JobId, Vec<u64>> {
    let mut answered: BTreeMap<JobId, Vec<u64>> = BTreeMap::new();
    let mut last: BTreeMap<JobId, ChainEntry> = BTreeMap::new();
    while !*enough.borrow() {
        let path = format!("/v1/hosts/{host}/leases");
        let orders: Orders = client.ask(Method::POST, &path, None, &()).await.expect("orders");
        let Some(lease) = orders.leases.first().cloned() else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        assert_eq!(lease.epoch, 1, "no lease was given twice");
        let (commit, bytes) = common::work(&lease, last.get(&lease.job).cloned(), 1, lease.class);
        if !client.upload(&lease, &commit, &bytes).await {
            continue;
        }
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
