//! The lock of the one server that writes: an advisory lock on a connection of its own, on which its lease is renewed every second.
//!
//! When the connection dies, the lock is taken again under the same term, as long as nobody else has led: a database that restarts does not end
//! its server. As soon as the term is another's, the lock is lost for good, and the process has to end. Between the two the fence in
//! every transaction keeps this server from writing over another.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::lease::{self, Renewals};
use crate::store::{SKEW_MAX_MS, StoreError};

/// Name of the lock: "baton" in ASCII.
const LOCK: i64 = 0x62_61_74_6f_6e;
/// For an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// Tries to take a lock whose connection is just being ended, and from one to the next.
const TRIES: u32 = 25;
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Waits for the database's answer.
///
/// # Errors
/// It does not come in time.
pub(super) async fn heard<T>(patience: Duration, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(patience, asked).await;
    answer.unwrap_or(Err(StoreError::Silent(patience)))
}

/// The lock, held.
pub(super) struct Lock {
    /// Dropped, it says to let go; none once it was said.
    release: Mutex<Option<oneshot::Sender<()>>>,
    task: tokio::sync::Mutex<JoinHandle<()>>,
}

impl Lock {
    /// Looks after the lock that a connection holds in a term. `lost` is told the reason when another server has led.
    pub(super) fn watch(
        connection: PgConnection,
        options: PgConnectOptions,
        term: i64,
        renewals: Arc<Renewals>,
        lost: watch::Sender<Option<String>>,
    ) -> Self {
        let (release, released) = oneshot::channel();
        let term = Term { term, renewals };
        let task = tokio::spawn(async move {
            if let Some(reason) = hold(connection, &options, &term, released).await {
                tracing::error!(reason, "the database has another server");
                lost.send_replace(Some(reason));
            }
        });
        Self {
            release: Mutex::new(Some(release)),
            task: tokio::sync::Mutex::new(task),
        }
    }

    /// Lets go, so that the next server can begin at once.
    pub(super) async fn release(&self) {
        let release = self.release.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(release);
        let mut task = self.task.lock().await;
        if !task.is_finished() && tokio::time::timeout(PATIENCE, &mut *task).await.is_err() {
            task.abort();
        }
    }
}

/// A connection whose end the database notices within seconds, also behind a network that is gone.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let options = options.clone().options([
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
    ]);
    let mut connection = PgConnection::connect_with(&options).await?;
    // A process that stands still is not heard of either. Known from PostgreSQL 14 on.
    sqlx::query("SELECT set_config(name, '15s', false) FROM pg_settings WHERE name = 'idle_session_timeout'")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// Holds this machine's clock against the database's.
///
/// # Errors
/// They are too far from each other.
pub(super) async fn hold_clock(connection: &mut PgConnection) -> Result<(), StoreError> {
    let asked = SystemTime::now();
    let (theirs_ms,): (i64,) = sqlx::query_as("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        .fetch_one(connection)
        .await?;
    let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    let (first, last) = (since(asked), since(SystemTime::now()));
    // Whatever the answer took, it was between the two.
    let ahead_ms = match theirs_ms {
        before if before < first => first - before,
        after if after > last => last - after,
        _ => 0,
    };
    match ahead_ms.unsigned_abs() > SKEW_MAX_MS {
        true => Err(StoreError::Clock(ahead_ms)),
        false => Ok(()),
    }
}

/// Takes the lock on a connection, if it is free.
pub(super) async fn take(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let (free,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(connection)
        .await?;
    Ok(free)
}

/// Takes the lock, if it becomes free at once.
pub(super) async fn take_soon(connection: &mut PgConnection) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        if take(connection).await? {
            return Ok(true);
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
    Ok(false)
}

/// Ends the connection that holds the lock: its server's lease is over.
pub(super) async fn take_away(connection: &mut PgConnection) -> Result<(), StoreError> {
    // A lock's number is shown in two halves.
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
         AND classid::bigint = $1 >> 32 AND objid::bigint = $1 & 4294967295 AND pid <> pg_backend_pid() \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(LOCK)
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets go of the lock: it is free when this returns, not only some time after the connection has ended.
async fn give_up(mut connection: PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

/// A term of this server, and when its lease was renewed.
struct Term {
    term: i64,
    renewals: Arc<Renewals>,
}

impl Term {
    /// Renews the lease, unless the term is over. The current term.
    async fn renew(&self, connection: &mut PgConnection) -> Result<i64, StoreError> {
        lease::renew(connection, self.term, &self.renewals).await
    }
}

/// What is known of the lock.
enum Held {
    Yes(PgConnection),
    /// The database does not answer, or the old connection's session has not ended there yet.
    NotNow(String),
    /// Another server's term.
    Never(i64),
}

/// Holds the lock until told to let go (none), or until another server has led (the reason).
async fn hold(
    connection: PgConnection,
    options: &PgConnectOptions,
    term: &Term,
    mut released: oneshot::Receiver<()>,
) -> Option<String> {
    let mut held = Some(connection);
    loop {
        tokio::select! {
            _ = &mut released => {
                if let Some(connection) = held {
                    drop(tokio::time::timeout(PATIENCE, give_up(connection)).await);
                }
                return None;
            }
            () = tokio::time::sleep(term.renewals.every()) => {}
        }
        let looked = match held.take() {
            Some(connection) => look(connection, term).await,
            None => take_again(options, term).await,
        };
        match looked {
            Held::Yes(connection) => held = Some(connection),
            Held::NotNow(reason) => {
                tracing::warn!(reason, "the lock's connection to the database is gone: taking the lock again")
            }
            Held::Never(current) => {
                return Some(format!(
                    "another server has taken over the database (its term is {current}, this server's was {}): this one ends",
                    term.term
                ));
            }
        }
    }
}

async fn look(mut connection: PgConnection, term: &Term) -> Held {
    match tokio::time::timeout(PATIENCE, term.renew(&mut connection)).await {
        Ok(Ok(current)) if current == term.term => Held::Yes(connection),
        Ok(Ok(current)) => Held::Never(current),
        Ok(Err(error)) => Held::NotNow(error.to_string()),
        Err(_) => Held::NotNow("no answer".to_owned()),
    }
}

async fn take_again(options: &PgConnectOptions, term: &Term) -> Held {
    let taking = async {
        let mut connection = connect(options).await?;
        let free = take(&mut connection).await?;
        // Looked at after the lock was taken, or refused: its holder has raised the term, or is about to.
        let current = term.renew(&mut connection).await?;
        Ok::<_, StoreError>(match (free, current == term.term) {
            (_, false) => Held::Never(current),
            (true, true) => Held::Yes(connection),
            (false, true) => Held::NotNow("it is held elsewhere".to_owned()),
        })
    };
    match tokio::time::timeout(PATIENCE, taking).await {
        Ok(Ok(held)) => held,
        Ok(Err(error)) => Held::NotNow(error.to_string()),
        Err(_) => Held::NotNow("no answer".to_owned()),
    }
}
