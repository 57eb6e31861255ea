//! What a submitted archive has to be before a job of it exists: a package that passes every check, as `baton submit` makes them on the
//! scientist's own machine, with the same reader and the same words.
//!
//! Invariant: a job exists only of an archive that [`package::Package`] reads, whose identity and tier are those of the submission, and whose
//! checkpoints this server takes. Reading goes on off the event loop, within the budget of memory, a few at a time; a verdict is kept, since an
//! archive's digest is its content.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use package::Package;
use package::table::Table;
use protocol::http::SubmitJob;
use protocol::{Digest, Tier};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::{App, Sizes};
use crate::blob::{BlobError, read};
use crate::frame::atoms::Atoms;
use crate::memory::{EACH, Room};
use crate::problem::{Answer, Fault};

/// Archives read at the same time.
const READERS: usize = 2;
/// Longest wait for a reader.
const PATIENCE: Duration = Duration::from_secs(20);
/// Verdicts kept.
const VERDICTS_MAX: usize = 1024;
/// Bytes of an error's text, at most.
const TEXT_BYTES_MAX: usize = 4000;
/// Bytes by which a checkpoint may exceed the state in it: its header, and one part in 64 where the state does not compress.
const CHECKPOINT_SLACK_BYTES: u64 = 64 << 10;

/// What an archive is, or why it is no package that this server takes.
type Verdict = Result<Facts, String>;

/// What is known of an archive's package.
#[derive(Clone, Debug)]
struct Facts {
    package: Digest,
    tier: Tier,
    /// State buffer by which the package itself ends a run.
    done: Option<String>,
    /// The outputs with columns.
    table: Option<Arc<Table>>,
    /// The particles, where it has some.
    atoms: Option<Arc<Atoms>>,
}

/// Verdicts on archives, and the right to read one.
pub struct Submissions {
    readers: Arc<Semaphore>,
    known: Mutex<Known>,
}

/// The newest verdicts.
#[derive(Default)]
struct Known {
    by_archive: BTreeMap<Digest, Verdict>,
    oldest_first: VecDeque<Digest>,
}

impl Default for Submissions {
    fn default() -> Self {
        Self {
            readers: Arc::new(Semaphore::new(READERS)),
            known: Mutex::default(),
        }
    }
}

impl Submissions {
    fn known(&self, archive: Digest) -> Option<Verdict> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.by_archive.get(&archive).cloned()
    }

    fn keep(&self, archive: Digest, verdict: Verdict) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.by_archive.insert(archive, verdict).is_none() {
            known.oldest_first.push_back(archive);
        }
        if known.oldest_first.len() > VERDICTS_MAX
            && let Some(oldest) = known.oldest_first.pop_front()
        {
            known.by_archive.remove(&oldest);
        }
    }

    /// Waits for the right to read an archive.
    async fn reader(&self) -> Answer<OwnedSemaphorePermit> {
        let waiting = Arc::clone(&self.readers).acquire_owned();
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Fault::unavailable("too many packages are being checked: come again")),
        }
    }
}

/// Checks a submission's archive, unless its verdict is known.
///
/// # Errors
/// What is wrong with the archive, in the words of the package's reader: file, line or key, what was found, what was expected. Or a submission
/// that is of another package; or no reader is free in time.
pub async fn check(app: &Arc<App>, job: &SubmitJob) -> Answer<()> {
    let facts = facts(app, job.archive).await?;
    let differs = |field, what: &str, found: String, expected: String| {
        Err(Fault::invalid(
            field,
            format!("found {found}, expected {expected}: {what} of the archive's package"),
        ))
    };
    if facts.package != job.package {
        return differs("package", "the identity", job.package.to_string(), facts.package.to_string());
    }
    if facts.tier != job.tier {
        return differs("tier", "the tier", job.tier.to_string(), facts.tier.to_string());
    }
    Ok(())
}

/// The state buffer by which a job's package itself ends a run, where it has one.
///
/// # Errors
/// The archive cannot be read.
pub async fn done_flag(app: &Arc<App>, archive: Digest) -> Answer<Option<String>> {
    Ok(facts(app, archive).await?.done)
}

/// The outputs with columns of a job's package, where it has some.
///
/// # Errors
/// The archive cannot be read.
pub async fn table(app: &Arc<App>, archive: Digest) -> Answer<Option<Arc<Table>>> {
    Ok(facts(app, archive).await?.table)
}

/// The particles of a job's package, as a picture shows them, where it has some.
///
/// # Errors
/// The archive cannot be read.
pub(crate) async fn atoms(app: &Arc<App>, archive: Digest) -> Answer<Option<Arc<Atoms>>> {
    Ok(facts(app, archive).await?.atoms)
}

async fn facts(app: &Arc<App>, archive: Digest) -> Answer<Facts> {
    let verdict = match app.submissions.known(archive) {
        Some(verdict) => verdict,
        None => look(app, archive).await?,
    };
    verdict.map_err(|text| Fault::invalid("archive", text))
}

/// Reads an archive and keeps the verdict, also when the request was dropped.
async fn look(app: &Arc<App>, archive: Digest) -> Answer<Verdict> {
    let reader = app.submissions.reader().await?;
    // Another submission of the same archive may have been before this one.
    if let Some(verdict) = app.submissions.known(archive) {
        return Ok(verdict);
    }
    let limit = unpacked_max(&app.sizes);
    let packed = app.blobs.size(archive).await?.ok_or(BlobError::Missing(archive))?;
    if packed > limit {
        return Err(BlobError::TooLarge { found: packed, limit }.into());
    }
    let room = app.memory.take(packed).await?;
    let bytes = read(app.blobs.as_ref(), archive, limit).await?;
    let measure = move || {
        let size = package::unpacked_bytes(&bytes, limit);
        (bytes, size)
    };
    let (bytes, size) = off_the_loop(measure).await?;
    drop(room);
    let room = match size {
        Ok(size) => app.memory.take(packed.saturating_add(size.saturating_mul(2))).await?,
        Err(error) => {
            let verdict = Err(shortened(error.to_string()));
            app.submissions.keep(archive, verdict.clone());
            return Ok(verdict);
        }
    };
    let app = Arc::clone(app);
    off_the_loop(move || {
        // Held until the work is done.
        let _held: (OwnedSemaphorePermit, Room) = (reader, room);
        let verdict = verdict(&bytes, &app.sizes);
        app.submissions.keep(archive, verdict.clone());
        verdict
    })
    .await
}

/// Bytes that an archive may unpack to: twice that is what the budget of memory has for one request.
fn unpacked_max(sizes: &Sizes) -> u64 {
    sizes.checkpoint_max.saturating_add(EACH)
}

fn verdict(archive: &[u8], sizes: &Sizes) -> Verdict {
    let package = Package::from_archive_within(archive, unpacked_max(sizes)).map_err(|error| shortened(error.to_string()))?;
    let state = package.state_bytes();
    let checkpoint = state.saturating_add(state / 64).saturating_add(CHECKPOINT_SLACK_BYTES);
    if checkpoint > sizes.checkpoint_max {
        return Err(format!(
            "kernel.toml: the buffers with role \"state\" hold {state} bytes, so that a checkpoint may take {checkpoint}; expected at most {}, \
             the largest that this server takes: make the state smaller, or ask its operator for a larger --checkpoint-mb-max",
            sizes.checkpoint_max
        ));
    }
    Ok(Facts {
        package: package.digest(),
        tier: package.manifest().tier,
        done: package.manifest().run.done.clone(),
        table: Table::of(&package).map(Arc::new),
        atoms: Atoms::of(&package).map(Arc::new),
    })
}

/// An error's text, cut where it would be long.
fn shortened(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        text.push('…');
    }
    text
}

/// Runs what takes long on a thread that may block.
async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "the reader of packages panicked");
        let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
        let detail = "its reader failed over this archive, and nothing was changed; it is in the server's log";
        Fault::new(status, "internal", "The server made a mistake", detail).field("archive")
    })
}
