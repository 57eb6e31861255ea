//! A store that forgets when the process ends: for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use protocol::http::Change;
use protocol::http::lease::ChainLine;
use protocol::{Digest, JobId, JobState};

use scheduler::{Finished, RULES};

use crate::audit::{Audited, KEPT_MAX, Topic};

use super::{Answer, Batch, Loaded, Logged, Row, Store, StoreError, TokenRow};

#[derive(Default)]
struct Inner {
    snapshot: Option<(u64, Vec<u8>)>,
    events: BTreeMap<u64, Logged>,
    changes: BTreeMap<JobId, Vec<Change>>,
    chain: BTreeMap<(JobId, u64), ChainLine>,
    finished: BTreeMap<JobId, Finished>,
    kept: BTreeSet<Digest>,
    blob_jobs: BTreeSet<(Digest, JobId)>,
    answers: BTreeMap<String, Answer>,
    audit: BTreeMap<(u64, String), Audited>,
    tokens: BTreeMap<String, TokenRow>,
    facts: BTreeMap<String, String>,
    fail: Option<String>,
}

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore(Mutex<Inner>);

impl MemoryStore {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on every batch fails with these words; none lets them pass again.
    pub fn fail_with(&self, words: Option<&str>) {
        self.inner().fail = words.map(str::to_owned);
    }
}

impl Store for MemoryStore {
    fn load(&self) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let inner = self.inner();
        let upto = inner.snapshot.as_ref().map_or(0, |(upto, _)| *upto);
        let loaded = Loaded {
            snapshot: inner.snapshot.clone(),
            events: inner.events.values().map(|event| (RULES, event.clone())).collect(),
            next: inner.events.last_key_value().map_or(upto, |(last, _)| last + 1),
        };
        Box::pin(async { Ok(loaded) })
    }

    fn append(&self, batch: Batch) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut inner = self.inner();
            if let Some(words) = &inner.fail {
                return Err(StoreError::Injected(words.clone()));
            }
            let bytes = serde_json::to_vec(&batch.events).map_or(0, |bytes| bytes.len() as u64);
            for (number, event) in (batch.first..).zip(batch.events) {
                inner.events.insert(number, event);
            }
            for row in batch.rows {
                match row {
                    Row::Changed(job, change) => inner.changes.entry(job).or_default().push(change),
                    Row::Chain(job, entry, outputs) => {
                        inner.kept.extend(outputs);
                        inner.blob_jobs.extend(outputs.map(|outputs| (outputs, job)));
                        inner.chain.insert((job, entry.segment), ChainLine { entry, outputs });
                    }
                    Row::ChainReset(job) => inner.chain.retain(|(other, _), _| *other != job),
                    Row::ChainCut(job, last) => inner.chain.retain(|(other, segment), _| *other != job || *segment <= last),
                    Row::Finished(finished) => {
                        inner.kept.extend(finished.blobs());
                        inner.blob_jobs.extend(finished.blobs().map(|blob| (blob, finished.id())));
                        inner.finished.insert(finished.id(), *finished);
                    }
                    Row::Expired(job) => {
                        inner.blob_jobs.retain(|(_, other)| *other != job);
                        let referred: BTreeSet<Digest> = inner.blob_jobs.iter().map(|(digest, _)| *digest).collect();
                        inner.kept.retain(|digest| referred.contains(digest));
                        inner.chain.retain(|(other, _), _| *other != job);
                        inner.changes.remove(&job);
                        inner.finished.remove(&job);
                    }
                    Row::Audit(row) => {
                        inner.audit.insert((row.at_ms, row.key.clone()), *row);
                    }
                }
            }
            for answer in batch.answers {
                inner.answers.insert(answer.name.clone(), answer);
            }
            Ok(bytes)
        })
    }

    fn snapshot(&self, upto: u64, state: Vec<u8>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut inner = self.inner();
            inner.snapshot = Some((upto, state));
            inner.events = inner.events.split_off(&upto);
            Ok(())
        })
    }

    fn changes(&self, job: JobId, limit: u32) -> BoxFuture<'_, Result<Vec<Change>, StoreError>> {
        let all = self.inner().changes.get(&job).cloned().unwrap_or_default();
        let from = all.len().saturating_sub(limit as usize);
        Box::pin(async move { Ok(all[from..].to_vec()) })
    }

    fn chain(&self, job: JobId, from: u64, limit: u32) -> BoxFuture<'_, Result<Vec<ChainLine>, StoreError>> {
        let inner = self.inner();
        let lines = inner.chain.range((job, from)..=(job, u64::MAX)).take(limit as usize);
        let lines: Vec<ChainLine> = lines.map(|(_, line)| line.clone()).collect();
        Box::pin(async { Ok(lines) })
    }

    fn finished(&self, job: JobId) -> BoxFuture<'_, Result<Option<Finished>, StoreError>> {
        let found = self.inner().finished.get(&job).cloned();
        Box::pin(async { Ok(found) })
    }

    fn finished_within(
        &self,
        range: Range<JobId>,
        newest_first: bool,
        limit: u32,
        owner: Option<String>,
        states: Vec<JobState>,
    ) -> BoxFuture<'_, Result<Vec<Finished>, StoreError>> {
        let wanted = |finished: &&Finished| {
            let of_owner = owner.as_ref().is_none_or(|owner| owner == finished.owner());
            of_owner && (states.is_empty() || states.contains(&finished.state()))
        };
        let inner = self.inner();
        let mut found: Vec<&Finished> = match range.is_empty() {
            true => Vec::new(),
            false => inner
                .finished
                .range(range)
                .map(|(_, finished)| finished)
                .filter(wanted)
                .collect(),
        };
        if newest_first {
            found.reverse();
        }
        let found: Vec<Finished> = found.into_iter().take(limit as usize).cloned().collect();
        Box::pin(async { Ok(found) })
    }

    fn kept(&self, blobs: BTreeSet<Digest>) -> BoxFuture<'_, Result<BTreeSet<Digest>, StoreError>> {
        let kept = self.inner().kept.intersection(&blobs).copied().collect();
        Box::pin(async { Ok(kept) })
    }

    fn blob_jobs(&self, digest: Digest) -> BoxFuture<'_, Result<Vec<JobId>, StoreError>> {
        let inner = self.inner();
        let found = inner.blob_jobs.range((digest, JobId(0))..=(digest, JobId(u64::MAX)));
        let jobs = found.map(|(_, job)| *job).collect();
        Box::pin(async { Ok(jobs) })
    }

    fn answer(&self, name: String) -> BoxFuture<'_, Result<Option<Answer>, StoreError>> {
        let answer = self.inner().answers.get(&name).cloned();
        Box::pin(async { Ok(answer) })
    }

    fn forget(&self, answers_before_ms: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut inner = self.inner();
        inner.answers.retain(|_, answer| answer.at_ms >= answers_before_ms);
        for topic in Topic::ALL {
            let rows = inner.audit.iter().filter(|(_, row)| row.topic == topic);
            let old: Vec<(u64, String)> = rows.rev().skip(KEPT_MAX as usize).map(|(key, _)| key.clone()).collect();
            old.iter().for_each(|key| drop(inner.audit.remove(key)));
        }
        Box::pin(async { Ok(()) })
    }

    fn put_audit(&self, audited: Audited) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner().audit.insert((audited.at_ms, audited.key.clone()), audited);
        Box::pin(async { Ok(()) })
    }

    fn audit(&self, before: (u64, String), limit: u32) -> BoxFuture<'_, Result<Vec<Audited>, StoreError>> {
        let inner = self.inner();
        let rows = inner.audit.range(..before).rev().take(limit as usize);
        let rows = rows.map(|(_, row)| row.clone()).collect();
        Box::pin(async { Ok(rows) })
    }

    fn facts(&self) -> BoxFuture<'_, Result<BTreeMap<String, String>, StoreError>> {
        let facts = self.inner().facts.clone();
        Box::pin(async { Ok(facts) })
    }

    fn put_fact(&self, name: String, value: String) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let mut inner = self.inner();
            if let Some(words) = &inner.fail {
                return Err(StoreError::Injected(words.clone()));
            }
            inner.facts.insert(name, value);
            Ok(())
        })
    }

    fn put_token(&self, token: TokenRow) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner().tokens.insert(token.id.clone(), token);
        Box::pin(async { Ok(()) })
    }

    fn tokens(&self) -> BoxFuture<'_, Result<Vec<TokenRow>, StoreError>> {
        let tokens = self.inner().tokens.values().cloned().collect();
        Box::pin(async { Ok(tokens) })
    }
}
