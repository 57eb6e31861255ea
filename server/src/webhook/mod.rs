//! Webhooks: a POST to a URL of the scientist's when a job has ended, at least once.
//!
//! Invariants: nothing is sent unless the operator allowed the URL's host (`guard`), no redirect is followed, and no address is connected to that was not looked at. A
//! notice is part of the scheduler's state until it was delivered or given up, so a restart, or a server that takes over, goes on with it; one that ends between
//! the delivery and the event that notes it delivers twice, which receivers tell by `delivery` in the body.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use protocol::{Digest, JobId, JobState};
use reqwest::redirect::Policy;
use ring::hmac;
use scheduler::{Event, Notice};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::App;
use crate::engine::stopped;

mod guard;

pub use guard::{Guard, Target};

/// For all of one delivery, from the look-up of the name to the answer's head.
const PATIENCE: Duration = Duration::from_secs(10);
/// Deliveries at the same time.
const AT_ONCE: usize = 8;
/// A notice is given up so long after its job's end, however often it was tried.
const GIVEN_UP_MS: u64 = 24 * 3_600_000;
/// From one failed try to the next; after the last the notice is given up.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1800),
    Duration::from_secs(7200),
    Duration::from_secs(21_600),
    Duration::from_secs(43_200),
];
/// Bytes of a secret, at least.
const SECRET_BYTES_MIN: usize = 16;

/// What an operator says of webhooks.
#[derive(Clone, Default)]
pub struct Settings {
    /// Hosts that may be told, and from which addresses.
    pub guard: Guard,
    /// With which bodies are signed.
    pub secret: Vec<u8>,
    /// From one failed try to the next, where it is not the usual.
    pub pauses: Option<Vec<Duration>>,
}

impl std::fmt::Debug for Settings {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// All that delivering needs.
pub struct Webhooks {
    guard: Arc<Guard>,
    key: hmac::Key,
    pauses: Vec<Duration>,
    /// None where no host is allowed.
    client: Option<reqwest::Client>,
}

/// The body of a delivery.
#[derive(Serialize)]
struct JobEnded<'a> {
    event: &'static str,
    /// The same for every delivery of one notice.
    delivery: String,
    server: &'a str,
    job: JobId,
    name: &'a str,
    owner: &'a str,
    state: JobState,
    reason: &'a str,
    ended_ms: u64,
    segment: u64,
    step: u64,
    chain: Option<Digest>,
}

impl Webhooks {
    /// Of an operator's settings.
    ///
    /// # Errors
    /// The secret is too short, or the system gives no client.
    pub fn new(settings: Settings) -> anyhow::Result<Self> {
        let Settings { guard, secret, pauses } = settings;
        let guard = Arc::new(guard);
        let mut client = None;
        if guard.allows_any() {
            anyhow::ensure!(
                secret.len() >= SECRET_BYTES_MIN,
                "the secret that signs webhooks has {} bytes, expected at least {SECRET_BYTES_MIN}: head -c 32 /dev/urandom | base64 makes one",
                secret.len()
            );
            // Another part of this process may have done it.
            let _installed = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
            let builder = reqwest::Client::builder()
                .user_agent(concat!("baton-server/", env!("CARGO_PKG_VERSION")))
                .no_proxy()
                .redirect(Policy::none())
                .connect_timeout(PATIENCE / 2)
                .timeout(PATIENCE)
                .dns_resolver(Arc::clone(&guard));
            client = Some(builder.build()?);
        }
        Ok(Self {
            guard,
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            pauses: pauses.unwrap_or_else(|| PAUSES.to_vec()),
            client,
        })
    }

    /// Whether a URL may be told.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, url: &str) -> Result<(), String> {
        self.guard.check(url).map(drop)
    }

    /// Sends one.
    async fn deliver(&self, server: &str, now_ms: u64, notice: &Notice) -> Result<(), String> {
        let url = self.guard.check(&notice.url)?;
        let client = self.client.as_ref().ok_or("no host is allowed")?;
        let body = serde_json::to_vec(&JobEnded {
            event: "job.ended",
            delivery: format!("{server}-{}", notice.job),
            server,
            job: notice.job,
            name: &notice.name,
            owner: &notice.owner,
            state: notice.state,
            reason: &notice.reason,
            ended_ms: notice.ended_ms,
            segment: notice.segment,
            step: notice.step,
            chain: notice.chain,
        });
        let body = body.map_err(|error| error.to_string())?;
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .header("baton-signature", self.sign(now_ms / 1000, &body))
            .body(body);
        let answer = request.send().await.map_err(|error| causes(&error))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("it answered {}", answer.status())),
        }
    }

    /// HMAC-SHA256 (RFC 2104) under the shared secret of the time, a dot and the body.
    fn sign(&self, seconds: u64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(format!("{seconds}.").as_bytes());
        context.update(body);
        let tag = context.sign();
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={seconds},sha256={hex}")
    }
}

/// An error and what is behind it, in a line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// A notice that could not be delivered yet.
struct Try {
    /// Failed tries, in this life of the server.
    count: usize,
    /// When the next is due.
    due: Instant,
}

/// Delivers notices while this server leads, until it stops.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    if app.webhooks.client.is_none() {
        return;
    }
    let mut changes = app.engine.watch_all();
    // What a former life left is looked at now.
    changes.mark_changed();
    let mut tries: BTreeMap<JobId, Try> = BTreeMap::new();
    loop {
        let next = tries.values().map(|tried| tried.due).min();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep_until(next.unwrap_or_else(|| Instant::now() + Duration::from_secs(60))) => {}
        }
        if app.engine.writes().is_err() {
            continue;
        }
        let now = Instant::now();
        let waiting: Vec<Notice> = app.engine.core().await.notices().cloned().collect();
        tries.retain(|job, _| waiting.iter().any(|notice| notice.job == *job));
        let is_due = |notice: &Notice| tries.get(&notice.job).is_none_or(|tried| tried.due <= now);
        let due = waiting.into_iter().filter(is_due).collect::<Vec<_>>();
        let deliveries = due.into_iter().map(|notice| {
            let app = Arc::clone(&app);
            async move {
                let told = app
                    .webhooks
                    .deliver(&app.engine.identity.server, app.engine.now_ms(), &notice)
                    .await;
                (notice, told)
            }
        });
        let mut delivered = futures_util::stream::iter(deliveries).buffer_unordered(AT_ONCE);
        loop {
            let next = tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                next = delivered.next() => next,
            };
            let Some((notice, told)) = next else { break };
            settle(&app, &mut tries, &notice, told).await;
        }
    }
}

/// Notes that a notice was delivered or given up, or when it is tried next.
async fn settle(app: &App, tries: &mut BTreeMap<JobId, Try>, notice: &Notice, told: Result<(), String>) {
    let job = notice.job;
    if let Err(error) = told {
        let count = tries.get(&job).map_or(0, |tried| tried.count);
        let age_ms = app.engine.now_ms().saturating_sub(notice.ended_ms);
        let pause = app.webhooks.pauses.get(count).filter(|_| age_ms < GIVEN_UP_MS);
        if let Some(pause) = pause {
            tracing::info!(%job, url = notice.url, error, again_s = pause.as_secs(), "a webhook was not delivered");
            let due = Instant::now() + *pause;
            tries.insert(job, Try { count: count + 1, due });
            return;
        }
        tracing::warn!(%job, url = notice.url, error, tries = count + 1, "a webhook is given up");
    }
    tries.remove(&job);
    if let Err(error) = app.engine.apply(Event::Noticed { job }).await {
        // It stays, and is told once more.
        tracing::warn!(%job, %error, "that a webhook was delivered cannot be noted");
    }
}
