//! Routes by which hosts commit boundaries and end an attempt.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::checkpoint::inspect;
use protocol::http::{Commit, Committed, EndAttempt, Orders, Problem};
use protocol::{AttemptId, Digest, HardwareClass, Tier};

use crate::app::App;
use crate::auth::Caller;
use crate::blob::{BlobError, read};
use crate::engine::EngineError;
use crate::extract::{At, Body};
use crate::problem::{Answer, Fault};
use crate::signatures::refused;
use crate::submission::done_flag;
use scheduler::views::LeaseFacts;
use scheduler::{Event, Refusal, Reply};
use signing::commit::Boundary;

/// What a commit brings, once it was looked at.
struct Brought {
    /// Class in the checkpoint's header.
    class: HardwareClass,
    /// Bytes of the checkpoint's blob.
    bytes: u64,
    /// Bytes of the outputs' blob.
    outputs_bytes: u64,
    /// The package itself ended the run there: the checkpoint's state says so, not the host.
    done: bool,
}

/// What a checkpoint's blob has to be before the core hears of it.
async fn check_checkpoint(app: &Arc<App>, lease: &LeaseFacts, commit: &Commit) -> Answer<Brought> {
    let limit = app.sizes.checkpoint_max;
    let flag = done_flag(app, lease.archive).await?;
    let packed = app.blobs.size(commit.checkpoint).await?;
    let packed = packed.ok_or_else(|| Fault::missing_blob("checkpoint", commit.checkpoint))?;
    if packed > limit {
        return Err(BlobError::TooLarge { found: packed, limit }.into());
    }
    // Before the first byte is read: so much memory is all that checkpoints take, however many come at once.
    let room = app.memory.take(packed).await?;
    let bytes = match read(app.blobs.as_ref(), commit.checkpoint, limit).await {
        Err(BlobError::Missing(digest)) => return Err(Fault::missing_blob("checkpoint", digest)),
        other => other?,
    };
    let mut outputs_bytes = 0;
    if let Some(outputs) = commit.outputs {
        let size = app.blobs.size(outputs).await?;
        outputs_bytes = size.ok_or_else(|| Fault::missing_blob("outputs", outputs))?;
    }
    let size = bytes.len() as u64;
    let parsed = tokio::task::spawn_blocking(move || {
        // Held until the work is done, also when the request was dropped.
        let _room = room;
        inspect(&bytes, limit)
    })
    .await;
    let checkpoint = parsed.map_err(|_| Fault::invalid("checkpoint", "it cannot be read"))??;
    let wrong = |what: &str, found: String, expected: String| {
        Err(Fault::invalid(
            "checkpoint",
            format!("the header's {what} is {found}, expected {expected}"),
        ))
    };
    if checkpoint.package != lease.package {
        return wrong("package", checkpoint.package.to_string(), lease.package.to_string());
    }
    match commit.entries.last() {
        None => return Err(Fault::invalid("entries", "none, expected at least one")),
        Some(last) if *last != checkpoint.entry => {
            return wrong(
                "boundary",
                format!("{} at segment {}", checkpoint.entry.digest, checkpoint.entry.segment),
                format!("{} at segment {}", last.digest, last.segment),
            );
        }
        Some(_) => {}
    }
    let done = flag.and_then(|flag| checkpoint.first_words.get(&flag).copied());
    Ok(Brought {
        class: checkpoint.class,
        bytes: size,
        outputs_bytes,
        done: done.is_some_and(|word| word != 0),
    })
}

/// Whether the host signed what it commits, where it registered a key; where a key list is in force, it has to have one.
fn check_signature(app: &App, lease: &LeaseFacts, attempt: AttemptId, commit: &Commit) -> Answer<()> {
    let Some(last) = commit.entries.last() else {
        return Err(Fault::invalid("entries", "none, expected at least one"));
    };
    if let (None, Some(refusal)) = (lease.key, app.signatures.why_not_without_key()) {
        return Err(refused("signature", &refusal));
    }
    Boundary::of(&app.engine.identity.server, lease.host, last)
        .check_commit(lease.key, attempt, commit.epoch, commit.signature)
        .map_err(|refusal| refused("signature", &refusal))
}

/// Commits boundaries: their chain entries, and the last one's checkpoint.
#[utoipa::path(post, path = "/v1/attempts/{attempt}/commit", tag = "attempts", params(("attempt" = u64, Path)), request_body = Commit,
    responses((status = 200, body = Committed), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn commit(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(attempt): At<AttemptId>,
    Body(commit): Body<Commit>,
) -> Answer<Json<Committed>> {
    let host = caller.as_host()?;
    let lease = app.engine.core().await.lease(attempt);
    let _kept = app.sweeping.read().await;
    let mut looked_into = true;
    let brought = match lease {
        Some(lease) if lease.host == host && lease.epoch == commit.epoch => {
            check_signature(&app, &lease, attempt, &commit)?;
            check_checkpoint(&app, &lease, &commit).await?
        }
        // The core refuses it, and says why: it looks at the lease before anything else.
        _ => {
            looked_into = false;
            Brought {
                class: HardwareClass {
                    tier: Tier::Portable,
                    key: Digest([0; 32]),
                },
                bytes: 0,
                outputs_bytes: 0,
                done: false,
            }
        }
    };
    let blobs = [Some(commit.checkpoint), commit.outputs];
    let event = Event::Commit {
        host,
        attempt,
        commit,
        class: brought.class,
        bytes: brought.bytes,
        outputs_bytes: brought.outputs_bytes,
        done: brought.done,
    };
    let applied = app.engine.apply(event).await;
    // The lease was over in a state that could not be kept, and is not in the one that was read back.
    if !looked_into && matches!(&applied, Err(EngineError::Refused(Refusal::Invalid { .. }))) {
        return Err(Fault::unavailable("what the server knows of the lease has just changed").retry_after(1));
    }
    match applied? {
        Reply::Committed(committed) => {
            blobs.into_iter().flatten().for_each(|blob| app.pending.release(blob));
            Ok(Json(committed))
        }
        other => Err(Fault::unavailable(format!("unexpected {other:?}"))),
    }
}

/// Ends an attempt: stopped as told, or for a reason of the host's own.
#[utoipa::path(post, path = "/v1/attempts/{attempt}/end", tag = "attempts", params(("attempt" = u64, Path)), request_body = EndAttempt,
    responses((status = 200, body = Orders), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(attempt): At<AttemptId>,
    Body(end): Body<EndAttempt>,
) -> Answer<Json<Orders>> {
    let host = caller.as_host()?;
    let event = Event::End { host, attempt, end };
    let identity = Arc::clone(&app.engine.identity);
    let orders = app
        .engine
        .apply_then(event, None, move |_, core| identity.orders(core, host))
        .await?;
    Ok(Json(orders?))
}
