//! The task that drives the scheduler: applies a batch of requests, makes it durable, and only then answers.
//!
//! Invariant: the published state equals the stored one, except while `broken` is set; then the state is read back before any event is accepted.
//! An event over which the rules panic is left out and its sender alone is told so; the others of its batch are applied again without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use scheduler::{Core, Event, Refusal, Reply};
use tokio::sync::{mpsc, watch};

use super::{Engine, EngineError, Request, Told, read_back, stopped, unheard};
use crate::audit::Audited;
use crate::identity::Home;
use crate::news::rows;
use crate::store::{Answer, Batch, Logged, Row, StoreError};

/// Requests that share a transaction, at most.
const BATCH_MAX: usize = 512;
/// A snapshot is due after this many events, or as many as there are hosts and jobs.
const SNAPSHOT_EVERY: u64 = 20_000;
/// Or when the log is this long, and some times as long as the last snapshot: a start reads all of it.
const LOG_BYTES_MAX: u64 = 64 << 20;
const LOG_TO_SNAPSHOT: u64 = 4;
/// How long an answer is remembered under its `Idempotency-Key`.
const ANSWERS_MS: u64 = 24 * 3_600_000;

pub(super) struct Writer {
    pub(super) engine: Arc<Engine>,
    /// Number of the next event.
    pub(super) next: u64,
    /// Events since the last snapshot.
    pub(super) since: u64,
    /// Bytes of the events that were kept since the last snapshot or start.
    pub(super) log_bytes: u64,
    /// Bytes of the last snapshot since the start.
    pub(super) snapshot_bytes: u64,
    /// The core holds something that the store does not.
    pub(super) broken: bool,
    /// Where it is marked how far this life has come.
    pub(super) home: Option<Home>,
}

impl Writer {
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, mut stop: watch::Receiver<bool>) {
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
                    let noted = self.engine.core.write().await.take_notes();
                    self.write(noted.into_iter().map(unheard).collect()).await;
                    break;
                }
                () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            }
            self.write(std::mem::take(&mut batch)).await;
            let size = self.engine.core.read().await.size() as u64;
            let long = self.log_bytes >= LOG_BYTES_MAX.max(LOG_TO_SNAPSHOT * self.snapshot_bytes);
            if self.since >= SNAPSHOT_EVERY.max(size) || long {
                self.snapshot().await;
            }
        }
        self.snapshot().await;
    }

    /// Marks how far this life has come.
    pub(super) fn mark(&self) -> Result<(), StoreError> {
        match &self.home {
            Some(home) => home.mark(self.engine.identity.life, self.next).map_err(StoreError::Folder),
            None => Ok(()),
        }
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
                (self.log_bytes, self.snapshot_bytes) = (0, bytes as u64);
                tracing::info!(upto = self.next, bytes, "snapshot");
                if let Err(error) = self.mark() {
                    tracing::warn!(%error, "how far this life has come cannot be marked");
                }
            }
            Err(error) => tracing::warn!(%error, "no snapshot: the log grows on"),
        }
        let before = self.engine.now_ms().saturating_sub(ANSWERS_MS);
        if let Err(error) = self.engine.store.forget(before).await {
            tracing::warn!(%error, "old answers and actions stay");
        }
    }

    /// Reads the state back from the store.
    pub(super) async fn read_back(&mut self, core: &mut Core) -> Result<(), StoreError> {
        let read = read_back(self.engine.store.as_ref()).await?;
        self.replace(core, read);
        Ok(())
    }

    /// Goes on from a state that was read back, the number of the next event, and how many came since the snapshot.
    pub(super) fn replace(&mut self, core: &mut Core, (mut restored, next, since): (Core, u64, u64)) {
        restored.keep_notes(core);
        *core = restored;
        (self.next, self.since, self.broken) = (next, since, false);
        tracing::info!(next, "read back from the store");
    }

    /// Applies a batch of requests, makes it durable, and only then publishes it.
    pub(super) async fn write(&mut self, mut requests: Vec<Request>) {
        let engine = Arc::clone(&self.engine);
        let mut core = engine.core.write().await;
        let now_ms = engine.now_ms();
        let mut may_note;
        let applied = loop {
            if self.broken
                && let Err(error) = self.read_back(&mut core).await
            {
                return refuse(requests.into_iter().map(|request| request.tell), &error);
            }
            // One that may not lead any more answers nothing without the store.
            may_note = engine.store.leads();
            match apply_all(&mut core, &requests, now_ms, may_note) {
                Ok(applied) => break applied,
                Err(Panicked(culprit)) => {
                    // Half of an event may be in the state: it is not gone on from.
                    self.broken = true;
                    let Some(culprit) = culprit else {
                        tracing::error!("the scheduler's timers met a state that it does not know");
                        return refuse_all(requests, "the scheduler's timers failed");
                    };
                    let request = requests.remove(culprit);
                    tracing::error!(event = ?request.event, "the scheduler met a state that it does not know: this event is left out");
                    (request.tell)(Err(EngineError::Panicked));
                }
            }
        };
        let (mut batch, told) = batch(self.next, now_ms, requests, applied);
        let news = rows(&mut batch, core.take_commands());
        let events = batch.events.len() as u64;
        let kept = match events {
            0 if may_note => Ok(0),
            // Also a refusal is an answer of the one that leads alone.
            0 => engine.store.ready().await.map(|()| 0),
            _ => engine.store.append(batch).await,
        };
        if let Err(error) = kept {
            tracing::error!(%error, events, "the store failed: nothing of this was done");
            self.broken = true;
            engine.failing.store(true, Ordering::Relaxed);
            if error.is_full() {
                engine.full.notify_one();
            }
            return refuse(told.into_iter().map(|(tell, _)| tell), &error);
        }
        self.next += events;
        self.since += events;
        self.log_bytes += kept.unwrap_or(0);
        engine.taken.fetch_add(events, Ordering::Relaxed);
        if events > 0 {
            engine.failing.store(false, Ordering::Relaxed);
        }
        // Others may look at the same time.
        let core = core.downgrade();
        for (tell, reply) in told {
            let reply = reply.map(|reply| (reply, &*core)).map_err(EngineError::Refused);
            if catch_unwind(AssertUnwindSafe(|| tell(reply))).is_err() {
                tracing::error!("what followed from an event cannot be shown");
            }
        }
        drop(core);
        let mut superseded = engine.superseded.lock().unwrap_or_else(PoisonError::into_inner);
        superseded.extend(&news.superseded);
        drop(superseded);
        if events > 0 {
            engine.tell(news);
        }
    }
}

/// The place of the request over which the rules panicked; none for the timers.
struct Panicked(Option<usize>);

/// What became of requests and timers.
#[derive(Default)]
struct Applied {
    /// What timers and notes of heartbeats made of themselves, before the requests.
    first: Vec<Event>,
    /// For each request.
    taken: Vec<Taken>,
}

/// What became of a request.
struct Taken {
    /// The event that came before it: what was noted of its host.
    noted: Option<Event>,
    reply: Result<Reply, Refusal>,
    /// It changed nothing, and is not logged.
    quiet: bool,
}

/// Applies timers that are due, and then every request.
fn apply_all(core: &mut Core, requests: &[Request], now_ms: u64, may_note: bool) -> Result<Applied, Panicked> {
    let apply = |core: &mut Core, event: &Event, place| {
        catch_unwind(AssertUnwindSafe(|| core.apply(event, now_ms))).map_err(|_| Panicked(place))
    };
    let mut applied = Applied::default();
    if core.next_due_ms().is_some_and(|due| due <= now_ms) {
        for event in core.notes_due(now_ms).into_iter().chain([Event::Tick]) {
            if apply(core, &event, None)?.is_ok() {
                applied.first.push(event);
            }
        }
    }
    for (place, Request { event, .. }) in requests.iter().enumerate() {
        if may_note && core.note(event, now_ms) {
            let (noted, reply) = (None, Ok(Reply::Done));
            applied.taken.push(Taken {
                noted,
                reply,
                quiet: true,
            });
            continue;
        }
        let noted = core.note_before(event);
        if let Some(noted) = &noted {
            // Never refused.
            let _done = apply(core, noted, Some(place))?;
        }
        let reply = apply(core, event, Some(place))?;
        applied.taken.push(Taken {
            noted,
            reply,
            quiet: false,
        });
    }
    Ok(applied)
}

/// A request, once it was applied: whom to tell, and what.
type Answered = (Told, Result<Reply, Refusal>);

/// The events that were accepted and the answers to keep, and what is to be told to whom.
fn batch(first: u64, at_ms: u64, requests: Vec<Request>, applied: Applied) -> (Batch, Vec<Answered>) {
    let logged = |event| Logged { at_ms, event };
    let mut batch = Batch {
        first,
        events: applied.first.into_iter().map(logged).collect(),
        ..Batch::default()
    };
    let mut told = Vec::with_capacity(requests.len());
    for (Request { event, remember, tell }, taken) in requests.into_iter().zip(applied.taken) {
        batch.events.extend(taken.noted.map(logged));
        if let Ok(reply) = &taken.reply {
            let number = match reply {
                Reply::Job(job) => Some(job.0),
                Reply::Host(host) => Some(host.0),
                Reply::Done | Reply::Committed(_) => None,
            };
            if let (Some((name, request)), Some(number)) = (remember, number) {
                batch.answers.push(Answer {
                    name,
                    request,
                    number,
                    at_ms,
                });
            }
            if !taken.quiet {
                let number = first + batch.events.len() as u64;
                let audited = Audited::of_event(number, at_ms, &event, reply);
                batch.rows.extend(audited.map(|row| Row::Audit(Box::new(row))));
                batch.events.push(logged(event));
            }
        }
        told.push((tell, taken.reply));
    }
    (batch, told)
}

fn refuse(told: impl Iterator<Item = Told>, error: &StoreError) {
    told.for_each(|tell| tell(Err(EngineError::Unavailable(error.to_string()))));
}

fn refuse_all(requests: Vec<Request>, reason: &str) {
    for request in requests {
        (request.tell)(Err(EngineError::Unavailable(reason.to_owned())));
    }
}
