//! The page: jobs, hosts, queues; rendered here, kept live by SSE, readable on a phone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State;
use axum::extract::rejection::StringRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::Event as Message;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use protocol::http::{HostView, JobView};
use protocol::{HardwareClass, HostId};

use crate::api::{Pace, stream};
use crate::app::App;
use crate::auth::Caller;
use crate::guard::COOKIE_NAME;
use crate::peer::Peer;
use crate::problem::{Answer, Fault};
use crate::session::LASTS;
use scheduler::Core;

const JOBS: usize = 100;
const HOSTS: usize = 200;
/// Ages of things change without anything happening.
const PACE: Pace = Pace {
    pause: Duration::from_secs(1),
    again: Duration::from_secs(10),
};
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn document(app: &App, body: Markup) -> Response {
    let base = app.site.base();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Baton" }
                link rel="stylesheet" href={ (base) "/page.css" };
                script src={ (base) "/page.js" } defer {}
            }
            body data-base=(base) { (body) }
        }
    };
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page.into_string()).into_response()
}

/// The page, or the form that asks for a token.
pub async fn show(State(app): State<Arc<App>>, caller: Option<Extension<Caller>>) -> Response {
    let base = app.site.base();
    let Some(Extension(caller)) = caller.filter(|caller| caller.scientist().is_ok()) else {
        let form = html! {
            main.door {
                h1 { "Baton" }
                form method="post" action={ (base) "/login" } {
                    label for="token" { "A scientist's or operator's token" }
                    input id="token" name="token" type="password" autocomplete="off" required;
                    button { "Open" }
                }
            }
        };
        return document(&app, form);
    };
    let body = content(&*app.engine.core().await, &caller);
    let page = html! {
        h1 {
            "Baton" span #live { "…" }
            @if caller.session.is_some() {
                form.logout method="post" action={ (base) "/logout" } { button { "Log out " (caller.subject) } }
            }
        }
        main #content { (body) }
    };
    document(&app, page)
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

/// The content again, at most once a second, whenever anything changed, and every ten seconds.
pub async fn events(State(app): State<Arc<App>>, caller: Caller) -> Answer<Response> {
    caller.scientist()?;
    let listening = app.listen(&caller)?;
    let (changes, stop) = (app.engine.watch_all(), app.stop.clone());
    let look = move || -> futures_util::future::BoxFuture<'static, Option<Message>> {
        let (app, caller) = (Arc::clone(&app), caller.clone());
        Box::pin(async move {
            let html = content(&*app.engine.core().await, &caller).into_string();
            Some(Message::default().event("content").data(html))
        })
    };
    Ok(stream(changes, stop, listening, PACE, look).into_response())
}

/// The style sheet.
pub async fn css() -> Response {
    ([(CONTENT_TYPE, "text/css")], include_str!("page.css")).into_response()
}

/// The script: it listens, and puts what comes into the page.
pub async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("page.js")).into_response()
}

fn content(core: &Core, caller: &Caller) -> Markup {
    let now_ms = core.now_ms();
    // The API's rule: one's own, and an operator's all.
    let owner = (!caller.sees_all()).then_some(caller.subject.as_str());
    let jobs = core.newest_jobs(JOBS, owner);
    let (hosts, more) = core.hosts(HostId(0), HOSTS);
    html! {
        section #jobs {
            h2 { "Jobs" }
            @if jobs.is_empty() { p.none { "No job yet." } }
            @for job in &jobs { (job_card(job, now_ms)) }
        }
        section #hosts {
            h2 { "Hosts" }
            @if hosts.is_empty() { p.none { "No host yet." } }
            @for host in &hosts { (host_card(host, now_ms)) }
            @if more.is_some() { p.none { "The first " (HOSTS) " hosts are shown; all are in /v1/hosts." } }
        }
        section #queues {
            h2 { "Queues" }
            table {
                tr { th { "class" } th { "waiting" } th { "online" } th { "last seen" } }
                @for (tier, waiting) in core.waiting_for_any() {
                    tr { td { "any, " (tier) } td { (waiting) } td {} td {} }
                }
                @for class in core.classes() {
                    tr {
                        td { (class_chip(class.class)) } td { (class.waiting) } td { (class.online) " of " (class.devices) }
                        td { (class.last_seen_ms.map_or("never".to_owned(), |at| ago(at, now_ms))) }
                    }
                }
            }
        }
    }
}

fn job_card(job: &JobView, now_ms: u64) -> Markup {
    html! {
        article.job data-job=(job.job) {
            header {
                b { (job.name) } " " small { "job " (job.job) " · " (job.owner) " · priority " (job.priority) }
                span class={ "state " (job.state) } { (job.state) }
            }
            progress max=(job.segments) value=(job.progress) {}
            p {
                (job.progress) " of " (job.segments) " segments"
                @if let Some(left) = job.left_ms { ", " (span(left)) " left" }
            }
            p.reason { (job.reason) " · " (ago(job.since_ms, now_ms)) }
            @if !job.errors.is_empty() {
                ul.errors {
                    @for error in &job.errors {
                        li { (error.name) " (host " (error.host) ") " (error.outcome) ": " (error.message) " · " (ago(error.at_ms, now_ms)) }
                    }
                }
            }
            @if !job.stays.is_empty() {
                p.strip {
                    @for stay in &job.stays {
                        span class={ "stay hue" (hue(stay.class)) } title=(stay.outcome.map_or("now", |outcome| outcome.as_str())) {
                            "host " (stay.host) " · " (stay.to_segment - stay.from_segment)
                        }
                    }
                }
            }
        }
    }
}

fn host_card(host: &HostView, now_ms: u64) -> Markup {
    html! {
        article.host data-host=(host.host) {
            header {
                b { (host.name) } " " small { "host " (host.host) " · " (host.reliability) " (" (host.reliability_why) ")" }
                span class={ "state " (host.state) } { (host.state) }
            }
            p.strip aria-label="online, hour by hour" {
                @for percent in &host.hours_percent { i class={ "hour p" (percent / 25) } {} }
                small { (host.hours_per_day_tenths / 10) "." (host.hours_per_day_tenths % 10) " h a day" }
            }
            @for device in &host.devices {
                p {
                    (device.id) " "
                    @for class in &device.classes { (class_chip(*class)) " " }
                    @match (&device.attempt, &device.idle) {
                        (Some(attempt), _) => { "attempt " (attempt) }
                        (None, Some(why)) => { span.reason { (why) } }
                        (None, None) => {}
                    }
                }
            }
            p.reason { "seen " (ago(host.last_seen_ms, now_ms)) " · " (host.boundaries) " boundaries · " (host.errors) " errors" }
        }
    }
}

fn class_chip(class: HardwareClass) -> Markup {
    html! { span class={ "chip hue" (hue(class)) } { (class) } }
}

fn hue(class: HardwareClass) -> u8 {
    class.key.0[0] % 8
}

fn span(ms: u64) -> String {
    match ms / 1000 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn ago(at_ms: u64, now_ms: u64) -> String {
    format!("{} ago", span(now_ms.saturating_sub(at_ms)))
}
