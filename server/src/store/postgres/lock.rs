//! The lock of the one server that writes: an advisory lock on a connection of its own, looked at every second.
//!
//! When the connection dies, the lock is taken again under the same term, as long as nobody else has led: a database that restarts does not end
//! its server. As soon as the term is another's, the lock is lost for good, and the process has to end. Between the two the fence in
//! every transaction keeps this server from writing over another.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::store::StoreError;

/// Name of the lock: "baton" in ASCII.
const LOCK: i64 = 0x62_61_74_6f_6e;
/// From one look at the lock's connection to the next.
const EVERY: Duration = Duration::from_secs(1);
/// For an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The lock, held.
pub(super) struct Lock {
    lost: watch::Receiver<Option<String>>,
    /// Dropped, it says to let go; none once it was said.
    release: Mutex<Option<oneshot::Sender<()>>>,
    task: tokio::sync::Mutex<JoinHandle<()>>,
}

impl Lock {
    /// Looks after the lock that a connection holds in a term.
    pub(super) fn watch(connection: PgConnection, options: PgConnectOptions, term: i64) -> Self {
        let (release, released) = oneshot::channel();
        let (lost, losing) = watch::channel(None);
        let task = tokio::spawn(async move {
            if let Some(reason) = hold(connection, &options, term, released).await {
                tracing::error!(reason, "the database has another server");
                lost.send_replace(Some(reason));
            }
        });
        Self {
            lost: losing,
            release: Mutex::new(Some(release)),
            task: tokio::sync::Mutex::new(task),
        }
    }

    /// Ends, with the reason, when another server has led; never otherwise.
    pub(super) fn lost(&self) -> BoxFuture<'static, String> {
        let mut lost = self.lost.clone();
        Box::pin(async move {
            let reason = match lost.wait_for(Option::is_some).await {
                Ok(reason) => reason.clone(),
                Err(_) => None,
            };
            match reason {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        })
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

/// Takes the lock on a connection, if it is free.
pub(super) async fn take(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let (free,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(connection)
        .await?;
    Ok(free)
}

/// Lets go of the lock: it is free when this returns, not only some time after the connection has ended.
async fn give_up(mut connection: PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(LOCK)
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

async fn current_term(connection: &mut PgConnection) -> Result<i64, StoreError> {
    let (term,): (i64,) = sqlx::query_as("SELECT term FROM leader").fetch_one(connection).await?;
    Ok(term)
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
    term: i64,
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
            () = tokio::time::sleep(EVERY) => {}
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
                    "another server has taken over the database (its term is {current}, this server's was {term}): this one ends"
                ));
            }
        }
    }
}

async fn look(mut connection: PgConnection, term: i64) -> Held {
    match tokio::time::timeout(PATIENCE, current_term(&mut connection)).await {
        Ok(Ok(current)) if current == term => Held::Yes(connection),
        Ok(Ok(current)) => Held::Never(current),
        Ok(Err(error)) => Held::NotNow(error.to_string()),
        Err(_) => Held::NotNow("no answer".to_owned()),
    }
}

async fn take_again(options: &PgConnectOptions, term: i64) -> Held {
    let taking = async {
        let mut connection = connect(options).await?;
        let free = take(&mut connection).await?;
        // Looked at after the lock was taken, or refused: its holder has raised the term, or is about to.
        let current = current_term(&mut connection).await?;
        Ok::<_, StoreError>(match (free, current == term) {
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
