//! Whether a server's data is whole: the log folds to a state whose tables agree, each job's chain leads link by link to the boundary where the
//! scheduler believes it, and every blob that a job needs is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use protocol::http::JobView;
use protocol::{ChainEntry, Digest, JobId};
use scheduler::Wanted;

use super::{DATABASE, Place, copy};
use crate::blob::{BlobError, Blobs};
use crate::engine::read_back;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

/// Rows read at once.
const PAGE: u32 = 1000;

/// What was looked at, and what is wrong.
#[derive(Debug, Default)]
pub struct Found {
    /// Events in the log since its snapshot.
    pub events: u64,
    /// Jobs, running and finished.
    pub jobs: u64,
    /// Boundaries in their chains.
    pub boundaries: u64,
    /// Blobs that they need, and the bytes of those.
    pub blobs: (u64, u64),
    /// What is wrong, each in a sentence.
    pub wrong: Vec<String>,
}

/// Checks a server's data. With `reads_blobs` the digest of each blob is computed, which reads all
/// of them. A server may be running: what is looked at is a copy of the database, made in the folder for so long.
///
/// # Errors
/// The data cannot be read at all.
pub async fn check(from: &Place, reads_blobs: bool) -> anyhow::Result<Found> {
    let data = &from.data;
    let place = tempfile::Builder::new()
        .prefix("check-")
        .tempdir_in(data)
        .with_context(|| format!("{}: a copy of the database has to fit there", data.display()))?;
    let file = place.path().join(DATABASE);
    copy::to_file(&from.file(), from.database.as_deref(), &file).await?;
    check_copy(&file, &*from.blobs.open_to_read().await?, reads_blobs).await
}

/// The same for a copy that [`copy::to_file`] made.
///
/// # Errors
/// The copy cannot be read at all.
pub async fn check_copy(file: &Path, blobs: &dyn Blobs, reads_blobs: bool) -> anyhow::Result<Found> {
    let store = SqliteStore::open(file).await.with_context(|| file.display().to_string())?;
    let found = look(&store, blobs, reads_blobs).await;
    store.close().await;
    found
}

async fn look(store: &SqliteStore, blobs: &dyn Blobs, reads_blobs: bool) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let (core, _, since) = match read_back(store).await {
        Ok(read) => read,
        Err(error) => {
            found.wrong.push(format!("the log: {error}"));
            return Ok(found);
        }
    };
    found.events = since;
    if let Err(reason) = core.check() {
        found.wrong.push(format!("the scheduler's tables: {reason}"));
    }
    // Who needs a blob, and what for.
    let mut needed: BTreeMap<Digest, String> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut after = JobId(0);
    loop {
        let (views, next) = core.jobs(after, PAGE as usize, &Wanted::default());
        for view in &views {
            known.insert(view.job);
            job(store, view, &mut needed, &mut found).await;
        }
        let Some(next) = next else { break };
        after = next;
    }
    for blob in core.needed_blobs() {
        needed.entry(blob).or_insert_with(|| "a check of a job".to_owned());
    }
    after = JobId(0);
    loop {
        let range = JobId(after.0.saturating_add(1))..JobId(u64::MAX);
        let finished = match store.finished_within(range, false, PAGE, None, Vec::new()).await {
            Ok(finished) => finished,
            Err(error) => {
                found.wrong.push(format!("finished jobs after number {after}: {error}"));
                break;
            }
        };
        let Some(last) = finished.last() else { break };
        after = last.id();
        // One that was recalled is in memory too.
        for finished in finished {
            if !known.insert(finished.id()) {
                continue;
            }
            job(store, &finished.view(), &mut needed, &mut found).await;
        }
    }
    match store.chained().await {
        Ok(chained) => found.wrong.extend(
            chained
                .into_iter()
                .filter(|job| !known.contains(job))
                .map(|job| format!("there is a chain of job {job}, of which the log knows nothing")),
        ),
        Err(error) => found.wrong.push(format!("chains: {error}")),
    }
    let there = match blobs.all().await {
        Ok(there) => there,
        Err(error) => {
            found.wrong.push(format!("the blobs cannot be listed: {error}"));
            return Ok(found);
        }
    };
    for (digest, what) in needed {
        let wrong = match there.get(&digest) {
            None => Some("it is missing".to_owned()),
            Some(bytes) => {
                found.blobs.0 += 1;
                found.blobs.1 += bytes;
                match reads_blobs {
                    true => damage(blobs, digest, *bytes).await,
                    false => None,
                }
            }
        };
        found
            .wrong
            .extend(wrong.map(|wrong| format!("blob {digest}, {what}: {wrong}")));
    }
    Ok(found)
}

/// Reads all of a blob. What is wrong with it.
async fn damage(blobs: &dyn Blobs, digest: Digest, bytes: u64) -> Option<String> {
    let read = async {
        let mut hasher = protocol::digest::Hasher::new();
        let mut stream = blobs.get(digest, 0, bytes).await?;
        while let Some(chunk) = stream.next().await {
            hasher.update(&chunk?);
        }
        Ok::<_, BlobError>(hasher.finish())
    };
    match read.await {
        Ok(read) => (read != digest).then(|| format!("its bytes have digest {read}")),
        Err(error) => Some(error.to_string()),
    }
}

/// A job's chain, and the blobs that it needs.
async fn job(store: &SqliteStore, view: &JobView, needed: &mut BTreeMap<Digest, String>, found: &mut Found) {
    found.jobs += 1;
    let job = view.job;
    needed.insert(view.archive, format!("the package of job {job}"));
    if let Some(checkpoint) = view.checkpoint {
        needed.insert(checkpoint, format!("the checkpoint of job {job} at segment {}", view.segment));
    }
    let mut last: Option<ChainEntry> = None;
    loop {
        let from = last.as_ref().map_or(0, |last| last.segment + 1);
        let lines = match store.chain(job, from, PAGE).await {
            Ok(lines) => lines,
            Err(error) => {
                return found
                    .wrong
                    .push(format!("the chain of job {job} from segment {from} on: {error}"));
            }
        };
        if lines.is_empty() {
            break;
        }
        for line in lines {
            found.boundaries += 1;
            if !line.entry.follows(view.package, last.as_ref()) {
                let segment = line.entry.segment;
                return found.wrong.push(format!(
                    "the chain of job {job}: segment {segment} does not follow the one before"
                ));
            }
            if let Some(outputs) = line.outputs {
                needed.insert(outputs, format!("outputs of job {job} up to segment {}", line.entry.segment));
            }
            last = Some(line.entry);
        }
    }
    let end = last.map(|last| last.digest);
    if end != view.chain {
        let shown = |digest: Option<Digest>| digest.map_or("no boundary".to_owned(), |digest| digest.to_string());
        found.wrong.push(format!(
            "the chain of job {job} ends in {}, the log in {} at segment {}",
            shown(end),
            shown(view.chain),
            view.segment
        ));
    }
}
