//! A store in a PostgreSQL database, for one writing server at a time.
//!
//! Two things decide which server that is:
//! - A **lock** (PostgreSQL's advisory lock of a session) elects it. The lock lives on one connection, which [`lock`] looks at every second.
//! - A **term** (the one row of table `leader`) fences it: taking the lock raises the term. A lock alone is not enough: when its
//!   connection dies, its old holder would go on writing through others.
//!
//! Invariant: every transaction that writes anything begins by holding the row `leader` with this server's term, and fails when the term
//! is another. A new server's raise waits for such transactions and voids all later ones. Connections are read-only by default, so a
//! statement that does not come through [`PostgresStore::begin`] cannot write.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Postgres, Transaction};
use tokio::sync::Mutex;

use self::lock::Lock;

mod lock;

/// For a connection to read on.
const READ_PATIENCE: Duration = Duration::from_secs(1);
/// For a connection to write on.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    /// For reading.
    pool: PgPool,
    /// For transactions that write, so that readers do not keep the log waiting.
    writer: PgPool,
    next_row: Mutex<i64>,
    term: i64,
    lock: Lock,
}

impl PostgresStore {
    /// Connects, takes the lock of the one server that writes, brings the tables up to date, and begins a term.
    ///
    /// # Errors
    /// No such database, another server that uses it, or tables that are none of ours.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse()?;
        let mut locked = lock::connect(&options).await?;
        if !lock::take(&mut locked).await? {
            return Err(StoreError::Taken);
        }
        sqlx::migrate!("migrations/postgres").run(&mut locked).await?;
        let (term,): (i64,) = sqlx::query_as("UPDATE leader SET term = term + 1 RETURNING term")
            .fetch_one(&mut locked)
            .await?;
        let (next,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(number), 0) + 1 FROM changes")
            .fetch_one(&mut locked)
            .await?;
        let read_only = options.clone().options([
            ("default_transaction_read_only", "on"),
            // A server that stops in the middle of a transaction does not keep its successor waiting.
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
        // Those who only ask are told within a second or two that the database is away.
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(READ_PATIENCE);
        let writer = PgPoolOptions::new().max_connections(2).acquire_timeout(WRITE_PATIENCE);
        Ok(Self {
            pool: pool.connect_with(read_only.clone()).await?,
            writer: writer.connect_with(read_only).await?,
            next_row: Mutex::new(next),
            term,
            lock: Lock::watch(locked, options, term),
        })
    }

    /// A connection to write on.
    pub(crate) async fn writing(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.writer.acquire().await?)
    }

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// The term is over, or the database does not answer.
    pub(crate) async fn begin<'c>(&self, connection: &'c mut PgConnection) -> Result<Transaction<'c, Postgres>, StoreError> {
        let mut transaction = connection.begin_with("BEGIN READ WRITE").await?;
        // A shared lock on the row: the next server's raise of the term waits for this transaction, and this statement for such a raise.
        let current: Option<(i64,)> = sqlx::query_as("SELECT term FROM leader WHERE term = $1 FOR SHARE")
            .bind(self.term)
            .fetch_optional(&mut *transaction)
            .await?;
        match current {
            Some(_) => Ok(transaction),
            None => Err(StoreError::Fenced { term: self.term }),
        }
    }

    async fn ready(&self) -> Result<(), StoreError> {
        let (term,): (i64,) = sqlx::query_as("SELECT term FROM leader").fetch_one(&self.pool).await?;
        match term == self.term {
            true => Ok(()),
            false => Err(StoreError::Fenced { term: self.term }),
        }
    }

    fn lost(&self) -> BoxFuture<'static, String> {
        self.lock.lost()
    }

    async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
        self.lock.release().await;
    }
}

super::sql::sql_store!(PostgresStore, sqlx::Postgres);
