//! The statements, once for both databases: SQLite and PostgreSQL read the same text.

/// Implements [`super::Store`] for a type with a `pool` of connections to one database for reading, another, `writer`, for writing, a counter `next_row`, and functions `begin` (the only way to a
/// transaction that writes), `reading`, `lead`, `leads`, `leader`, `ready`, `lost`, `resign` and `close`.
macro_rules! sql_store {
    ($store:ty, $database:ty) => {
        use futures_util::future::BoxFuture;
        use protocol::http::Change;
        use protocol::http::lease::ChainLine;
        use protocol::{Digest, JobId, JobState};
        use sqlx::{Connection as _, QueryBuilder};

        use super::sql::{self, PART_BYTES, ROWS_MAX, damaged, int, json, nat};
        use std::collections::{BTreeMap, BTreeSet};

        use crate::audit::{Audited, KEPT_MAX, Topic};

        use super::{Answer, Batch, Events, Loaded, Row, Store, StoreError, TokenRow};
        use scheduler::{Finished, RULES};

        impl Store for $store {
            fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
                Box::pin(async {
                    // At one moment: another server may put a snapshot in the place of events.
                    let mut reading = self.reading().await?;
                    let parts: Vec<(i64, Vec<u8>)> = sqlx::query_as("SELECT upto, body FROM snapshot ORDER BY part")
                        .fetch_all(&mut *reading)
                        .await?;
                    let upto = parts.first().map(|(upto, _)| nat(*upto));
                    let snapshot = upto.map(|upto| (upto, parts.into_iter().flat_map(|(_, body)| body).collect()));
                    let rows: Vec<sql::EventColumns> =
                        sqlx::query_as("SELECT first, count, rules, body FROM events WHERE first >= $1 ORDER BY first")
                            .bind(int(upto.unwrap_or(0)))
                            .fetch_all(&mut *reading)
                            .await?;
                    reading.rollback().await?;
                    let (events, next) = sql::events(rows, upto.unwrap_or(0))?;
                    Ok(Loaded { snapshot, events, next })
                })
            }

            fn events_from(&self, next: u64) -> BoxFuture<'_, Result<Option<Events>, StoreError>> {
                Box::pin(async move {
                    let rows: Vec<sql::EventColumns> =
                        sqlx::query_as("SELECT first, count, rules, body FROM events WHERE first >= $1 ORDER BY first LIMIT 64")
                            .bind(int(next))
                            .fetch_all(&self.pool)
                            .await?;
                    let begins = match rows.first() {
                        Some((first, ..)) => nat(*first) == next,
                        None => {
                            let (upto,): (Option<i64>,) =
                                sqlx::query_as("SELECT MAX(upto) FROM snapshot").fetch_one(&self.pool).await?;
                            upto.is_none_or(|upto| nat(upto) <= next)
                        }
                    };
                    match begins {
                        true => Ok(Some(sql::events(rows, next)?.0)),
                        false => Ok(None),
                    }
                })
            }

            fn lead(&self, url: String) -> BoxFuture<'_, Result<bool, StoreError>> {
                Box::pin(async move { <$store>::lead(self, &url).await })
            }

            fn leads(&self) -> bool {
                <$store>::leads(self)
            }

            fn leader(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
                Box::pin(<$store>::leader(self))
            }

            fn append(&self, batch: Batch) -> BoxFuture<'_, Result<u64, StoreError>> {
                Box::pin(async move {
                    let mut next = self.next_row.lock().await;
                    let mut row = *next;
                    let mut connection = self.writer.acquire().await?;
                    let written = self.append_on(&mut connection, batch, &mut row).await;
                    let written = sql::settle(connection, written).await;
                    // One whose answer did not come may have been written all the same.
                    *next = if written.is_ok() { row } else { sql::UNKNOWN };
                    written
                })
            }

            fn snapshot(&self, upto: u64, state: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(async move {
                    let mut connection = self.writer.acquire().await?;
                    let written = self.snapshot_on(&mut connection, upto, &state).await;
                    sql::settle(connection, written).await
                })
            }

            fn changes(&self, job: JobId, limit: u32) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
                Box::pin(async move {
                    let rows: Vec<(String,)> =
                        sqlx::query_as("SELECT body FROM changes WHERE job = $1 ORDER BY number DESC LIMIT $2")
                            .bind(int(job.0))
                            .bind(i64::from(limit))
                            .fetch_all(&self.pool)
                            .await?;
                    let read = |(body,): &(String,)| serde_json::from_str(body).map_err(|error| damaged("changes", error));
                    rows.iter().rev().map(read).collect()
                })
            }

            fn chain(&self, job: JobId, from: u64, limit: u32) -> BoxFuture<'_, Result<Vec<ChainLine>, StoreError>> {
                Box::pin(async move {
                    let rows: Vec<(String,)> =
                        sqlx::query_as("SELECT body FROM chain WHERE job = $1 AND segment >= $2 ORDER BY segment LIMIT $3")
                            .bind(int(job.0))
                            .bind(int(from))
                            .bind(i64::from(limit))
                            .fetch_all(&self.pool)
                            .await?;
                    let read = |(body,): &(String,)| serde_json::from_str(body).map_err(|error| damaged("chain", error));
                    rows.iter().map(read).collect()
                })
            }

            fn finished(&self, job: JobId) -> BoxFuture<'_, Result<Option<Finished>, StoreError>> {
                Box::pin(async move {
                    let row: Option<(String,)> = sqlx::query_as("SELECT body FROM finished WHERE job = $1")
                        .bind(int(job.0))
                        .fetch_optional(&self.pool)
                        .await?;
                    row.map(|(body,)| serde_json::from_str(&body).map_err(|error| damaged("finished", error)))
                        .transpose()
                })
            }

            fn finished_within(
                &self,
                range: std::ops::Range<JobId>,
                newest_first: bool,
                limit: u32,
                owner: Option<String>,
                states: Vec<JobState>,
            ) -> BoxFuture<'_, Result<Vec<Finished>, StoreError>> {
                Box::pin(async move {
                    let mut query = QueryBuilder::<$database>::new("SELECT body FROM finished WHERE job >= ");
                    query.push_bind(int(range.start.0));
                    query.push(" AND job < ").push_bind(int(range.end.0));
                    if let Some(owner) = owner {
                        query.push(" AND owner = ").push_bind(owner);
                    }
                    if !states.is_empty() {
                        query.push(" AND state IN (");
                        let mut listed = query.separated(", ");
                        for state in states {
                            listed.push_bind(state.as_str());
                        }
                        query.push(")");
                    }
                    query.push(if newest_first { " ORDER BY job DESC LIMIT " } else { " ORDER BY job LIMIT " });
                    query.push_bind(i64::from(limit));
                    let rows: Vec<(String,)> = query.build_query_as().fetch_all(&self.pool).await?;
                    let read = |(body,): &(String,)| serde_json::from_str(body).map_err(|error| damaged("finished", error));
                    rows.iter().map(read).collect()
                })
            }

            fn kept(&self, blobs: BTreeSet<Digest>) -> BoxFuture<'_, Result<BTreeSet<Digest>, StoreError>> {
                Box::pin(async move {
                    let mut kept = BTreeSet::new();
                    for digests in blobs.into_iter().collect::<Vec<_>>().chunks(ROWS_MAX) {
                        let mut query = QueryBuilder::<$database>::new("SELECT digest FROM kept WHERE digest IN (");
                        let mut list = query.separated(", ");
                        for digest in digests {
                            list.push_bind(digest.to_string());
                        }
                        query.push(")");
                        let rows: Vec<(String,)> = query.build_query_as().fetch_all(&self.pool).await?;
                        for (digest,) in rows {
                            kept.insert(digest.parse().map_err(|error| damaged("kept", error))?);
                        }
                    }
                    Ok(kept)
                })
            }

            fn blob_jobs(&self, digest: Digest) -> BoxFuture<'_, Result<Vec<JobId>, StoreError>> {
                Box::pin(async move {
                    let rows: Vec<(i64,)> = sqlx::query_as("SELECT job FROM blob_jobs WHERE digest = $1 ORDER BY job LIMIT 1000")
                        .bind(digest.to_string())
                        .fetch_all(&self.pool)
                        .await?;
                    Ok(rows.into_iter().map(|(job,)| JobId(nat(job))).collect())
                })
            }

            fn answer(&self, name: String) -> BoxFuture<'_, Result<Option<Answer>, StoreError>> {
                Box::pin(async move {
                    let row: Option<(String, i64, i64)> =
                        sqlx::query_as("SELECT request, number, at_ms FROM answers WHERE name = $1")
                            .bind(&name)
                            .fetch_optional(&self.pool)
                            .await?;
                    Ok(row.map(|(request, number, at_ms)| Answer {
                        name,
                        request,
                        number: nat(number),
                        at_ms: nat(at_ms),
                    }))
                })
            }

            fn forget(&self, answers_before_ms: u64) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(async move {
                    let mut connection = self.writer.acquire().await?;
                    let written = self.forget_on(&mut connection, answers_before_ms).await;
                    sql::settle(connection, written).await
                })
            }

            fn put_audit(&self, audited: Audited) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(async move {
                    let mut connection = self.writer.acquire().await?;
                    let written = self.put_audit_on(&mut connection, audited).await;
                    sql::settle(connection, written).await
                })
            }

            fn audit(&self, (before_ms, before): (u64, String), limit: u32) -> BoxFuture<'_, Result<Vec<Audited>, StoreError>> {
                Box::pin(async move {
                    let rows: Vec<sql::AuditColumns> = sqlx::query_as(
                        "SELECT at_ms, key, topic, subject, action, object, detail FROM audit \
                         WHERE at_ms < $1 OR (at_ms = $1 AND key < $2) ORDER BY at_ms DESC, key DESC LIMIT $3",
                    )
                    .bind(int(before_ms))
                    .bind(before)
                    .bind(i64::from(limit))
                    .fetch_all(&self.pool)
                    .await?;
                    rows.into_iter().map(sql::audited).collect()
                })
            }

            fn put_token(&self, token: TokenRow) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(async move {
                    let mut connection = self.writer.acquire().await?;
                    let written = self.put_token_on(&mut connection, token).await;
                    sql::settle(connection, written).await
                })
            }

            fn facts(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreError>> {
                Box::pin(async {
                    let rows: Vec<(String, String)> =
                        sqlx::query_as("SELECT name, value FROM facts").fetch_all(&self.pool).await?;
                    Ok(rows.into_iter().collect())
                })
            }

            fn put_fact(&self, name: String, value: String) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(async move {
                    let mut connection = self.writer.acquire().await?;
                    let written = self.put_fact_on(&mut connection, name, value).await;
                    sql::settle(connection, written).await
                })
            }

            fn ready(&self) -> BoxFuture<'_, Result<(), StoreError>> {
                Box::pin(<$store>::ready(self))
            }

            fn lost(&self) -> BoxFuture<'static, String> {
                <$store>::lost(self)
            }

            fn resign(&self) -> BoxFuture<'_, ()> {
                Box::pin(<$store>::resign(self))
            }

            fn close(&self) -> BoxFuture<'_, ()> {
                Box::pin(<$store>::close(self))
            }

            fn tokens(&self) -> BoxFuture<'_, Result<Vec<TokenRow>, StoreError>> {
                Box::pin(async {
                    let rows: Vec<sql::TokenColumns> = sqlx::query_as(
                        "SELECT id, digest, scope, subject, host, issued_ms, revoked_ms, invitation, enrolled FROM tokens ORDER BY issued_ms, id",
                    )
                    .fetch_all(&self.pool)
                    .await?;
                    rows.into_iter().map(sql::token).collect()
                })
            }
        }
    };
}
pub(in crate::store) use sql_store;
