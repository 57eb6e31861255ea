//! The statements that write, once for both databases. Each is a transaction that the store's `begin` begins: there is no other way to one.

/// Implements what [`super::sql_store`] calls for a store: `append_on`, `snapshot_on`, `forget_on`, `put_audit_on`, `put_token_on`, `put_fact_on`. It uses what that macro imports.
macro_rules! sql_writes {
    ($store:ty, $database:ty) => {
        impl $store {
            async fn append_on(
                &self,
                connection: &mut <$database as sqlx::Database>::Connection,
                batch: Batch,
                row: &mut i64,
            ) -> Result<u64, StoreError> {
                let mut transaction = self.begin(connection).await?;
                if *row == sql::UNKNOWN {
                    let next = sqlx::query_as("SELECT COALESCE(MAX(number), 0) + 1 FROM changes");
                    (*row,) = next.fetch_one(&mut *transaction).await?;
                }
                let mut bytes = 0;
                if !batch.events.is_empty() {
                    let body = json(&batch.events).into_bytes();
                    bytes = body.len() as u64;
                    sqlx::query("INSERT INTO events (first, count, rules, body) VALUES ($1, $2, $3, $4)")
                        .bind(int(batch.first))
                        .bind(int(batch.events.len() as u64))
                        .bind(i64::from(RULES))
                        .bind(body)
                        .execute(&mut *transaction)
                        .await?;
                }
                Self::write_rows(&mut transaction, &batch.rows, row).await?;
                for answer in batch.answers {
                    sqlx::query("INSERT INTO answers (name, request, number, at_ms) VALUES ($1, $2, $3, $4)")
                        .bind(answer.name)
                        .bind(answer.request)
                        .bind(int(answer.number))
                        .bind(int(answer.at_ms))
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await?;
                Ok(bytes)
            }

            async fn snapshot_on(
                &self,
                connection: &mut <$database as sqlx::Database>::Connection,
                upto: u64,
                state: &[u8],
            ) -> Result<(), StoreError> {
                let mut transaction = self.begin(connection).await?;
                // Those who follow go on with events that they have not read yet: these stay until the next snapshot.
                let (before,): (Option<i64>,) = sqlx::query_as("SELECT MIN(upto) FROM snapshot")
                    .fetch_one(&mut *transaction)
                    .await?;
                sqlx::query("DELETE FROM snapshot").execute(&mut *transaction).await?;
                for (part, body) in state.chunks(PART_BYTES).enumerate() {
                    sqlx::query("INSERT INTO snapshot (part, upto, body) VALUES ($1, $2, $3)")
                        .bind(int(part as u64))
                        .bind(int(upto))
                        .bind(body.to_vec())
                        .execute(&mut *transaction)
                        .await?;
                }
                sqlx::query("DELETE FROM events WHERE first < $1")
                    .bind(before.unwrap_or(0))
                    .execute(&mut *transaction)
                    .await?;
                Ok(transaction.commit().await?)
            }

            async fn forget_on(
                &self,
                connection: &mut <$database as sqlx::Database>::Connection,
                answers_before_ms: u64,
            ) -> Result<(), StoreError> {
                let mut transaction = self.begin(connection).await?;
                sqlx::query("DELETE FROM answers WHERE at_ms < $1")
                    .bind(int(answers_before_ms))
                    .execute(&mut *transaction)
                    .await?;
                for topic in Topic::ALL {
                    // Those of the same time as the last that is kept stay as well.
                    sqlx::query(
                        "DELETE FROM audit WHERE topic = $1 AND at_ms < \
                         (SELECT at_ms FROM audit WHERE topic = $1 ORDER BY at_ms DESC LIMIT 1 OFFSET $2)",
                    )
                    .bind(topic.as_str())
                    .bind(i64::from(KEPT_MAX))
                    .execute(&mut *transaction)
                    .await?;
                }
                Ok(transaction.commit().await?)
            }

            async fn put_audit_on(
                &self,
                connection: &mut <$database as sqlx::Database>::Connection,
                audited: Audited,
            ) -> Result<(), StoreError> {
                let mut transaction = self.begin(connection).await?;
                Self::write_audit(&mut transaction, &audited).await?;
                Ok(transaction.commit().await?)
            }

            /// The same action in the same millisecond is one.
            async fn write_audit(transaction: &mut sqlx::Transaction<'_, $database>, row: &Audited) -> Result<(), StoreError> {
                sqlx::query(
                    "INSERT INTO audit (at_ms, key, topic, subject, action, object, detail) VALUES ($1, $2, $3, $4, $5, $6, $7) \
                     ON CONFLICT (at_ms, key) DO NOTHING",
                )
                .bind(int(row.at_ms))
                .bind(row.key.clone())
                .bind(row.topic.as_str())
                .bind(row.subject.clone())
                .bind(row.action.clone())
                .bind(row.object.clone())
                .bind(row.detail.clone())
                .execute(&mut **transaction)
                .await?;
                Ok(())
            }

            async fn put_token_on(
                &self,
                connection: &mut <$database as sqlx::Database>::Connection,
                token: TokenRow,
            ) -> Result<(), StoreError> {
                let mut transaction = self.begin(connection).await?;
                sqlx::query(
                    "INSERT INTO tokens (id, digest, scope, subject, host, issued_ms, revoked_ms, invitation, enrolled) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                     ON CONFLICT (id) DO UPDATE SET revoked_ms = excluded.revoked_ms, enrolled = excluded.enrolled",
                )
                .bind(token.id)
                .bind(token.digest.to_string())
                .bind(token.scope.as_str())
                .bind(token.subject)
                .bind(token.host.map(|host| int(host.0)))
                .bind(int(token.issued_ms))
                .bind(token.revoked_ms.map(int))
                .bind(i64::from(token.invitation))
                .bind(token.enrolled.map(|host| int(host.0)))
                .execute(&mut *transaction)
                .await?;
                // Others that read know by it that there are changes.
                sqlx::query(
                    "INSERT INTO facts (name, value) VALUES ('tokens', '1') \
                     ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(facts.value AS BIGINT) + 1 AS TEXT)",
                )
                .execute(&mut *transaction)
                .await?;
                Ok(transaction.commit().await?)
            }

            async fn put_fact_on(
                &self,
                connection: &mut <$database as sqlx::Database>::Connection,
                name: String,
                value: String,
            ) -> Result<(), StoreError> {
                let mut transaction = self.begin(connection).await?;
                sqlx::query(
                    "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )
                .bind(name)
                .bind(value)
                .execute(&mut *transaction)
                .await?;
                Ok(transaction.commit().await?)
            }

            async fn write_rows(
                transaction: &mut sqlx::Transaction<'_, $database>,
                rows: &[Row],
                next: &mut i64,
            ) -> Result<(), StoreError> {
                let mut changes: Vec<(i64, i64, String)> = Vec::new();
                let mut chain: Vec<(i64, i64, String)> = Vec::new();
                let mut kept: BTreeSet<Digest> = BTreeSet::new();
                let mut blob_jobs: BTreeSet<(Digest, JobId)> = BTreeSet::new();
                for row in rows {
                    match row {
                        Row::Changed(job, change) => {
                            changes.push((int(job.0), *next, json(change)));
                            *next += 1;
                        }
                        Row::Chain(job, entry, outputs) => {
                            kept.extend(*outputs);
                            blob_jobs.extend(outputs.map(|outputs| (outputs, *job)));
                            let line = ChainLine {
                                entry: entry.clone(),
                                outputs: *outputs,
                            };
                            chain.push((int(job.0), int(entry.segment), json(&line)));
                        }
                        Row::ChainReset(job) => {
                            // What came before in the same batch is void as well.
                            chain.retain(|(other, _, _)| *other != int(job.0));
                            sqlx::query("DELETE FROM chain WHERE job = $1")
                                .bind(int(job.0))
                                .execute(&mut **transaction)
                                .await?;
                        }
                        Row::ChainCut(job, last) => {
                            chain.retain(|(other, segment, _)| *other != int(job.0) || *segment <= int(*last));
                            sqlx::query("DELETE FROM chain WHERE job = $1 AND segment > $2")
                                .bind(int(job.0))
                                .bind(int(*last))
                                .execute(&mut **transaction)
                                .await?;
                        }
                        Row::Expired(job) => {
                            // Blobs that no other job has are swept, as all that nothing refers to.
                            for statement in [
                                "DELETE FROM kept WHERE digest IN (SELECT digest FROM blob_jobs WHERE job = $1) AND NOT EXISTS \
                                 (SELECT 1 FROM blob_jobs WHERE blob_jobs.digest = kept.digest AND blob_jobs.job <> $1)",
                                "DELETE FROM blob_jobs WHERE job = $1",
                                "DELETE FROM chain WHERE job = $1",
                                "DELETE FROM changes WHERE job = $1",
                                "DELETE FROM finished WHERE job = $1",
                            ] {
                                sqlx::query(statement).bind(int(job.0)).execute(&mut **transaction).await?;
                            }
                        }
                        Row::Audit(audited) => Self::write_audit(transaction, audited).await?,
                        Row::Finished(finished) => {
                            kept.extend(finished.blobs());
                            blob_jobs.extend(finished.blobs().map(|blob| (blob, finished.id())));
                            sqlx::query(
                                "INSERT INTO finished (job, owner, state, body) VALUES ($1, $2, $3, $4) \
                                 ON CONFLICT (job) DO UPDATE SET body = excluded.body",
                            )
                            .bind(int(finished.id().0))
                            .bind(finished.owner())
                            .bind(finished.state().as_str())
                            .bind(json(finished))
                            .execute(&mut **transaction)
                            .await?;
                        }
                    }
                }
                for digests in kept.into_iter().collect::<Vec<_>>().chunks(ROWS_MAX) {
                    let mut query = QueryBuilder::<$database>::new("INSERT INTO kept (digest) ");
                    query.push_values(digests, |mut values, digest| {
                        values.push_bind(digest.to_string());
                    });
                    query.push(" ON CONFLICT (digest) DO NOTHING");
                    query.build().execute(&mut **transaction).await?;
                }
                for pairs in blob_jobs.into_iter().collect::<Vec<_>>().chunks(ROWS_MAX) {
                    let mut query = QueryBuilder::<$database>::new("INSERT INTO blob_jobs (digest, job) ");
                    query.push_values(pairs, |mut values, (digest, job)| {
                        values.push_bind(digest.to_string()).push_bind(int(job.0));
                    });
                    query.push(" ON CONFLICT (digest, job) DO NOTHING");
                    query.build().execute(&mut **transaction).await?;
                }
                for (table, rows) in [
                    ("changes (job, number, body) ", changes),
                    ("chain (job, segment, body) ", chain),
                ] {
                    for rows in rows.chunks(ROWS_MAX) {
                        let mut query = QueryBuilder::<$database>::new("INSERT INTO ");
                        query.push(table);
                        query.push_values(rows, |mut values, (job, number, body)| {
                            values.push_bind(*job).push_bind(*number).push_bind(body.clone());
                        });
                        query.build().execute(&mut **transaction).await?;
                    }
                }
                Ok(())
            }
        }
    };
}
pub(in crate::store) use sql_writes;
