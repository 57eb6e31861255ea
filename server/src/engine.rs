//! The one task that drives the core: events in, commands out, durable before visible.
//!
//! Events that arrive together share one transaction. The core is behind a lock that is held while that transaction is written, so
//! nobody reads a state that a power cut could take back. When the store fails, the requests are told to come again, and the core is read back
//! from the store before anything else happens.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::{Digest, HostId, JobId};
use tokio::sync::{Notify, RwLock, RwLockReadGuard, mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::news::{Watchers, rows};
use crate::store::{Answer, Batch, Logged, Store, StoreError};
use scheduler::{Config, Core, Event, Refusal, Reply};

const BATCH_MAX: usize = 512;
const QUEUE_MAX: usize = 4096;
/// A snapshot is due after this many events, or as many as there are hosts and jobs.
const SNAPSHOT_EVERY: u64 = 20_000;
const ANSWERS_MS: u64 = 24 * 3_600_000;

/// Why an event had no effect.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The core says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store is away, or the server is going down.
    #[error("the server cannot keep what it would answer: {0}")]
    Unavailable(String),
}

struct Request {
    event: Event,
    /// Name and body digest under which a number in the reply is remembered.
    remember: Option<(String, String)>,
    reply: oneshot::Sender<Result<Reply, EngineError>>,
}

/// A handle on the running scheduler.
pub struct Engine {
    core: RwLock<Core>,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    clock: Clock,
    requests: mpsc::Sender<Request>,
    watchers: Watchers,
    version: watch::Sender<u64>,
    superseded: Mutex<BTreeSet<Digest>>,
    /// Told when the store or a blob found the disk full.
    pub full: Notify,
    /// Events taken in and batches written since the start.
    pub taken: std::sync::atomic::AtomicU64,
}

/// The task, to be awaited at the end.
pub type EngineTask = tokio::task::JoinHandle<()>;

async fn read_back(store: &dyn Store) -> Result<(Core, u64, u64), StoreError> {
    let loaded = store.load().await?;
    let damaged = |what, reason: String| StoreError::Damaged { what, reason };
    let (begin, mut core) = match &loaded.snapshot {
        Some((upto, state)) => {
            let core = Core::restore(state).map_err(|error| damaged("snapshot", error.to_string()))?;
            (*upto, core)
        }
        None => (0, Core::new(Config::default())),
    };
    for logged in &loaded.events {
        core.apply(&logged.event, logged.at_ms)
            .map_err(|refusal| damaged("events", format!("an accepted event is refused now: {refusal}")))?;
        core.take_commands();
    }
    Ok((core, loaded.next, loaded.next - begin))
}

impl Engine {
    /// Restores the state and starts the task. The task ends when `stop` says so, after a last snapshot.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn start(
        store: Arc<dyn Store>,
        config: Config,
        stop: watch::Receiver<bool>,
    ) -> Result<(Arc<Self>, EngineTask), StoreError> {
        let (core, next, since) = read_back(store.as_ref()).await?;
        let clock = Clock::begin(core.now_ms());
        let (requests, receiver) = mpsc::channel(QUEUE_MAX);
        let engine = Arc::new(Self {
            core: RwLock::new(core),
            store,
            clock,
            requests,
            watchers: Watchers::default(),
            version: watch::Sender::new(0),
            superseded: Mutex::default(),
            full: Notify::new(),
            taken: 0.into(),
        });
        let mut writer = Writer {
            engine: Arc::clone(&engine),
            next,
            since,
            broken: false,
        };
        let mut first = vec![Event::Restarted];
        if *engine.core.read().await.config() != config {
            first.push(Event::Configure(config));
        }
        let (events, _replies): (Vec<Request>, Vec<_>) = first.into_iter().map(request).unzip();
        if next > 0 || events.len() > 1 {
            writer.write(events).await;
        }
        let task = tokio::spawn(writer.run(receiver, stop));
        Ok((engine, task))
    }

    /// The time by which the scheduler goes.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Looks at the state.
    pub async fn core(&self) -> RwLockReadGuard<'_, Core> {
        self.core.read().await
    }

    /// Tells the scheduler, and waits until what follows is durable.
    ///
    /// # Errors
    /// The core refuses, or the store is away.
    pub async fn apply(&self, event: Event) -> Result<Reply, EngineError> {
        self.apply_remembered(event, None).await
    }

    /// The same, and remembers the number in the reply under a name, with the digest of the request.
    ///
    /// # Errors
    /// The core refuses, or the store is away.
    pub async fn apply_remembered(&self, event: Event, remember: Option<(String, String)>) -> Result<Reply, EngineError> {
        let (mut request, answer) = request(event);
        request.remember = remember;
        let gone = |_| EngineError::Unavailable("it did not survive the request, or is shutting down".to_owned());
        self.requests
            .send(request)
            .await
            .map_err(|_| EngineError::Unavailable("it is shutting down".to_owned()))?;
        answer.await.map_err(gone)?
    }

    /// Wakes when a host's orders change.
    pub fn watch_host(&self, host: HostId) -> watch::Receiver<u64> {
        self.watchers.hosts.subscribe(host)
    }

    /// Wakes when a job changes.
    pub fn watch_job(&self, job: JobId) -> watch::Receiver<u64> {
        self.watchers.jobs.subscribe(job)
    }

    /// Checkpoints that no job needs any more, of those committed since the start; they are forgotten here.
    pub async fn take_superseded(&self) -> BTreeSet<Digest> {
        let needed = self.core.read().await.needed_blobs();
        let mut superseded = self.superseded.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *superseded).difference(&needed).copied().collect()
    }

    /// Wakes when anything changes.
    pub fn watch_all(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }
}

fn request(event: Event) -> (Request, oneshot::Receiver<Result<Reply, EngineError>>) {
    let (reply, answer) = oneshot::channel();
    let request = Request {
        event,
        remember: None,
        reply,
    };
    (request, answer)
}

struct Writer {
    engine: Arc<Engine>,
    next: u64,
    since: u64,
    /// The core holds something that the store does not.
    broken: bool,
}

impl Writer {
    async fn run(mut self, mut requests: mpsc::Receiver<Request>, mut stop: watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            let due = self.engine.core.read().await.next_due_ms();
            let now_ms = self.engine.now_ms();
            // A store that is away is tried again every second.
            let pause = match (self.broken, due) {
                (true, _) => 1000,
                (false, Some(due)) => due.saturating_sub(now_ms).min(60_000),
                (false, None) => 60_000,
            };
            tokio::select! {
                biased;
                count = requests.recv_many(&mut batch, BATCH_MAX) => if count == 0 { break },
                () = stopped(&mut stop) => {
                    // What was asked before the end is answered.
                    requests.close();
                    while requests.recv_many(&mut batch, BATCH_MAX).await > 0 {
                        self.write(std::mem::take(&mut batch)).await;
                    }
                    break;
                }
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
            self.write(std::mem::take(&mut batch)).await;
            let size = self.engine.core.read().await.size() as u64;
            if self.since >= SNAPSHOT_EVERY.max(size) {
                self.snapshot().await;
            }
        }
        self.snapshot().await;
    }

    async fn snapshot(&mut self) {
        if self.broken || self.since == 0 {
            return;
        }
        let saved = self.engine.core.read().await.save();
        let state = match saved {
            Ok(state) => state,
            Err(error) => return tracing::error!(%error, "the state cannot be saved"),
        };
        let bytes = state.len();
        match self.engine.store.snapshot(self.next, state).await {
            Ok(()) => {
                self.since = 0;
                tracing::info!(upto = self.next, bytes, "snapshot");
            }
            Err(error) => tracing::warn!(%error, "no snapshot: the log grows on"),
        }
        let before = self.engine.now_ms().saturating_sub(ANSWERS_MS);
        if let Err(error) = self.engine.store.forget_answers(before).await {
            tracing::warn!(%error, "old answers stay");
        }
    }

    /// Applies a batch of requests, makes it durable, and only then lets anybody see it.
    async fn write(&mut self, requests: Vec<Request>) {
        let engine = Arc::clone(&self.engine);
        let mut core = engine.core.write().await;
        if self.broken {
            match read_back(engine.store.as_ref()).await {
                Ok((restored, next, since)) => {
                    *core = restored;
                    (self.next, self.since, self.broken) = (next, since, false);
                    tracing::info!(next, "the store is back");
                }
                Err(error) => return refuse(requests, &error),
            }
        }
        let now_ms = engine.now_ms();
        let mut batch = Batch {
            first: self.next,
            ..Batch::default()
        };
        let mut replies = Vec::with_capacity(requests.len());
        // A fault in the rules must not end the server: the core is read back, and the event that did it is not in the log.
        let applied = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            apply_all(&mut core, requests, now_ms, &mut batch, &mut replies);
        }));
        if applied.is_err() {
            tracing::error!("the scheduler met a state that it does not know: it goes on from what is stored");
            self.broken = true;
            // Requests that were not answered yet learn it from their closed channel.
            return;
        }
        let commands = core.take_commands();
        let news = rows(&mut batch, commands);
        let events = batch.events.len() as u64;
        if events > 0
            && let Err(error) = engine.store.append(batch).await
        {
            tracing::error!(%error, events, "the store failed: nothing of this was done");
            self.broken = true;
            if error.is_full() {
                engine.full.notify_one();
            }
            for (reply, _) in replies {
                let _gone = reply.send(Err(EngineError::Unavailable(error.to_string())));
            }
            return;
        }
        drop(core);
        self.next += events;
        self.since += events;
        engine.taken.fetch_add(events, std::sync::atomic::Ordering::Relaxed);
        for (reply, result) in replies {
            let _gone = reply.send(result.map_err(EngineError::Refused));
        }
        news.hosts.into_iter().for_each(|host| engine.watchers.hosts.notify(host));
        news.jobs.into_iter().for_each(|job| engine.watchers.jobs.notify(job));
        let mut superseded = engine.superseded.lock().unwrap_or_else(PoisonError::into_inner);
        superseded.extend(news.superseded);
        drop(superseded);
        if events > 0 {
            engine.version.send_modify(|version| *version += 1);
        }
    }
}

type Answered = (oneshot::Sender<Result<Reply, EngineError>>, Result<Reply, Refusal>);

fn apply_all(core: &mut Core, requests: Vec<Request>, now_ms: u64, batch: &mut Batch, replies: &mut Vec<Answered>) {
    if core.next_due_ms().is_some_and(|due| due <= now_ms) && core.apply(&Event::Tick, now_ms).is_ok() {
        batch.events.push(Logged {
            at_ms: now_ms,
            event: Event::Tick,
        });
    }
    for request in requests {
        let reply = core.apply(&request.event, now_ms);
        if let Ok(reply) = &reply {
            let number = match reply {
                Reply::Job(job) => Some(job.0),
                Reply::Host(host) => Some(host.0),
                Reply::Done | Reply::Committed(_) => None,
            };
            if let (Some((name, request)), Some(number)) = (request.remember, number) {
                batch.answers.push(Answer {
                    name,
                    request,
                    number,
                    at_ms: now_ms,
                });
            }
            batch.events.push(Logged {
                at_ms: now_ms,
                event: request.event,
            });
        }
        replies.push((request.reply, reply));
    }
}

/// Ends when the server is to stop.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _told = stop.wait_for(|stop| *stop).await.is_ok();
}

fn refuse(requests: Vec<Request>, error: &StoreError) {
    for request in requests {
        let _gone = request.reply.send(Err(EngineError::Unavailable(error.to_string())));
    }
}
