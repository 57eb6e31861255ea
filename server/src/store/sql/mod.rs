//! What both databases share: values to columns and back, and a connection given back after a transaction. `statements` holds the SQL text, `writes` that which changes
//! anything.

mod statements;
mod writes;

use std::time::Duration;

use protocol::HostId;
use protocol::http::Scope;
use sqlx::pool::PoolConnection;

use super::{Events, Logged, StoreError, TokenRow};
use crate::audit::{Audited, Topic};
use scheduler::{RULES, RULES_OLDEST};

/// Rows in one statement: with three values each, below SQLite's limit on bound values.
pub(super) const ROWS_MAX: usize = 1000;
/// The number of the next row of `changes`, where it has to be asked for.
pub(super) const UNKNOWN: i64 = 0;
/// Bytes of one part of a snapshot.
pub(super) const PART_BYTES: usize = 8 << 20;

pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn nat(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored has no maps with keys that are not text")
}

pub(super) fn damaged(what: &'static str, reason: impl ToString) -> StoreError {
    StoreError::Damaged {
        what,
        reason: reason.to_string(),
    }
}

pub(super) type EventColumns = (i64, i64, i64, Vec<u8>);

/// Events of rows that begin with number `next`, and the number after the last.
pub(super) fn events(rows: Vec<EventColumns>, mut next: u64) -> Result<(Events, u64), StoreError> {
    let mut events = Events::new();
    for (first, count, written, body) in rows {
        let rules = u32::try_from(written)
            .ok()
            .filter(|rules| (RULES_OLDEST..=RULES).contains(rules));
        let rules = rules.ok_or(StoreError::Rules {
            found: written,
            oldest: RULES_OLDEST,
            newest: RULES,
        })?;
        let batch: Vec<Logged> = serde_json::from_slice(&body).map_err(|error| damaged("events", error))?;
        if nat(first) != next || nat(count) != batch.len() as u64 {
            return Err(damaged("events", format!("event {next} is missing")));
        }
        next += batch.len() as u64;
        events.extend(batch.into_iter().map(|logged| (rules, logged)));
    }
    Ok((events, next))
}

pub(super) type TokenColumns = (
    String,
    String,
    String,
    String,
    Option<i64>,
    i64,
    Option<i64>,
    i64,
    Option<i64>,
);

pub(super) fn token(columns: TokenColumns) -> Result<TokenRow, StoreError> {
    let (id, digest, scope, subject, host, issued_ms, revoked_ms, invitation, enrolled) = columns;
    let scopes = [Scope::Host, Scope::Referee, Scope::Scientist, Scope::Operator];
    let scope = scopes
        .into_iter()
        .find(|known| known.as_str() == scope)
        .ok_or_else(|| damaged("tokens", format!("scope {scope:?}")))?;
    Ok(TokenRow {
        id,
        digest: digest.parse().map_err(|error| damaged("tokens", error))?,
        scope,
        subject,
        host: host.map(|host| HostId(nat(host))),
        issued_ms: nat(issued_ms),
        revoked_ms: revoked_ms.map(nat),
        invitation: invitation != 0,
        enrolled: enrolled.map(|host| HostId(nat(host))),
    })
}

pub(crate) type AuditColumns = (i64, String, String, String, String, String, String);

pub(crate) fn audited(columns: AuditColumns) -> Result<Audited, StoreError> {
    let (at_ms, key, topic, subject, action, object, detail) = columns;
    let found = Topic::ALL.into_iter().find(|known| known.as_str() == topic);
    Ok(Audited {
        at_ms: nat(at_ms),
        key,
        topic: found.ok_or_else(|| damaged("audit", format!("topic {topic:?}")))?,
        subject,
        action,
        object,
        detail,
    })
}

/// Gives back a connection after a transaction on it.
///
/// One that failed may still stand open on its connection (SQLite leaves it so when the disk is full at the commit): its rows would
/// be seen there and nowhere else, and its lock keep everybody out. Closing the connection ends it.
pub(super) async fn settle<D: sqlx::Database, T>(
    connection: PoolConnection<D>,
    written: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if written.is_err() {
        // Where even that fails or takes long, the connection is gone from the pool all the same.
        drop(tokio::time::timeout(Duration::from_secs(2), connection.close()).await);
    }
    written
}

pub(super) use statements::sql_store;
pub(super) use writes::sql_writes;
