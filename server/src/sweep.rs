//! Blobs that nothing needs go: checkpoints that later ones took the place of, uploads that were never finished, and what nobody ever
//! spoke of again. Packages, last checkpoints and outputs stay, as long as the operator keeps finished jobs.
//!
//! When the disk is full that is done at once, and ten minutes are old enough: a client that still needs a blob sends it again.
//!
//! What was superseded before a restart is not remembered; it is found among the old blobs that nothing refers to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Digest, JobId};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::App;
use crate::engine::{EngineError, stopped};
use crate::problem::Answer;
use scheduler::{Event, Finished};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTES_10: Duration = Duration::from_secs(600);

/// How old things get before they go.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// A superseded checkpoint: downloads in progress have that long.
    pub superseded: Duration,
    /// A blob that nothing refers to: its submission or commit may still come.
    pub orphan: Duration,
    /// An unfinished upload.
    pub unfinished: Duration,
}

impl Default for Ages {
    fn default() -> Self {
        Self {
            superseded: HOUR,
            orphan: 24 * HOUR,
            unfinished: 7 * 24 * HOUR,
        }
    }
}

/// When the disk is full.
const FULL: Ages = Ages {
    superseded: MINUTES_10,
    orphan: MINUTES_10,
    unfinished: MINUTES_10,
};
/// Rows read at once.
const PAGE: u32 = 1000;
/// From one sweep of a full disk to the next.
const AGAIN: Duration = Duration::from_secs(20);

/// Sweeps every hour, and when the disk is full, until the server stops.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut due = BTreeSet::new();
    let mut hours = tokio::time::interval_at(Instant::now() + HOUR, HOUR);
    let mut settling = tokio::time::interval_at(Instant::now() + MINUTES_10, MINUTES_10);
    let mut full_from = Instant::now();
    loop {
        let full = async {
            app.engine.full.notified().await;
            tokio::time::sleep_until(full_from).await;
        };
        let ages = tokio::select! {
            _ = hours.tick() => Ages::default(),
            _ = settling.tick() => {
                settle(&app).await.unwrap_or_else(|fault| tracing::warn!(?fault, "uploads are counted longer than they have to"));
                continue;
            }
            () = full => {
                full_from = Instant::now() + AGAIN;
                FULL
            }
            () = stopped(&mut stop) => return,
        };
        // A standby removes nothing, and one that may be none yet neither.
        if app.engine.writes().is_err() || !app.engine.store.leads() {
            continue;
        }
        if let Some(keep) = app.keep {
            match expire(&app, keep).await {
                Ok(0) => {}
                Ok(jobs) => tracing::info!(jobs, "finished jobs are kept no longer"),
                Err(fault) => tracing::warn!(?fault, "finished jobs stay for now"),
            }
        }
        match once(&app, &mut due, ages).await {
            Ok(bytes) => tracing::info!(bytes, "blobs that nothing needs are gone"),
            Err(fault) => tracing::warn!(?fault, "sweep"),
        }
    }
}

/// Lets go of finished jobs that ended longer ago than they are kept: what only they referred to is swept later. How many.
///
/// # Errors
/// The store or the blobs do not answer.
pub async fn expire(app: &App, keep: Duration) -> Answer<u64> {
    let keep_ms = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    let before_ms = app.engine.now_ms().saturating_sub(keep_ms);
    let (mut expired, mut from) = (0, JobId(1));
    loop {
        let range = from..JobId(u64::MAX);
        let page = app.engine.store.finished_within(range, false, PAGE, None, Vec::new()).await?;
        let Some(last) = page.last() else { return Ok(expired) };
        from = JobId(last.id().0.saturating_add(1));
        for finished in page {
            let view = finished.view();
            // Numbers are given in the order of submissions: none behind it has ended before it was submitted.
            if view.submitted_ms > before_ms {
                return Ok(expired);
            }
            if view.since_ms > before_ms {
                continue;
            }
            let event = Event::Expire {
                job: view.job,
                user: finished.owner().to_owned(),
                bytes: kept_bytes(app, &finished).await?,
            };
            match app.engine.apply(event).await {
                Ok(_) => expired += 1,
                // Another job may start from it.
                Err(EngineError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Bytes that were counted for a job's owner: its package and outputs.
async fn kept_bytes(app: &App, finished: &Finished) -> Answer<u64> {
    let mut bytes = app.blobs.size(finished.view().archive).await?.unwrap_or(0);
    let mut from = 0;
    loop {
        let lines = app.engine.store.chain(finished.id(), from, PAGE).await?;
        let Some(last) = lines.last() else { return Ok(bytes) };
        from = last.entry.segment + 1;
        for outputs in lines.iter().filter_map(|line| line.outputs) {
            bytes += app.blobs.size(outputs).await?.unwrap_or(0);
        }
    }
}

/// Counts no longer what came to this server and was then referred to at another one, which leads.
///
/// # Errors
/// The store does not answer.
pub async fn settle(app: &App) -> Answer<()> {
    let pending: BTreeSet<Digest> = app.pending.digests().into_iter().collect();
    if pending.is_empty() {
        return Ok(());
    }
    let mut referred = app.engine.core().await.needed_blobs();
    referred.extend(app.engine.store.kept(pending.clone()).await?);
    pending
        .intersection(&referred)
        .for_each(|digest| app.pending.release(*digest));
    Ok(())
}

/// Removes what was superseded before the call before this, and all that is old enough and unneeded. Bytes freed.
///
/// # Errors
/// The store or the folder does not answer; what was removed before that was unneeded.
pub async fn once(app: &App, due: &mut BTreeSet<Digest>, ages: Ages) -> Answer<u64> {
    let next = app.engine.take_superseded().await;
    let superseded = std::mem::replace(due, next);
    let orphans = app.blobs.older(ages.orphan).await?;
    let candidates: BTreeSet<Digest> = superseded.union(&orphans).copied().collect();
    let kept = app.engine.store.kept(candidates.clone()).await?;
    // From here on no commit and no submission comes in between.
    let _alone = app.sweeping.write().await;
    let mut needed = app.engine.core().await.needed_blobs();
    needed.extend(kept);
    // What was retired meanwhile was needed a moment ago.
    let unneeded: BTreeSet<Digest> = candidates.difference(&needed).copied().collect();
    let kept = app.engine.store.kept(unneeded.clone()).await?;
    let unneeded = unneeded.difference(&kept).copied().collect();
    // Asked, not remembered: another server may have taken over, and refer to what this one does not know of.
    app.engine.store.ready().await?;
    let freed = app.blobs.sweep(unneeded, ages.superseded, ages.unfinished).await?;
    for digest in app.pending.digests() {
        if app.blobs.size(digest).await?.is_none() && app.blobs.received(digest).await? == 0 {
            app.pending.release(digest);
        }
    }
    Ok(freed)
}
