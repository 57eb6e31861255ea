//! What scientists do with jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as Message;
use axum::response::{IntoResponse, Response};
use protocol::http::lease::ChainLine;
use protocol::http::{JobView, Listed, Problem, Reprioritize, SubmitJob, Submitted, Why};
use protocol::{JobId, JobState};
use serde::Deserialize;

use super::{PAGE, Pace, stream};
use crate::app::App;
use crate::auth::Caller;
use crate::extract::{Ask, At, Body, idempotency};
use crate::problem::{Answer, Fault};
use scheduler::{Event, Finished, Reply};

/// Which jobs to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// `next` of the page before.
    cursor: Option<u64>,
    /// Only jobs in this state.
    #[param(value_type = Option<String>)]
    state: Option<JobState>,
    /// Other people's too (operators).
    #[serde(default)]
    all: bool,
}

/// Where to begin.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// First boundary wanted.
    #[serde(default)]
    from: u64,
}

/// A finished job that left the scheduler's memory, when it is that.
async fn ended(app: &App, job: JobId) -> Answer<Option<Finished>> {
    if app.engine.core().await.job(job).is_ok() {
        return Ok(None);
    }
    Ok(app.engine.store.finished(job).await?)
}

async fn owned(app: &App, caller: &Caller, job: JobId) -> Answer<()> {
    caller.scientist()?;
    let nothing = || Fault::not_found(format!("there is no job {job}"));
    // Other people's jobs are not there.
    if let Ok(owner) = app.engine.core().await.owner(job) {
        return caller.owns(owner).map_err(|_| nothing());
    }
    let finished = app.engine.store.finished(job).await?.ok_or_else(nothing)?;
    caller.owns(finished.owner()).map_err(|_| nothing())
}

/// A job, in memory or finished long ago.
async fn view(app: &App, job: JobId) -> Answer<JobView> {
    let live = app.engine.core().await.job(job);
    match live {
        Ok(view) => Ok(view),
        // What left memory was kept first.
        Err(refusal) => Ok(app.engine.store.finished(job).await?.ok_or(refusal)?.view()),
    }
}

/// Submits a job. Its package's archive has to be uploaded before.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", request_body = SubmitJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same job")),
    responses((status = 201, body = Submitted), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn submit(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Body(job): Body<SubmitJob>,
) -> Answer<(StatusCode, Json<Submitted>)> {
    caller.scientist()?;
    let remember = idempotency(&headers, &caller, "submit", &job)?;
    let _pending = match &remember {
        None => None,
        Some((name, request)) => {
            let pending = app.begin(name)?;
            if let Some(known) = app.engine.store.answer(name.clone()).await? {
                if known.request != *request {
                    return Err(Fault::invalid("Idempotency-Key", "it was used before for another submission"));
                }
                let job = JobId(known.number);
                return Ok((StatusCode::CREATED, Json(Submitted { job })));
            }
            Some(pending)
        }
    };
    if let Some(after) = job.after
        && let Some(finished) = ended(&app, after).await?
        && caller.subject == finished.owner()
    {
        app.engine.apply(Event::Recall(Box::new(finished))).await?;
    }
    let _kept = app.sweeping.read().await;
    let bytes = app.blobs.size(job.archive).await?;
    let bytes = bytes.ok_or_else(|| Fault::invalid("archive", format!("there is no blob {}: upload it first", job.archive)))?;
    let event = Event::Submit {
        user: caller.subject,
        job: Box::new(job),
        bytes,
    };
    match app.engine.apply_remembered(event, remember).await? {
        Reply::Job(job) => Ok((StatusCode::CREATED, Json(Submitted { job }))),
        other => Err(Fault::unavailable(format!("unexpected {other:?}"))),
    }
}

/// One's own jobs, in the order of their numbers.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(Filter),
    responses((status = 200, body = Listed<JobView>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, Ask(filter): Ask<Filter>) -> Answer<Json<Listed<JobView>>> {
    caller.scientist()?;
    if filter.all {
        caller.operator()?;
    }
    let after = JobId(filter.cursor.unwrap_or(0));
    let owner = (!filter.all).then(|| caller.subject.clone());
    let finished = if filter.state.is_none_or(JobState::is_final) {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        app.engine.store.finished_after(after, limit, owner, filter.state).await?
    } else {
        Vec::new()
    };
    let (live, next) = app.engine.core().await.jobs(after, PAGE, |owner, state| {
        (filter.all || owner == caller.subject) && filter.state.is_none_or(|wanted| wanted == state)
    });
    let (items, next) = merge(live, next, finished);
    let next = next.map(|job| job.to_string());
    Ok(Json(Listed { items, next }))
}

/// One page of those in memory and those that left it, in the order of their numbers, each once.
fn merge(live: Vec<JobView>, next: Option<JobId>, finished: Vec<Finished>) -> (Vec<JobView>, Option<JobId>) {
    // Beyond where either list was cut nothing is known.
    let cut = (finished.len() >= PAGE).then(|| finished.last().map(Finished::id)).flatten();
    let known = next.into_iter().chain(cut).min();
    let mut all: BTreeMap<JobId, JobView> = finished.iter().map(|finished| (finished.id(), finished.view())).collect();
    all.extend(live.into_iter().map(|view| (view.job, view)));
    all.retain(|job, _| known.is_none_or(|known| *job <= known));
    let mut items: Vec<JobView> = all.into_values().collect();
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    let next = if more { items.last().map(|view| view.job) } else { known };
    (items, next)
}

/// A job.
#[utoipa::path(get, path = "/v1/jobs/{job}", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<JobView>> {
    owned(&app, &caller, job).await?;
    Ok(Json(view(&app, job).await?))
}

/// Why a job runs, waits or moved, and all its changes.
#[utoipa::path(get, path = "/v1/jobs/{job}/why", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = Why), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn why(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<Why>> {
    owned(&app, &caller, job).await?;
    let changes = app.engine.store.changes(job, 200).await?;
    let live = app.engine.core().await.why(job);
    let (state, sentence, class) = match live {
        Ok(why) => why,
        Err(refusal) => {
            let finished = app.engine.store.finished(job).await?.ok_or(refusal)?;
            (finished.state(), finished.why(), None)
        }
    };
    Ok(Json(Why {
        job,
        state,
        sentence,
        class,
        changes,
    }))
}

/// Boundaries of a job that are safe, in order, at most 1000 from `from` on.
#[utoipa::path(get, path = "/v1/jobs/{job}/chain", tag = "jobs", params(("job" = u64, Path), From),
    responses((status = 200, body = Listed<ChainLine>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn chain(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(job): At<JobId>,
    Ask(from): Ask<From>,
) -> Answer<Json<Listed<ChainLine>>> {
    const LINES: u32 = 1000;
    owned(&app, &caller, job).await?;
    let items = app.engine.store.chain(job, from.from, LINES).await?;
    let full = items.len() == LINES as usize;
    let next = items.last().filter(|_| full).map(|line| (line.entry.segment + 1).to_string());
    Ok(Json(Listed { items, next }))
}

/// Keeps a job back; a running one stops at its next boundary.
#[utoipa::path(post, path = "/v1/jobs/{job}/hold", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn hold(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<JobView>> {
    steer(&app, &caller, job, |by| Event::Hold { job, by }).await
}

/// Lets a held job go on.
#[utoipa::path(post, path = "/v1/jobs/{job}/release", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn release(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<JobView>> {
    steer(&app, &caller, job, |by| Event::Release { job, by }).await
}

/// Stops a job for good, at once.
#[utoipa::path(post, path = "/v1/jobs/{job}/cancel", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn cancel(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<JobView>> {
    steer(&app, &caller, job, |by| Event::Cancel { job, by }).await
}

/// Changes a job's priority, also while it runs.
#[utoipa::path(put, path = "/v1/jobs/{job}/priority", tag = "jobs", params(("job" = u64, Path)), request_body = Reprioritize,
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn prioritize(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(job): At<JobId>,
    Body(body): Body<Reprioritize>,
) -> Answer<Json<JobView>> {
    let event = |by| Event::Prioritize {
        job,
        priority: body.priority,
        now: body.now,
        by,
    };
    steer(&app, &caller, job, event).await
}

async fn steer(app: &App, caller: &Caller, job: JobId, event: impl FnOnce(String) -> Event) -> Answer<Json<JobView>> {
    owned(app, caller, job).await?;
    if let Some(finished) = ended(app, job).await? {
        return Err(Fault::conflict("state", format!("job {job} is {}", finished.state())));
    }
    app.engine.apply(event(caller.subject.clone())).await?;
    Ok(Json(view(app, job).await?))
}

/// A job, at once whenever it changes (SSE: events `job` with a JobView each).
#[utoipa::path(get, path = "/v1/jobs/{job}/events", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn events(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Response> {
    owned(&app, &caller, job).await?;
    let changes = app.engine.watch_job(job);
    let (stop, listening) = (app.stop.clone(), app.listen(&caller.id)?);
    let look = move || -> futures_util::future::BoxFuture<'static, Option<Message>> {
        let app = Arc::clone(&app);
        Box::pin(async move {
            let view = view(&app, job).await.ok()?;
            Message::default().event("job").json_data(&view).ok()
        })
    };
    Ok(stream(changes, stop, listening, Pace::AT_ONCE, look).into_response())
}
