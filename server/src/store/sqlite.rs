//! A store in one file: the default, nothing to install.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};
use tokio::sync::Mutex;

/// A store in one file.
pub struct SqliteStore {
    pool: SqlitePool,
    /// The same: SQLite lets one write at a time anyway.
    writer: SqlitePool,
    next_row: Mutex<i64>,
}

impl SqliteStore {
    /// Opens or creates the file, and brings its tables up to date.
    ///
    /// # Errors
    /// A file that is none of ours, or cannot be written.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered is on the disk.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        sqlx::migrate!("migrations/sqlite").run(&pool).await?;
        let (next,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(number), 0) + 1 FROM changes")
            .fetch_one(&pool)
            .await?;
        Ok(Self {
            writer: pool.clone(),
            pool,
            next_row: Mutex::new(next),
        })
    }

    /// Begins a transaction. The folder's lock keeps other servers away.
    async fn begin<'c>(&self, connection: &'c mut SqliteConnection) -> Result<Transaction<'c, Sqlite>, StoreError> {
        Ok(connection.begin().await?)
    }

    /// Begins a transaction that sees the database at one moment.
    async fn reading(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin().await?)
    }

    /// Of a file there is one server.
    async fn lead(&self, _url: &str) -> Result<bool, StoreError> {
        Ok(true)
    }

    fn leads(&self) -> bool {
        true
    }

    async fn leader(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Jobs of which there are boundaries.
    pub(crate) async fn chained(&self) -> Result<Vec<JobId>, StoreError> {
        let rows: Vec<(i64,)> = sqlx::query_as("SELECT DISTINCT job FROM chain ORDER BY job")
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(|(job,)| JobId(nat(job))).collect())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    fn lost(&self) -> BoxFuture<'static, String> {
        Box::pin(std::future::pending())
    }

    /// The folder's lock is let go of with the process.
    async fn resign(&self) {}

    async fn close(&self) {
        self.pool.close().await;
    }
}

super::sql::sql_store!(SqliteStore, sqlx::Sqlite);
super::sql::sql_writes!(SqliteStore, sqlx::Sqlite);
