//! What scientists do with jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as Message;
use axum::response::{IntoResponse, Response};
use protocol::http::lease::ChainLine;
use protocol::http::{JobSummary, JobView, Listed, Problem, Reprioritize, SubmitJob, Submitted, Why};
use protocol::{JobId, JobState};
use serde::Deserialize;

use super::{PAGE, Pace, stream};
use crate::app::App;
use crate::auth::Caller;
use crate::extract::{Ask, At, Body, idempotency};
use crate::problem::{Answer, Fault};
use crate::submission;
use scheduler::{Core, Event, Finished, Refusal, Reply, Wanted};

/// Query of a list of jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// `next` of the page before.
    cursor: Option<u64>,
    /// Only jobs in these states, with commas between them.
    #[serde(default, deserialize_with = "states")]
    #[param(value_type = Option<String>)]
    state: Vec<JobState>,
    /// Only jobs with this tag.
    tag: Option<String>,
    /// Only jobs whose number, name, owner or one of whose tags has this text in it.
    #[serde(default)]
    text: String,
    /// The newest first, instead of in the order of their numbers.
    #[serde(default)]
    newest: bool,
    /// Jobs in one answer, 1 to 100.
    limit: Option<u32>,
    /// Other people's too (operators).
    #[serde(default)]
    all: bool,
}

/// Query of a summary of jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    /// Other people's too (operators).
    #[serde(default)]
    all: bool,
}

/// Names of states with commas between them.
fn states<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<JobState>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let state = |word: &str| {
        let known = JobState::ALL.iter().find(|state| state.as_str() == word);
        known.copied().ok_or_else(|| {
            let all: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
            let word: String = word.chars().take(40).collect();
            serde::de::Error::custom(format!(
                "found the state '{}', expected {}",
                word.escape_debug(),
                all.join(", ")
            ))
        })
    };
    text.split(',').map(state).collect()
}

/// Query of a list of boundaries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct From {
    /// First boundary wanted.
    #[serde(default)]
    from: u64,
}

/// A job of the caller's.
pub(crate) enum Found<T> {
    /// In memory: what was looked up there.
    Live(T),
    /// Finished long ago.
    Ended(Box<Finished>),
}

/// Looks up a job that the caller may see, with one look at the state and, for what left memory, one read of the store. Other people's jobs are
/// not there.
pub(crate) async fn find<T>(
    app: &App,
    caller: &Caller,
    job: JobId,
    look: impl FnOnce(&Core) -> Result<T, Refusal>,
) -> Answer<Found<T>> {
    caller.scientist()?;
    let nothing = || Fault::not_found(format!("there is no job {job}"));
    {
        let core = app.engine.core().await;
        if let Ok(owner) = core.owner(job) {
            caller.owns(owner).map_err(|_| nothing())?;
            return Ok(Found::Live(look(&core)?));
        }
    }
    let finished = app.engine.store.finished(job).await?.ok_or_else(nothing)?;
    caller.owns(finished.owner()).map_err(|_| nothing())?;
    Ok(Found::Ended(Box::new(finished)))
}

/// Submits a job. Its package's archive has to be uploaded before; it is checked as the volunteers will check it.
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
    let now_ms = app.engine.now_ms();
    let signed = app
        .signatures
        .check_submission(&job, &app.engine.identity.server, &caller.subject, now_ms)?;
    if let Some(url) = &job.notify {
        app.webhooks.check(url).map_err(|why| Fault::invalid("notify", why))?;
    }
    let mut remember = idempotency(&headers, &caller, "submit", &job)?;
    if let Some(name) = signed {
        // It makes one job, whatever keys it is sent with.
        let sent = remember.map_or_else(String::new, |(name, request)| format!("{name} {request}"));
        remember = Some((name, sent));
    }
    let _pending = match &remember {
        None => None,
        Some((name, request)) => {
            let pending = app.begin(name)?;
            if let Some(known) = app.engine.store.answer(name.clone()).await? {
                if job.signed.is_some() && (request.is_empty() || known.request != *request) {
                    let detail = format!(
                        "this signature made job {} and makes no second one: sign each submission anew",
                        known.number
                    );
                    return Err(Fault::conflict("replayed", detail).field("signed"));
                }
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
        // Not an operator's right here: a job only starts from one of the same owner.
        && let Ok(Found::Ended(finished)) = find(&app, &caller, after, |core| core.owner(after).map(drop)).await
        && caller.subject == finished.owner()
    {
        app.engine.apply(Event::Recall(finished)).await?;
    }
    let missing = || Fault::invalid("archive", format!("there is no blob {}: upload it first", job.archive));
    app.blobs.size(job.archive).await?.ok_or_else(missing)?;
    submission::check(&app, &job).await?;
    // Checking may take long, and blobs must not wait for it to be swept: so it is asked for again.
    let _kept = app.sweeping.read().await;
    let bytes = app.blobs.size(job.archive).await?.ok_or_else(missing)?;
    let archive = job.archive;
    let event = Event::Submit {
        user: caller.subject,
        job: Box::new(job),
        bytes,
    };
    match app.engine.apply_then(event, remember, |reply, _| reply).await? {
        Reply::Job(job) => {
            app.pending.release(archive);
            Ok((StatusCode::CREATED, Json(Submitted { job })))
        }
        other => Err(Fault::unavailable(format!("unexpected {other:?}"))),
    }
}

/// One's own jobs, in the order of their numbers or the newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(Filter),
    responses((status = 200, body = Listed<JobView>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, Ask(filter): Ask<Filter>) -> Answer<Json<Listed<JobView>>> {
    caller.scientist()?;
    if filter.all {
        caller.operator()?;
    }
    let limit = filter.limit.map_or(PAGE, |limit| limit as usize);
    if !(1..=PAGE).contains(&limit) {
        return Err(Fault::invalid("limit", format!("found {limit}, expected 1 to {PAGE}")));
    }
    let owner = (!filter.all).then(|| caller.subject.clone());
    let wanted = Wanted {
        owner: owner.as_deref(),
        states: &filter.state,
        tag: filter.tag.as_deref(),
        text: &filter.text,
    };
    let range = match (filter.newest, filter.cursor) {
        (true, before) => JobId(0)..JobId(before.unwrap_or(u64::MAX)),
        (false, after) => JobId(after.unwrap_or(0).saturating_add(1))..JobId(u64::MAX),
    };
    let ended: Vec<JobState> = filter.state.iter().copied().filter(|state| state.is_final()).collect();
    let finished = if filter.state.is_empty() || !ended.is_empty() {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let found = app
            .engine
            .store
            .finished_within(range.clone(), filter.newest, limit, owner.clone(), ended);
        found.await?
    } else {
        Vec::new()
    };
    let (live, next) = {
        let core = app.engine.core().await;
        match filter.newest {
            true => core.newest_jobs(range.end, limit, &wanted),
            false => core.jobs(JobId(range.start.0 - 1), limit, &wanted),
        }
    };
    let wanted = |view: &JobView| wanted.takes(view.job, &view.name, &view.owner, view.state, &view.tags);
    let (items, next) = merge((live, next), &finished, limit, filter.newest, wanted);
    let next = next.map(|job| job.to_string());
    Ok(Json(Listed { items, next }))
}

/// One page of those in memory and those that left it, each once. A cursor is the last number that was looked at, in either direction.
fn merge(
    (live, next): (Vec<JobView>, Option<JobId>),
    finished: &[Finished],
    limit: usize,
    newest: bool,
    wanted: impl Fn(&JobView) -> bool,
) -> (Vec<JobView>, Option<JobId>) {
    // Beyond where either list was cut nothing is known.
    let cut = (finished.len() >= PAGE).then(|| finished.last().map(Finished::id)).flatten();
    let cuts = next.into_iter().chain(cut);
    let known = if newest { cuts.max() } else { cuts.min() };
    let views = finished.iter().map(Finished::view).filter(wanted).chain(live);
    let mut all: BTreeMap<JobId, JobView> = views.map(|view| (view.job, view)).collect();
    all.retain(|job, _| known.is_none_or(|known| if newest { *job >= known } else { *job <= known }));
    let mut items: Vec<JobView> = all.into_values().collect();
    if newest {
        items.reverse();
    }
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(|view| view.job) } else { known };
    (items, next)
}

/// How many of one's own jobs are in each state. Those that ended more than a day ago are not counted.
#[utoipa::path(get, path = "/v1/jobs/summary", tag = "jobs", params(Whose),
    responses((status = 200, body = JobSummary), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn summary(State(app): State<Arc<App>>, caller: Caller, Ask(whose): Ask<Whose>) -> Answer<Json<JobSummary>> {
    caller.scientist()?;
    if whose.all {
        caller.operator()?;
    }
    let owner = (!whose.all).then_some(caller.subject.as_str());
    let tally = app.engine.core().await.tally(owner);
    let states = tally.into_iter().map(|(state, count)| (state.to_string(), count)).collect();
    Ok(Json(JobSummary { states }))
}

/// A job.
#[utoipa::path(get, path = "/v1/jobs/{job}", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<JobView>> {
    Ok(Json(match find(&app, &caller, job, |core| core.job(job)).await? {
        Found::Live(view) => view,
        Found::Ended(finished) => finished.view(),
    }))
}

/// Why a job runs, waits or moved, and all its changes.
#[utoipa::path(get, path = "/v1/jobs/{job}/why", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = Why), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn why(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<Why>> {
    let (state, sentence, class) = match find(&app, &caller, job, |core| core.why(job)).await? {
        Found::Live(why) => why,
        Found::Ended(finished) => (finished.state(), finished.why(), None),
    };
    let changes = app.engine.store.changes(job, 200).await?;
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
    find(&app, &caller, job, |_| Ok(())).await?;
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

/// Forgets the errors for which a job is held, and lets it go on.
#[utoipa::path(post, path = "/v1/jobs/{job}/retry", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, body = JobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn retry(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Json<JobView>> {
    steer(&app, &caller, job, |by| Event::Retry { job, by }).await
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
    if let Found::Ended(finished) = find(app, caller, job, |_| Ok(())).await? {
        return Err(Fault::conflict("state", format!("job {job} is {}", finished.state())));
    }
    let event = event(caller.subject.clone());
    let view = app.engine.apply_then(event, None, move |_, core| core.job(job)).await?;
    Ok(Json(view?))
}

/// A job, at once whenever it changes (SSE: events `job` with a JobView each).
#[utoipa::path(get, path = "/v1/jobs/{job}/events", tag = "jobs", params(("job" = u64, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn events(State(app): State<Arc<App>>, caller: Caller, At(job): At<JobId>) -> Answer<Response> {
    // Watched before it is looked at, so that no change falls between.
    let changes = app.engine.watch_job(job);
    find(&app, &caller, job, |_| Ok(())).await?;
    let (stop, listening) = (app.stop.clone(), app.listen(&caller)?);
    let look = move || -> futures_util::future::BoxFuture<'static, Option<Message>> {
        let app = Arc::clone(&app);
        let caller = caller.clone();
        Box::pin(async move {
            let view = match find(&app, &caller, job, |core| core.job(job)).await.ok()? {
                Found::Live(view) => view,
                Found::Ended(finished) => finished.view(),
            };
            Message::default().event("job").json_data(&view).ok()
        })
    };
    Ok(stream(changes, stop, listening, Pace::AT_ONCE, look).into_response())
}
