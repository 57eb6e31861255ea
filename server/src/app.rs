//! The state that all handlers share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use protocol::Version;
use tokio::sync::watch;

use crate::auth::{Caller, Enrolment, Tokens};
use crate::blob::Blobs;
use crate::engine::Engine;
use crate::frame::Frames;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::observables::Observables;
use crate::pending::Pending;
use crate::problem::{Answer, Fault};
use crate::public_credit::PublicCredit;
use crate::session::Sessions;
use crate::signatures::Signatures;
use crate::site::Site;
use crate::submission::Submissions;
use crate::webhook::Webhooks;

/// Sizes that are taken, bytes.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Of a blob.
    pub blob_max: u64,
    /// Of a checkpoint's blob, and of the state in it: checkpoints are looked into, in memory.
    pub checkpoint_max: u64,
    /// Of what one subject uploaded and no commit or submission refers to yet, together; 0 for no limit.
    pub pending_max: u64,
}

/// The state that all handlers share.
pub struct App {
    /// The scheduler.
    pub engine: Arc<Engine>,
    /// Packages, checkpoints, outputs.
    pub blobs: Arc<dyn Blobs>,
    /// Whether a client that can follow a link gets one to a blob, where there are such.
    pub blob_links: bool,
    /// Blobs that nothing refers to yet.
    pub pending: Pending,
    /// Tokens and their scopes.
    pub tokens: Arc<Tokens>,
    /// Rate limits by caller.
    pub limits: Limits,
    /// Size limits.
    pub sizes: Sizes,
    /// For how long finished jobs are kept; none for good.
    pub keep: Option<Duration>,
    /// Oldest agent that gets new work.
    pub min_agent: Option<Version>,
    /// Memory for unpacking and validating uploads.
    pub memory: Memory,
    /// Verdicts on submitted archives.
    pub submissions: Submissions,
    /// Observables of the jobs that were looked at last.
    pub observables: Observables,
    /// Frames of the jobs that were looked at last.
    pub frames: Frames,
    /// URLs that are told when a job ends.
    pub webhooks: Webhooks,
    /// Which signatures count.
    pub signatures: Arc<Signatures>,
    /// Counters for `/metrics`.
    pub metrics: Metrics,
    /// Turns true when the server is to stop.
    pub stop: watch::Receiver<bool>,
    /// Held for reading between looking at a commit's blobs and telling the scheduler, for writing while blobs are removed.
    pub sweeping: tokio::sync::RwLock<()>,
    /// Idempotency keys whose first request is not answered yet.
    pub answering: Mutex<BTreeSet<String>>,
    /// Streams held open, by token.
    pub streams: Mutex<BTreeMap<String, u32>>,
    /// The URL under which others reach the server.
    pub site: Arc<Site>,
    /// The credit table that anyone may see.
    pub public_credit: PublicCredit,
    /// Who may enrol hosts.
    pub enrolment: Enrolment,
    /// Sessions of the page.
    pub sessions: Sessions,
}

/// Streams that one token may hold open.
pub const STREAMS_MAX: u32 = 32;
/// From one look at a stream's session to the next.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The right to hold a stream open, for as long as it lasts and its caller has access.
pub struct Listening {
    app: Arc<App>,
    caller: Caller,
    revocations: watch::Receiver<u64>,
}

impl Listening {
    /// Ends when the caller has no access any more: its token was revoked, its session ended.
    pub async fn ended(&mut self) {
        while self.app.admits(&self.caller) {
            // A session ends by itself.
            let told = tokio::time::timeout(LOOK_AGAIN, self.revocations.changed()).await;
            if matches!(told, Ok(Err(_))) {
                return;
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut streams = self.app.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.caller.id) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.caller.id);
            }
        }
    }
}

/// A first request under a key, for as long as it lasts.
pub struct Answering<'a>(&'a App, String);

impl App {
    /// Counts a stream that a token holds open.
    ///
    /// # Errors
    /// It holds as many as it may.
    pub fn listen(self: &Arc<Self>, caller: &Caller) -> Answer<Listening> {
        let revocations = self.tokens.revocations();
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(caller.id.clone()).or_default();
        if *count >= STREAMS_MAX {
            let detail = format!("this token holds {STREAMS_MAX} streams open, the most allowed: close one");
            return Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, "streams", "Too many streams", detail).retry_after(15));
        }
        *count += 1;
        Ok(Listening {
            app: Arc::clone(self),
            caller: caller.clone(),
            revocations,
        })
    }

    /// Whether a caller that was let in would be let in still.
    pub fn admits(&self, caller: &Caller) -> bool {
        let session = caller
            .session
            .is_none_or(|session| self.sessions.stands(session, Instant::now()));
        session && self.tokens.named(&caller.id).is_some()
    }

    /// Takes a key for a request.
    ///
    /// # Errors
    /// The same key is in use at this moment.
    pub fn begin(&self, name: &str) -> Answer<Answering<'_>> {
        let mut answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        match answering.insert(name.to_owned()) {
            true => Ok(Answering(self, name.to_owned())),
            false => Err(Fault::conflict("pending", "a request with this Idempotency-Key is being answered").retry_after(1)),
        }
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0
            .answering
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.1);
    }
}
