//! Blobs that nothing needs go: checkpoints that later ones took the place of, uploads that were never finished, and what nobody ever
//! spoke of again. Packages, last checkpoints and outputs stay.
//!
//! When the disk is full that is done at once, and ten minutes are old enough: a client that still needs a blob sends it again.
//!
//! What was superseded before a restart is not remembered; it is found among the old blobs that nothing refers to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use protocol::Digest;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::app::App;
use crate::engine::stopped;
use crate::problem::Answer;

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
        match once(&app, &mut due, ages).await {
            Ok(bytes) => tracing::info!(bytes, "blobs that nothing needs are gone"),
            Err(fault) => tracing::warn!(?fault, "sweep"),
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
