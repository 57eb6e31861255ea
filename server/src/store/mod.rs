//! What outlives the process: the trait [`Store`], in memory, in SQLite and in PostgreSQL.
//!
//! The core is a pure function, so its state is a fold over its events. What is stored is therefore the log of accepted events, each with
//! its time, and now and then a snapshot to begin from: a restart restores the state exactly, whatever was going on. The rows for people
//! (changes, chains) and the answers to idempotent requests go into the same transaction as the events that caused them; nothing is shown to
//! anybody before that transaction is durable. Tables of jobs and hosts, kept in step by hand, would have to be proven equal to the core at
//! every change; a log is equal by construction.
//!
//! | module | home |
//! |---|---|
//! | [`memory`] | none: for tests |
//! | [`sqlite`] | a file in the data folder |
//! | [`postgres`] | a PostgreSQL database by URL |

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use futures_util::future::BoxFuture;
use protocol::http::lease::ChainLine;
use protocol::http::{Change, Scope};
use protocol::{ChainEntry, Digest, HostId, JobId, JobState, http::TokenView};
use serde::{Deserialize, Serialize};

use crate::audit::Audited;
use scheduler::{Event, Finished};

pub mod memory;
pub mod postgres;
pub(crate) mod sql;
pub mod sqlite;

/// An accepted event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// When it was applied, Unix milliseconds.
    pub at_ms: u64,
    /// The event.
    pub event: Event,
}

/// Largest difference between this machine's clock and the database's, milliseconds. The times of a term go on from the log's last one, so that a clock far ahead
/// would bring all that is due at once.
pub(crate) const SKEW_MAX_MS: u64 = 60_000;

/// Events in order, each with the version of the rules that wrote it.
pub type Events = Vec<(u32, Logged)>;

/// A row for people.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A job changed.
    Changed(JobId, Change),
    /// A boundary of a job is safe, with the outputs of the commit that ended with it.
    Chain(JobId, ChainEntry, Option<Digest>),
    /// A job starts over.
    ChainReset(JobId),
    /// A job goes back to this boundary: those behind it are void.
    ChainCut(JobId, u64),
    /// A finished job left the scheduler's memory.
    Finished(Box<Finished>),
    /// A finished job is kept no longer: all rows of it go.
    Expired(JobId),
    /// A person did something.
    Audit(Box<Audited>),
}

/// What was answered under an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The key, with who asked and what for.
    pub name: String,
    /// Digest of the request's body.
    pub request: String,
    /// The number that was given.
    pub number: u64,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// Rows and events that one transaction writes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Number of the first event; each has the next one.
    pub first: u64,
    /// Events, in order.
    pub events: Vec<Logged>,
    /// Rows, in order.
    pub rows: Vec<Row>,
    /// Answers given.
    pub answers: Vec<Answer>,
}

/// What there is to begin from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The core's state, and the number of the first event that it does not contain.
    pub snapshot: Option<(u64, Vec<u8>)>,
    /// Events since.
    pub events: Events,
    /// Number of the next event.
    pub next: u64,
}

/// A token as it is kept: its digest, never itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Name to revoke it by.
    pub id: String,
    /// Digest of the secret.
    pub digest: Digest,
    /// Requests that it may make.
    pub scope: Scope,
    /// Name of the person or host that holds it.
    pub subject: String,
    /// The host that it speaks for.
    pub host: Option<HostId>,
    /// When it was issued, Unix milliseconds.
    pub issued_ms: u64,
    /// When it was revoked, Unix milliseconds.
    pub revoked_ms: Option<u64>,
    /// It enrols one host and no more.
    pub invitation: bool,
    /// The host that it enrolled, as an invitation.
    pub enrolled: Option<HostId>,
}

impl TokenRow {
    /// As people see it.
    pub fn view(&self) -> TokenView {
        TokenView {
            id: self.id.clone(),
            scope: self.scope,
            subject: self.subject.clone(),
            issued_ms: self.issued_ms,
            revoked_ms: self.revoked_ms,
            invitation: self.invitation,
            host: self.host.or(self.enrolled),
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The database's tables could not be brought up to date.
    #[error("migration: {0}")]
    Migration(sqlx::migrate::MigrateError),
    /// Something stored does not read back.
    #[error("stored {what} does not read back: {reason}")]
    Damaged {
        /// The table.
        what: &'static str,
        /// The parser's error.
        reason: String,
    },
    /// Events of other rules than this program's.
    #[error(
        "the log holds events of scheduler rules {found}, this program replays rules {oldest} to {newest}: start and stop the former version once, which \
         leaves a snapshot"
    )]
    Rules {
        /// Version of the rules that wrote the log.
        found: i64,
        /// Oldest rules that this program replays.
        oldest: u32,
        /// Version of this program's rules.
        newest: u32,
    },
    /// The data folder cannot be read or written.
    #[error("the data folder: {0}")]
    Folder(std::io::Error),
    /// Another server has taken over the database since this one began.
    #[error("another server has taken over the database: this one's term, {term}, is over, and it writes nothing more")]
    Fenced {
        /// The term of this server.
        term: i64,
    },
    /// The database holds tables of something else.
    #[error("the database holds tables of another program ({0}): name an empty database, or the one of this server")]
    Foreign(String),
    /// This machine's clock and the database's are far from each other.
    #[error(
        "this machine's clock is {} s {} the database's, at most {} s are taken: set both by a time service (NTP)",
        .0.unsigned_abs() / 1000, if *.0 > 0 { "ahead of" } else { "behind" }, SKEW_MAX_MS / 1000
    )]
    Clock(i64),
    /// Another server leads in the database.
    #[error("another server uses this database")]
    Taken,
    /// The database says nothing.
    #[error("the database has not answered for {} s", .0.as_secs())]
    Silent(Duration),
    /// What begins a term could not be written.
    #[error("the first events of this server's term cannot be kept")]
    NotBegun,
    /// A fault that a test asked for.
    #[error("{0}")]
    Injected(String),
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(error)
    }
}

impl StoreError {
    /// Whether the database's disk has no room: SQLite's SQLITE_FULL, PostgreSQL's disk_full.
    pub fn is_full(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return false;
        };
        matches!(error.code().as_deref(), Some("13" | "53100"))
    }
}

/// What outlives the process. One process at a time writes, others may read.
pub trait Store: Send + Sync + 'static {
    /// All that is needed to begin.
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>>;

    /// Makes a batch durable: all of it or nothing. How many bytes its events take.
    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Replaces the snapshot by a state that contains all events before number `upto`, and forgets those that the snapshot before contained.
    fn snapshot(&self, upto: u64, state: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>>;

    /// The last `limit` changes of a job, oldest first.
    fn changes(&self, job: JobId, limit: u32) -> BoxFuture<'_, Result<Vec<Change>, StoreError>>;

    /// Boundaries of a job from segment `from` on, at most `limit`.
    fn chain(&self, job: JobId, from: u64, limit: u32) -> BoxFuture<'_, Result<Vec<ChainLine>, StoreError>>;

    /// A finished job that left memory.
    fn finished(&self, job: JobId) -> BoxFuture<'_, Result<Option<Finished>, StoreError>>;

    /// Finished jobs that left memory, numbered within a range, in the order of their numbers or the newest first, at most `limit`; of one owner, in one of
    /// some states, where these are given.
    fn finished_within(
        &self,
        range: Range<JobId>,
        newest_first: bool,
        limit: u32,
        owner: Option<String>,
        states: Vec<JobState>,
    ) -> BoxFuture<'_, Result<Vec<Finished>, StoreError>>;

    /// Those of some blobs that are kept for good: outputs, and what finished jobs that left memory need.
    fn kept(&self, blobs: BTreeSet<Digest>) -> BoxFuture<'_, Result<BTreeSet<Digest>, StoreError>>;

    /// Jobs whose outputs, or whose archive or last checkpoint as jobs that left memory, are in a blob; at most a thousand.
    fn blob_jobs(&self, digest: Digest) -> BoxFuture<'_, Result<Vec<JobId>, StoreError>>;

    /// What was answered under a key.
    fn answer(&self, name: String) -> BoxFuture<'_, Result<Option<Answer>, StoreError>>;

    /// Forgets answers older than a time, and actions of people beyond those that are kept.
    fn forget(&self, answers_before_ms: u64) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Keeps an action of a person that is no event.
    fn put_audit(&self, audited: Audited) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Actions of people before a time and key, the newest first, at most `limit`.
    fn audit(&self, before: (u64, String), limit: u32) -> BoxFuture<'_, Result<Vec<Audited>, StoreError>>;

    /// Keeps a token, its revocation, or the host that it enrolled.
    fn put_token(&self, token: TokenRow) -> BoxFuture<'_, Result<(), StoreError>>;

    /// All tokens.
    fn tokens(&self) -> BoxFuture<'_, Result<Vec<TokenRow>, StoreError>>;

    /// What the server knows of itself, by name.
    fn facts(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreError>>;

    /// Keeps one of these.
    fn put_fact(&self, name: String, value: String) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Whether the store answers and may be written: it is asked, not remembered.
    fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Events from number `next` on, some at a time. None when a snapshot has taken the place
    /// of some of them: then all is loaded anew.
    fn events_from(&self, _next: u64) -> BoxFuture<'_, Result<Option<Events>, StoreError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Tries to become the one that writes, which others reach at a URL. Whether it is; until then it reads what another writes.
    fn lead(&self, _url: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    /// Whether it is certain that no other writes, without asking.
    fn leads(&self) -> bool {
        true
    }

    /// The URL of the one that writes, as far as it is known.
    fn leader(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Ends, with the reason, when the store belongs to another process: then nothing can be written any more, and this one has to end.
    fn lost(&self) -> BoxFuture<'static, String> {
        Box::pin(std::future::pending())
    }

    /// Lets go of the right to write, so that the next process can begin while this one still reads.
    fn resign(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Lets go of the store, so that the next process can begin at once.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
