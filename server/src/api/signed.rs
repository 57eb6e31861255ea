//! Keys that count, and proofs of jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::http::signed::Keys;
use protocol::http::{KeyList, Problem, Proof};
use protocol::{JobId, PublicKey, Signature};
use scheduler::views::Words;
use signing::proof::{FORM, Trust, check};

use super::jobs::{Found, find};
use crate::app::App;
use crate::audit::Audited;
use crate::auth::Caller;
use crate::extract::{At, Body};
use crate::problem::{Answer, Fault};

/// Boundaries of a job of which a proof is made: it is held in memory, and so are its readers' copies.
const BOUNDARIES_MAX: usize = 100_000;
/// Boundaries that are read at once.
const LINES: u32 = 1000;
/// A job that changes while its proof is made is looked at again so often.
const TRIES: u32 = 3;

/// Which keys count here: the server's own, and the operator's list.
#[utoipa::path(get, path = "/v1/keys", tag = "signatures",
    responses((status = 200, body = Keys), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn keys(State(app): State<Arc<App>>, _caller: Caller) -> Answer<Json<Keys>> {
    Ok(Json(app.signatures.view()))
}

/// Puts a newer key list in force. The first one names the root key for good; from then on submissions have to be signed.
#[utoipa::path(put, path = "/v1/keys", tag = "operator", request_body = KeyList,
    responses((status = 200, body = Keys), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn publish(State(app): State<Arc<App>>, caller: Caller, Body(list): Body<KeyList>) -> Answer<Json<Keys>> {
    caller.operator()?;
    let now_ms = app.engine.now_ms();
    let (object, keys) = (format!("list {} of keys", list.number), format!("{} keys", list.keys.len()));
    app.signatures.publish(&*app.engine.store, list, now_ms).await?;
    let audited = Audited::of_service(now_ms, &caller.subject, "publish", object, keys);
    app.engine.store.put_audit(audited).await?;
    Ok(Json(app.signatures.view()))
}

/// Who stands for each segment of a job that is safe, signed by the server: it is checked offline, with `baton verify`.
#[utoipa::path(get, path = "/v1/jobs/{job}/proof", tag = "signatures", params(("job" = u64, Path)),
    responses((status = 200, body = Proof), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn proof(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<Proof>> {
    let mut why = String::new();
    for _ in 0..TRIES {
        let words = match find(&app, &caller, job, |core| core.words(job)).await? {
            Found::Live(words) => words,
            Found::Ended(finished) => finished.words(),
        };
        let made = unsigned(&app, job, words).await?;
        let worker = Arc::clone(&app);
        let signed = tokio::task::spawn_blocking(move || {
            let mut made = made;
            worker.signatures.sign(&mut made);
            // What came home or was taken back between two looks does not fit together.
            check(&made, Trust::default()).map(|_| made)
        });
        match signed.await {
            Ok(Ok(made)) => return Ok(Json(made)),
            Ok(Err(refusal)) => why = refusal.to_string(),
            Err(error) => return Err(Fault::unavailable(error.to_string())),
        }
    }
    Err(Fault::conflict("state", format!("the job changed while its proof was made: {why}")).retry_after(2))
}

/// A proof without its signature.
async fn unsigned(app: &App, job: JobId, words: Words) -> Answer<Proof> {
    let mut chain: Vec<_> = words.start.into_iter().collect();
    loop {
        let from = chain.last().map_or(0, |entry| entry.segment + 1);
        let lines = app.engine.store.chain(job, from, LINES).await?;
        let is_last = lines.len() < LINES as usize;
        chain.extend(lines.into_iter().map(|line| line.entry));
        if chain.len() > BOUNDARIES_MAX {
            let detail = format!("job {job} has more than {BOUNDARIES_MAX} boundaries, the most of which a proof is made");
            return Err(Fault::invalid("job", detail));
        }
        if is_last {
            break;
        }
    }
    if chain.is_empty() {
        return Err(Fault::conflict("state", format!("job {job} has no boundary yet")));
    }
    let last = chain.last().map_or(0, |entry| entry.segment);
    Ok(Proof {
        proof: FORM,
        server: app.engine.identity.server.clone(),
        job,
        package: words.package,
        submission: words.submission,
        spans: words.spans.into_iter().filter(|span| span.last <= last).collect(),
        chain,
        keys: None,
        made_ms: app.engine.now_ms(),
        key: PublicKey([0; 32]),
        signature: Signature([0; 64]),
    })
}
