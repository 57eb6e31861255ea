//! The lease of the server that leads: the one row of table `lease`, renewed all the time, over when it was not for the lease's length by the
//! database's clock.
//!
//! Invariant: a server that believes in its lease ([`Renewals::hold`]) has one: it counts from before it asked, and for less time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use crate::store::StoreError;

/// From a renewal to the end, where the operator says nothing else.
pub const LEASE: Duration = Duration::from_secs(8);
/// The longest time from one renewal to the next.
const EVERY_MAX: Duration = Duration::from_secs(1);

/// Renewals of this server's lease.
pub(super) struct Renewals {
    lease: Duration,
    start: Instant,
    /// Milliseconds from the start to when the last renewal that came through was asked for; 0 when there was none.
    last_ms: AtomicU64,
}

impl Renewals {
    /// None yet, of leases of a length.
    pub(super) fn new(lease: Duration) -> Self {
        Self {
            lease,
            start: Instant::now(),
            last_ms: AtomicU64::new(0),
        }
    }

    /// From one renewal to the next.
    pub(super) fn every(&self) -> Duration {
        EVERY_MAX.min(self.lease / 4)
    }

    /// The time to say with [`renewed`](Self::renewed), taken before a renewal is asked for, milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// A renewal that was asked for at a time came through.
    pub(super) fn renewed(&self, asked_ms: u64) {
        self.last_ms.store(asked_ms, Ordering::SeqCst);
    }

    /// There are no more: another server may lead from now on.
    pub(super) fn end(&self) {
        self.last_ms.store(0, Ordering::SeqCst);
    }

    /// Whether no other server leads yet, whatever the database has heard since.
    pub(super) fn hold(&self) -> bool {
        let last_ms = self.last_ms.load(Ordering::SeqCst);
        // Clocks go at rates that differ a little.
        let believed = self.lease - self.lease / 8;
        last_ms > 0 && Duration::from_millis(self.now_ms().saturating_sub(last_ms)) < believed
    }
}

/// Begins the next term, and its lease, for a server that others reach at a URL. The connection holds the lock. The term, and the number of the next row
/// of `changes`.
pub(super) async fn begin(connection: &mut PgConnection, url: &str, renewals: &Renewals) -> Result<(i64, i64), StoreError> {
    let mut transaction = connection.begin().await?;
    // Waits for the transactions of the term before, and voids all later ones.
    let (term,): (i64,) = sqlx::query_as("UPDATE leader SET term = term + 1 RETURNING term")
        .fetch_one(&mut *transaction)
        .await?;
    let (next,): (i64,) = sqlx::query_as("SELECT COALESCE(MAX(number), 0) + 1 FROM changes")
        .fetch_one(&mut *transaction)
        .await?;
    sqlx::query(
        "INSERT INTO lease (term, url, until) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 second') \
         ON CONFLICT (one) DO UPDATE SET term = excluded.term, url = excluded.url, until = excluded.until",
    )
    .bind(term)
    .bind(url)
    .bind(renewals.lease.as_secs_f64())
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok((term, next))
}

/// Renews the lease of a term, unless that is over. The current term.
pub(super) async fn renew(connection: &mut PgConnection, term: i64, renewals: &Renewals) -> Result<i64, StoreError> {
    let asked_ms = renewals.now_ms();
    sqlx::query("UPDATE lease SET until = clock_timestamp() + $2 * interval '1 second' WHERE term = $1")
        .bind(term)
        .bind(renewals.lease.as_secs_f64())
        .execute(&mut *connection)
        .await?;
    let (current,): (i64,) = sqlx::query_as("SELECT term FROM leader").fetch_one(connection).await?;
    if current == term {
        renewals.renewed(asked_ms);
    }
    Ok(current)
}

/// Whether the server that leads has let its lease end. A server of a version without leases has none that could.
pub(super) async fn is_over(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let (leased,): (bool,) = sqlx::query_as("SELECT to_regclass('lease') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !leased {
        return Ok(false);
    }
    let over: Option<(bool,)> = sqlx::query_as("SELECT until < clock_timestamp() FROM lease JOIN leader USING (term)")
        .fetch_optional(connection)
        .await?;
    Ok(over.is_some_and(|(over,)| over))
}
