//! A store in a PostgreSQL database.

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use tokio::sync::Mutex;

/// Name of the lock that the one writing server holds: "baton" in ASCII.
const LOCK: i64 = 0x62_61_74_6f_6e;

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    pool: PgPool,
    next_row: Mutex<i64>,
    /// Holds the lock for as long as it lives.
    _lock: PgConnection,
}

impl PostgresStore {
    /// Connects, takes the lock of the one server that writes, and brings the tables up to date.
    ///
    /// # Errors
    /// No such database, another server that uses it, or tables that are none of ours.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let mut lock = PgConnection::connect(url).await?;
        let (free,): (bool,) = sqlx::query_as("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut lock)
            .await?;
        if !free {
            return Err(StoreError::Taken);
        }
        let pool = PgPoolOptions::new().max_connections(4).connect(url).await?;
        sqlx::migrate!("migrations/postgres").run(&pool).await?;
        let (next,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(number), 0) + 1 FROM changes")
            .fetch_one(&pool)
            .await?;
        Ok(Self {
            pool,
            next_row: Mutex::new(next),
            _lock: lock,
        })
    }
}

super::sql::sql_store!(PostgresStore, sqlx::Postgres);
