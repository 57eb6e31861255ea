//! The page: jobs and hosts, each list with search, filters and pages, and each job and host by itself; rendered here, kept live by SSE, readable on a phone.
//!
//! | module | owns |
//! |---|---|
//! | [`view`] | which part is looked at, and the link to it |
//! | [`document`] | the frame: head, navigation, search form, Content-Security-Policy |
//! | [`lists`] | the lists of jobs and hosts, totals, queues |
//! | [`credit`] | verified work by subject |
//! | [`detail`] | one job, one host |
//! | [`actions`] | what can be done to a job and to a host, and by whom |
//! | [`plot`] | a job's observables over time |
//! | [`parts`] | times, counts, chips |
//!
//! Invariant: what the page shows is what its stream sends, for the same [`view::View`]: the script compares the two and changes what differs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::rejection::StringRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::response::sse::Event as Message;
use axum::response::{IntoResponse, Response};
use maud::Markup;
use protocol::http::JobView;
use protocol::{HostId, JobId};

use crate::api::jobs::{Found, find};
use crate::api::{Pace, stream};
use crate::app::App;
use crate::auth::Caller;
use crate::extract::At;
use crate::frame;
use crate::guard::COOKIE_NAME;
use crate::observables;
use crate::peer::Peer;
use crate::problem::{Answer, Fault};
use crate::session::LASTS;

mod actions;
mod credit;
mod detail;
mod document;
mod lists;
mod parts;
mod plot;
mod view;

pub use actions::{act, act_on_host};
use detail::History;
use view::{Subject, View};

/// Newest boundaries on a job's page.
const BOUNDARIES: u64 = 20;
/// Newest changes on a job's page.
const CHANGES: u32 = 50;
/// Ages of things change without anything happening.
const PACE: Pace = Pace {
    pause: Duration::from_secs(1),
    again: Duration::from_secs(10),
};

/// What a handler of the page is given.
type Asked = (State<Arc<App>>, Option<Extension<Caller>>, Query<BTreeMap<String, String>>);

/// The list of jobs.
pub async fn jobs(asked: Asked) -> Response {
    show(asked, Subject::Jobs).await
}

/// The list of hosts.
pub async fn hosts(asked: Asked) -> Response {
    show(asked, Subject::Hosts).await
}

/// Verified work by subject: for anyone, where the operator shows it.
pub async fn credit((State(app), caller, query): Asked) -> Response {
    let is_signed_in = caller.as_ref().is_some_and(|Extension(caller)| caller.scientist().is_ok());
    if app.public_credit.is_shown() && !is_signed_in {
        let (view, _) = View::read(Subject::Credit, &query.0);
        let rows = app.public_credit.rows(&*app.engine.core().await);
        return document::public(&app, &view, credit::table(&rows, app.site.base(), &view));
    }
    show((State(app), caller, query), Subject::Credit).await
}

/// One job.
pub async fn job(At(job): At<JobId>, asked: Asked) -> Response {
    show(asked, Subject::Job(job)).await
}

/// One host.
pub async fn host(At(host): At<HostId>, asked: Asked) -> Response {
    show(asked, Subject::Host(host)).await
}

/// A view, or the form that asks for a token.
async fn show((State(app), caller, Query(query)): Asked, subject: Subject) -> Response {
    let Some(Extension(caller)) = caller.filter(|caller| caller.scientist().is_ok()) else {
        return document::login(&app);
    };
    let (view, wrong) = View::read(subject, &query);
    match content(&app, &caller, &view).await {
        Ok(content) => document::view(&app, &caller, &view, &wrong, content),
        Err(fault) => {
            let refused = fault.into_response();
            match refused.status() {
                StatusCode::NOT_FOUND => document::missing(&app, &caller, &view, &named(subject)),
                _ => refused,
            }
        }
    }
}

fn named(subject: Subject) -> String {
    match subject {
        Subject::Job(job) => format!("job {job}"),
        Subject::Host(host) => format!("host {host}"),
        Subject::Jobs | Subject::Hosts | Subject::Credit => "page".to_owned(),
    }
}

/// What a view shows, as of now.
async fn content(app: &Arc<App>, caller: &Caller, view: &View) -> Answer<Markup> {
    let base = app.site.base();
    match view.subject {
        Subject::Jobs => Ok(lists::jobs(&*app.engine.core().await, caller, base, view)),
        Subject::Hosts => Ok(lists::hosts(&*app.engine.core().await, base, view)),
        Subject::Credit => {
            let rows = app.engine.core().await.credits(false);
            Ok(credit::table(&rows, base, view))
        }
        Subject::Host(host) => {
            let core = app.engine.core().await;
            let found = core
                .host(host)
                .map_err(|_| Fault::not_found(format!("there is no host {host}")))?;
            Ok(detail::host(&core, &found, base, caller.sees_all()))
        }
        Subject::Job(id) => {
            let job = job_view(app, caller, id).await?;
            let from = (job.segment + 1).saturating_sub(BOUNDARIES);
            let history = History {
                changes: app.engine.store.changes(id, CHANGES).await?,
                boundaries: app.engine.store.chain(id, from, BOUNDARIES as u32).await?,
                observables: observables::of(app, &job).await,
                particles: frame::particles(app, &job).await,
            };
            let core = app.engine.core().await;
            Ok(detail::job(&job, &history, core.now_ms(), base, &core.class_names()))
        }
    }
}

async fn job_view(app: &App, caller: &Caller, id: JobId) -> Answer<JobView> {
    Ok(match find(app, caller, id, |core| core.job(id)).await? {
        Found::Live(view) => view,
        Found::Ended(finished) => finished.view(),
    })
}

/// The newest frame of a job, for the script that draws it.
pub async fn frame(At(job): At<JobId>, State(app): State<Arc<App>>, caller: Caller) -> Answer<Response> {
    let job = job_view(&app, &caller, job).await?;
    let text = frame::of(&app, &job).await?.to_string();
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], text).into_response())
}

/// The cookie of a session, or one that ends it.
fn set_cookie(app: &App, peer: Option<Extension<Peer>>, value: &str, seconds: u64) -> String {
    let secure = app.site.is_secure() || peer.is_some_and(|Extension(peer)| peer.secure);
    format!(
        "{COOKIE_NAME}={value}; Max-Age={seconds}; HttpOnly; SameSite=Strict; Path={}/{}",
        app.site.base(),
        if secure { "; Secure" } else { "" }
    )
}

fn to_the_page(app: &App, cookie: String) -> Response {
    let headers = [(SET_COOKIE, cookie), (LOCATION, format!("{}/", app.site.base()))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Begins a session for the form's token, in a cookie that no script can read.
pub async fn login(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    body: Result<String, StringRejection>,
) -> Answer<Response> {
    let body = body.map_err(|rejection| {
        let detail = format!("{}; expected token=TOKEN", rejection.body_text());
        Fault::new(rejection.status(), "malformed", "The form cannot be read", detail)
    })?;
    // Tokens consist of letters, digits and underscores: nothing of them is ever encoded.
    let token = body.trim().strip_prefix("token=").unwrap_or("").trim();
    let caller = app.tokens.find(token).ok_or_else(|| app.tokens.unknown(token))?;
    caller.scientist()?;
    let secret = app.sessions.begin(&caller.id, Instant::now());
    let secret = secret.map_err(|error| Fault::unavailable(format!("no random bytes: {error}")))?;
    let cookie = set_cookie(&app, peer, &secret, LASTS.as_secs());
    Ok(to_the_page(&app, cookie))
}

/// Ends the session, here and in the browser.
pub async fn logout(State(app): State<Arc<App>>, peer: Option<Extension<Peer>>, caller: Option<Extension<Caller>>) -> Response {
    if let Some(session) = caller.and_then(|Extension(caller)| caller.session) {
        app.sessions.end(session);
        app.tokens.tell();
    }
    let cookie = set_cookie(&app, peer, "", 0);
    to_the_page(&app, cookie)
}

/// Whether there is a session: what the script asks when its stream was refused.
pub async fn session(caller: Caller) -> Answer<StatusCode> {
    caller.scientist()?;
    Ok(StatusCode::NO_CONTENT)
}

/// A view's content again, at most once a second, whenever anything changed, and every ten seconds.
pub async fn events(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer<Response> {
    caller.scientist()?;
    let view = View::of_events(&query);
    content(&app, &caller, &view).await?;
    let listening = app.listen(&caller)?;
    let (changes, stop) = (app.engine.watch_all(), app.stop.clone());
    let look = move || -> futures_util::future::BoxFuture<'static, Option<Message>> {
        let (app, caller, view) = (Arc::clone(&app), caller.clone(), view.clone());
        Box::pin(async move {
            let html = content(&app, &caller, &view).await.ok()?.into_string();
            Some(Message::default().event("content").data(html))
        })
    };
    Ok(stream(changes, stop, listening, PACE, look).into_response())
}

/// The style sheet.
pub async fn css() -> Response {
    ([(CONTENT_TYPE, "text/css")], include_str!("page.css")).into_response()
}

/// The script that draws a job's last frame.
pub async fn frame_script() -> Response {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("frame.js")).into_response()
}

/// The script: it listens, and puts what comes into the page.
pub async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("page.js")).into_response()
}
