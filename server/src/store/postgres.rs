//! A store in a PostgreSQL database, for any number of servers of which one writes.
//!
//! Three things decide which server that is:
//! - A **lock** (PostgreSQL's advisory lock of a session) elects it. The lock lives on one connection, which [`lock`] looks at every second: a
//!   server that ends lets go of it at once.
//! - A **lease** (the one row of table `lease`, [`lease`]) ends when that connection stands still: a server that is cut off or stopped does not keep
//!   the lock from the others. It ends by the database's clock; no server's clock matters.
//! - A **term** (the one row of table `leader`) fences: taking the lock raises the term. A lock alone is not enough: when its
//!   connection dies, its old holder would go on writing through others.
//!
//! Invariant: every transaction that writes anything begins by holding the row `leader` with this server's term, and fails when the term
//! is another. A new server's raise waits for such transactions and voids all later ones. Connections are read-only by default, so a
//! statement that does not come through [`PostgresStore::begin`] cannot write.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use tokio::sync::{Mutex, watch};

pub use self::lease::LEASE;
use self::lease::Renewals;
use self::lock::{Lock, PATIENCE, heard};

mod lease;
mod lock;

/// For a connection to read on.
const READ_PATIENCE: Duration = Duration::from_secs(1);
/// For a connection to write on.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// A transaction may stand open for so long at least, between two statements.
const STANDING_MIN: Duration = Duration::from_secs(1);
/// For the transactions of the term before to end.
const TERM_PATIENCE: Duration = Duration::from_secs(10);
/// The term of a server that has not led yet.
const NO_TERM: i64 = 0;

/// Holds a database without all of our tables against being of something else.
///
/// # Errors
/// There are tables, and those of our first version are not among them.
async fn is_ours(connection: &mut PgConnection) -> Result<(), StoreError> {
    let tables: Vec<(String,)> = sqlx::query_as(
        "SELECT relname::text FROM pg_class WHERE relnamespace = to_regnamespace(current_schema()) AND relkind IN ('r', 'p') ORDER BY relname LIMIT 5",
    )
    .fetch_all(&mut *connection)
    .await?;
    let names: Vec<&str> = tables.iter().map(|(name,)| name.as_str()).collect();
    let first = TABLES.iter().next().map(|first| first.checksum.to_vec());
    let (counted,): (bool,) = sqlx::query_as("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let begun: Option<(Vec<u8>,)> = match counted {
        true => {
            let first = sqlx::query_as("SELECT checksum FROM _sqlx_migrations ORDER BY version LIMIT 1");
            first.fetch_optional(connection).await?
        }
        false => None,
    };
    let is_ours = match &begun {
        Some((checksum,)) => first.as_ref() == Some(checksum),
        // Another server of the database may be making the first of them.
        None => names.iter().all(|name| *name == "_sqlx_migrations"),
    };
    match is_ours {
        true => Ok(()),
        false => Err(StoreError::Foreign(names.join(", "))),
    }
}

/// The version of the newest of our tables in a database.
async fn newest_tables(connection: &mut PgConnection) -> Result<Option<i64>, StoreError> {
    let newest = sqlx::query_as("SELECT MAX(version) FROM _sqlx_migrations WHERE success");
    let (version,): (Option<i64>,) = newest.fetch_one(connection).await?;
    Ok(version)
}

static TABLES: Migrator = sqlx::migrate!("migrations/postgres");

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    options: PgConnectOptions,
    /// For reading.
    pool: PgPool,
    /// For transactions that write, so that readers do not keep the log waiting.
    writer: PgPool,
    next_row: Mutex<i64>,
    term: AtomicI64,
    /// The connection on which it tries to take the lock.
    trying: Mutex<Option<PgConnection>>,
    lock: OnceLock<Lock>,
    renewals: Arc<Renewals>,
    /// Why this server's term is over.
    lost: watch::Sender<Option<String>>,
}

impl PostgresStore {
    /// Connects, and begins a term at once.
    ///
    /// # Errors
    /// No such database, another server that uses it, or tables that are none of ours.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::join(url, LEASE).await?;
        match store.lead("").await? {
            true => Ok(store),
            false => Err(StoreError::Taken),
        }
    }

    /// Connects, to read what another server writes, or to [lead](Store::lead) under leases of a length. Makes the tables where there are none.
    ///
    /// # Errors
    /// No such database, or tables that are none of ours.
    pub async fn join(url: &str, lease: Duration) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let mut connection = lock::connect(&options).await?;
        let (made,): (bool,) = sqlx::query_as("SELECT to_regclass('blob_jobs') IS NOT NULL")
            .fetch_one(&mut connection)
            .await?;
        lock::hold_clock(&mut connection).await?;
        if !made {
            is_ours(&mut connection).await?;
            // Two that do this at once wait for each other.
            TABLES.run_direct(None, &mut connection, false).await?;
        }
        let standing = format!("{}ms", (lease / 4).max(STANDING_MIN).as_millis());
        let read_only = options.clone().options([
            ("default_transaction_read_only", "on"),
            // A server that stops in the middle of a transaction does not keep its successor waiting.
            ("idle_in_transaction_session_timeout", standing.as_str()),
        ]);
        // Those who only ask are told within a second or two that the database is away.
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(READ_PATIENCE);
        let writer = PgPoolOptions::new().max_connections(2).acquire_timeout(WRITE_PATIENCE);
        Ok(Self {
            options,
            pool: pool.connect_lazy_with(read_only.clone()),
            writer: writer.connect_lazy_with(read_only),
            next_row: Mutex::new(0),
            term: AtomicI64::new(NO_TERM),
            trying: Mutex::new(Some(connection)),
            lock: OnceLock::new(),
            renewals: Arc::new(Renewals::new(lease)),
            lost: watch::Sender::new(None),
        })
    }

    fn term(&self) -> i64 {
        self.term.load(Ordering::SeqCst)
    }

    async fn lead(&self, url: &str) -> Result<bool, StoreError> {
        let mut trying = self.trying.lock().await;
        if self.term() != NO_TERM {
            return Ok(true);
        }
        // One that fails is closed with that, and with it the lock that it may have got.
        let mut connection = match trying.take() {
            Some(connection) => connection,
            None => heard(PATIENCE, lock::connect(&self.options)).await?,
        };
        // Each statement has its time, not all of them together: on a slow machine they would begin again and again, and never come to their end.
        if !heard(PATIENCE, lock::take(&mut connection)).await? {
            let over = heard(PATIENCE, lease::is_over(&mut connection)).await?;
            if over {
                tracing::warn!("the lease of the server that leads is over: its lock is taken away");
                heard(PATIENCE, lock::take_away(&mut connection)).await?;
            }
            if !over || !heard(PATIENCE, lock::take_soon(&mut connection)).await? {
                *trying = Some(connection);
                return Ok(false);
            }
        }
        // Those of a newer version are made by the first of that version that leads; an older one's server fails over them.
        if heard(PATIENCE, newest_tables(&mut connection)).await? != TABLES.iter().last().map(|last| last.version) {
            TABLES.run_direct(None, &mut connection, false).await?;
        }
        let asked = self.renewals.now_ms();
        let begun = lease::begin(&mut connection, url, &self.renewals);
        let (term, next) = heard(TERM_PATIENCE, begun).await?;
        self.renewals.renewed(asked);
        *self.next_row.lock().await = next;
        let held = Lock::watch(
            connection,
            self.options.clone(),
            term,
            Arc::clone(&self.renewals),
            self.lost.clone(),
        );
        // Held across this function, `trying` lets one alone come here.
        drop(self.lock.set(held));
        self.term.store(term, Ordering::SeqCst);
        Ok(true)
    }

    fn leads(&self) -> bool {
        self.term() != NO_TERM && self.renewals.hold()
    }

    async fn leader(&self) -> Result<Option<String>, StoreError> {
        let (leased,): (bool,) = sqlx::query_as("SELECT to_regclass('lease') IS NOT NULL")
            .fetch_one(&self.pool)
            .await?;
        if !leased {
            return Ok(None);
        }
        let row: Option<(String,)> = sqlx::query_as("SELECT url FROM lease").fetch_optional(&self.pool).await?;
        Ok(row.map(|(url,)| url).filter(|url| !url.is_empty()))
    }

    /// A connection to write on.
    pub(crate) async fn writing(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.writer.acquire().await?)
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// The term is over or has not begun, or the database does not answer.
    pub(crate) async fn begin<'c>(&self, connection: &'c mut PgConnection) -> Result<Transaction<'c, Postgres>, StoreError> {
        let term = self.term();
        let mut transaction = connection.begin_with("BEGIN READ WRITE").await?;
        // A shared lock on the row: the next server's raise of the term waits for this transaction, and this statement for such a raise.
        let current: Option<(i64,)> = sqlx::query_as("SELECT term FROM leader WHERE term = $1 FOR SHARE")
            .bind(term)
            .fetch_optional(&mut *transaction)
            .await?;
        match current {
            Some(_) if term != NO_TERM => Ok(transaction),
            _ => Err(StoreError::Fenced { term }),
        }
    }

    /// Begins a transaction that sees the database at one moment, while another server may write.
    async fn reading(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        let (current,): (i64,) = sqlx::query_as("SELECT term FROM leader").fetch_one(&self.pool).await?;
        match self.term() {
            term if term == current || term == NO_TERM => Ok(()),
            term => Err(StoreError::Fenced { term }),
        }
    }

    fn lost(&self) -> BoxFuture<'static, String> {
        let mut lost = self.lost.subscribe();
        Box::pin(async move {
            let reason = lost.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            match reason {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        })
    }

    async fn resign(&self) {
        if let Some(lock) = self.lock.get() {
            lock.release().await;
            self.renewals.end();
        }
    }

    async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
        self.resign().await;
    }
}

super::sql::sql_store!(PostgresStore, sqlx::Postgres);
super::sql::sql_writes!(PostgresStore, sqlx::Postgres);
