//! The state that all handlers share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use tokio::sync::watch;

use crate::auth::Tokens;
use crate::blob::Blobs;
use crate::engine::Engine;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::problem::{Answer, Fault};
use crate::submission::Submissions;

/// Sizes that are taken, bytes.
#[derive(Clone, Debug)]
pub struct Sizes {
    /// Of a blob.
    pub blob_max: u64,
    /// Of a checkpoint's blob, and of the state in it: checkpoints are looked into, in memory.
    pub checkpoint_max: u64,
}

/// The state that all handlers share.
pub struct App {
    /// The scheduler.
    pub engine: Arc<Engine>,
    /// Packages, checkpoints, outputs.
    pub blobs: Arc<dyn Blobs>,
    /// Tokens and their scopes.
    pub tokens: Tokens,
    /// Rate limits by caller.
    pub limits: Limits,
    /// Size limits.
    pub sizes: Sizes,
    /// Memory for unpacking and validating uploads.
    pub memory: Memory,
    /// Verdicts on submitted archives.
    pub submissions: Submissions,
    /// Counters for `/metrics`.
    pub metrics: Metrics,
    /// Turns true when the server is to stop.
    pub stop: watch::Receiver<bool>,
    /// Held for reading between looking at a commit's blobs and telling the scheduler, for writing while blobs are removed.
    pub sweeping: tokio::sync::RwLock<()>,
    /// Idempotency keys whose first request is not answered yet.
    pub pending: Mutex<BTreeSet<String>>,
    /// Streams held open, by token.
    pub streams: Arc<Mutex<BTreeMap<String, u32>>>,
    /// Whether everything comes through TLS.
    pub secure: bool,
}

/// Streams that one token may hold open.
const STREAMS_MAX: u32 = 32;

/// The right to hold a stream open, for as long as it lasts.
pub struct Listening(Arc<Mutex<BTreeMap<String, u32>>>, String);

impl Drop for Listening {
    fn drop(&mut self) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.1);
            }
        }
    }
}

/// A first request under a key, for as long as it lasts.
pub struct Pending<'a>(&'a App, String);

impl App {
    /// Counts a stream that a token holds open.
    ///
    /// # Errors
    /// It holds as many as it may.
    pub fn listen(&self, token: &str) -> Answer<Listening> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(token.to_owned()).or_default();
        if *count >= STREAMS_MAX {
            let detail = format!("this token holds {STREAMS_MAX} streams open, the most allowed: close one");
            return Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, "streams", "Too many streams", detail).retry_after(15));
        }
        *count += 1;
        Ok(Listening(Arc::clone(&self.streams), token.to_owned()))
    }

    /// Takes a key for a request.
    ///
    /// # Errors
    /// The same key is in use at this moment.
    pub fn begin(&self, name: &str) -> Answer<Pending<'_>> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        match pending.insert(name.to_owned()) {
            true => Ok(Pending(self, name.to_owned())),
            false => Err(Fault::conflict("pending", "a request with this Idempotency-Key is being answered").retry_after(1)),
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}
