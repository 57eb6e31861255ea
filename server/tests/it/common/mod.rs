//! A server of its own for each test, and a host and a scientist to talk to it.

pub mod chromium;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod s3;

use std::path::Path;
use std::sync::Once;
use std::time::{Duration, Instant};

use package::Package;
use protocol::http::{
    Commit, Heartbeat, IssueToken, IssuedToken, JobProgress, JobView, Lease, Orders, Registered, Scope, SubmitJob, Submitted,
};
use protocol::{AttemptId, ChainEntry, Checkpoint, Digest, HardwareClass, HostId, JobId, StateBuffer, Tier};
use reqwest::{Client, Method, Response, StatusCode};
use scheduler::testing::registration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::serve::{Options, Server};

pub const MINUTE_MS: u64 = 60_000;

pub fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another test of the process may have done it.
        let _installed = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().no_proxy().build().expect("a client")
}

pub fn options(data: &Path, database: Option<String>) -> Options {
    Options::loopback(data, database)
}

pub fn token(data: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(data.join(format!("{name}.token"))).expect("the token file");
    text.trim().to_owned()
}

/// Another scientist of a server, by its operator's word.
pub async fn another_scientist(operator: &Person, name: &str) -> Person {
    let wanted = IssueToken {
        scope: Scope::Scientist,
        subject: name.to_owned(),
        invitation: false,
    };
    let issued: IssuedToken = operator.post("/v1/tokens", &wanted).await;
    Person::new(&operator.url, issued.token)
}

/// Somebody with a token.
#[derive(Clone)]
pub struct Person {
    pub client: Client,
    pub url: String,
    pub token: String,
}

impl Person {
    pub fn new(url: &str, token: String) -> Self {
        Self {
            client: client(),
            url: url.to_owned(),
            token,
        }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Response {
        self.request(method, path).json(body).send().await.expect("an answer")
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> T {
        read(self.send(Method::POST, path, body).await).await
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        read(self.request(Method::GET, path).send().await.expect("an answer")).await
    }

    pub async fn upload(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let path = format!("/v1/blobs/{digest}?size={}", bytes.len());
        let response = self
            .request(Method::PUT, &path)
            .body(bytes.to_vec())
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{:?}", response.text().await);
        digest
    }

    pub async fn job(&self, job: JobId) -> JobView {
        self.get(&format!("/v1/jobs/{job}")).await
    }

    pub async fn submit(&self, job: &SubmitJob) -> JobId {
        let submitted: Submitted = self.post("/v1/jobs", job).await;
        submitted.job
    }
}

/// Submits a job to a server that follows another one, as soon as it leads: the job, and how long that took.
pub async fn submit_when_it_leads(scientist: &Person, job: &SubmitJob) -> (JobId, Duration) {
    let begun = Instant::now();
    loop {
        // It may not listen yet, or stand still.
        let asked = scientist.request(Method::POST, "/v1/jobs").json(job);
        if let Ok(answer) = asked.timeout(Duration::from_secs(2)).send().await
            && answer.status().is_success()
        {
            return (read::<Submitted>(answer).await.job, begun.elapsed());
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not lead");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn read<T: DeserializeOwned>(response: Response) -> T {
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{status}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The template that `baton new` writes, in a tier: its identity and archive.
pub fn archive(tier: Tier) -> (Digest, Vec<u8>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernels/packages/template");
    let package = Package::load(&folder).expect("a shipped package");
    let mut manifest = package.manifest().clone();
    manifest.tier = tier;
    let package = package.with_manifest(manifest).expect("it is of both tiers");
    (package.digest(), package.to_archive().expect("it is small"))
}

/// A submission of a package that lies on the server.
pub async fn a_job(scientist: &Person, segments: u64) -> SubmitJob {
    a_job_of(scientist, Tier::ClassBound, segments).await
}

/// The same, in a tier.
pub async fn a_job_of(scientist: &Person, tier: Tier, segments: u64) -> SubmitJob {
    let (package, bytes) = archive(tier);
    let archive = scientist.upload(&bytes).await;
    SubmitJob {
        name: "argon".to_owned(),
        package,
        archive,
        tier,
        segments,
        priority: 3,
        now: false,
        deadline_ms: None,
        after: None,
        tags: vec!["test".to_owned()],
        segment_ms: Some(20 * MINUTE_MS),
        restart_on_other_class: false,
        hold: false,
        verify: protocol::Verify::None,
        notify: None,
        signed: None,
    }
}

/// A host that computes what it is told, without a device.
pub struct Worker {
    pub person: Person,
    pub host: HostId,
}

impl Worker {
    pub async fn register(url: &str, enrolment: &str, name: &str, kind: u64) -> Self {
        Self::enrol(&Person::new(url, enrolment.to_owned()), name, kind).await
    }

    pub async fn enrol(person: &Person, name: &str, kind: u64) -> Self {
        let registered: Registered = person.post("/v1/hosts", &registration(name, kind)).await;
        let token = registered.token.expect("a first registration gives a token");
        Self {
            person: Person { token, ..person.clone() },
            host: registered.host,
        }
    }

    pub async fn orders(&self, path: &str, body: &impl Serialize) -> Orders {
        self.person.post(&format!("/v1/hosts/{}/{path}", self.host), body).await
    }

    pub async fn take(&self) -> Vec<Lease> {
        self.orders("leases", &()).await.leases
    }

    pub async fn beat(&self, leases: &[Lease]) -> Orders {
        let jobs = leases.iter().map(|lease| JobProgress {
            attempt: lease.attempt,
            epoch: lease.epoch,
            segment: 0,
            segment_ms: 20 * MINUTE_MS,
        });
        let beat = Heartbeat {
            clock_ms: 0,
            rtt_ms: Some(1),
            jobs: jobs.collect(),
            accepting: true,
            why: None,
            errors: 0,
            instance: None,
        };
        self.orders("heartbeat", &beat).await
    }

    /// Computes `segments` more after `last` and commits them. The last entry.
    pub async fn compute(&self, lease: &Lease, last: Option<ChainEntry>, segments: u64) -> (Response, ChainEntry) {
        let (commit, _) = self.work(lease, last, segments, lease.class).await;
        let entry = commit.entries.last().expect("something was computed").clone();
        (self.commit(lease.attempt, &commit).await, entry)
    }

    pub async fn commit(&self, attempt: AttemptId, commit: &Commit) -> Response {
        let path = format!("/v1/attempts/{attempt}/commit");
        self.person.send(Method::POST, &path, commit).await
    }

    /// Computes without committing; the checkpoint is uploaded.
    pub async fn work(
        &self,
        lease: &Lease,
        last: Option<ChainEntry>,
        segments: u64,
        class: HardwareClass,
    ) -> (Commit, Vec<u8>) {
        let (commit, bytes) = work(lease, last, segments, class);
        self.person.upload(&bytes).await;
        (commit, bytes)
    }
}

/// What a lease says computed, and its checkpoint.
pub fn work(lease: &Lease, last: Option<ChainEntry>, segments: u64, class: HardwareClass) -> (Commit, Vec<u8>) {
    let run = compute(lease.package, last, segments);
    let entry = run.last().expect("something was computed").clone();
    let bytes = checkpoint(lease.package, &entry, class);
    let commit = Commit {
        epoch: lease.epoch,
        entries: run,
        checkpoint: Digest::of(&bytes),
        outputs: None,
        computed_ms: segments * 1000,
        signature: None,
    };
    (commit, bytes)
}

pub fn state(segment: u64) -> Vec<StateBuffer> {
    vec![StateBuffer {
        name: "counter".to_owned(),
        element: protocol::checkpoint::Element::U32,
        shape: vec![2],
        bytes: segment.to_le_bytes().to_vec(),
    }]
}

/// What every device computes: the same.
pub fn compute(package: Digest, mut last: Option<ChainEntry>, segments: u64) -> Vec<ChainEntry> {
    let count = segments + u64::from(last.is_none());
    let mut entries = Vec::new();
    for _ in 0..count {
        let segment = last.as_ref().map_or(0, |last| last.segment + 1);
        let content = protocol::checkpoint::content_digest(&state(segment));
        let entry = ChainEntry::next(package, last.as_ref(), segment * 100, content, Digest::of(b"outputs"));
        entries.push(entry.clone());
        last = Some(entry);
    }
    entries
}

pub fn checkpoint(package: Digest, entry: &ChainEntry, class: HardwareClass) -> Vec<u8> {
    let checkpoint = Checkpoint {
        package,
        entry: entry.clone(),
        class,
        buffers: state(entry.segment),
    };
    checkpoint.to_bytes().expect("a small checkpoint")
}

/// A server, and a scientist.
pub async fn start(data: &Path) -> (Server, Person) {
    let server = Server::start(options(data, None)).await.expect("the server starts");
    let scientist = Person::new(&server.url, token(data, "scientist"));
    (server, scientist)
}
