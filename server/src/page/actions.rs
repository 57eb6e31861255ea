//! What can be done to a job, and to a host, from its page: a button each, and a question before what cannot be taken back.
//!
//! Invariant: the routes of the API do it, for the caller that the session stands for; and only a form of this page is listened to, so that no other web site can press a
//! button (the cookie is not sent to it either: `SameSite=Strict`).

use std::sync::Arc;

use axum::extract::rejection::StringRejection;
use axum::extract::{Query, State};
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use protocol::http::{BanHost, HostView, JobView};
use protocol::{HostId, JobId, JobState};

use super::view::{Subject, View};
use super::{content, document};
use crate::api::{hosts, jobs};
use crate::app::App;
use crate::auth::Caller;
use crate::extract::{At, Body};
use crate::problem::{Answer, Fault};

/// The buttons of a job, where anything can still be done to it.
pub(super) fn buttons(job: &JobView, base: &str) -> Markup {
    let action = format!("{base}/jobs/{}/act", job.job);
    let button = |what: &str, words: &str, means: &str| {
        html! { form method="post" action=(action) { button name="what" value=(what) title=(means) { (words) } } }
    };
    if job.state.is_final() {
        return html! {};
    }
    html! {
        div.acts {
            @if job.state == JobState::Held {
                (button("release", "Release", "it goes on"))
                @if !job.errors.is_empty() { (button("retry", "Forget its errors and release", "it goes on, on any host")) }
            } @else {
                (button("hold", "Hold", "it stops at its next boundary and is kept back"))
            }
            details data-key="cancel" {
                summary { "Cancel …" }
                form method="post" action=(action) {
                    "It stops at once and for good; what is safe can still be fetched. "
                    button name="what" value="cancel" { "Yes, cancel job " (job.job) }
                }
            }
        }
    }
}

/// The buttons of a host, for operators.
pub(super) fn host_buttons(host: &HostView, base: &str) -> Markup {
    let action = format!("{base}/hosts/{}/act", host.host);
    let button = |what: &str, words: &str| {
        html! { form method="post" action=(action) { button name="what" value=(what) { (words) } } }
    };
    let asks = |what: &str, summary: &str, means: &str, words: &str| {
        html! {
            details data-key=(what) {
                summary { (summary) }
                form method="post" action=(action) {
                    (means) " "
                    label { "Why " input name="reason" maxlength="200" autocomplete="off"; }
                    " " button name="what" value=(what) { (words) " " (host.host) }
                }
            }
        }
    };
    html! {
        div.acts {
            @if host.banned.is_some() {
                (button("unban", "Take the ban back"))
            } @else {
                @if !matches!(host.standing.as_str(), "proven" | "probation" | "referee") { (button("forgive", "Forgive it, or give it work again")) }
                (asks("drain", "Drain …", "It gets no more work; what it has leaves it at its next boundary.", "Yes, drain host"))
                (asks("ban", "Ban …", "Its leases end at once, and whatever it sends is refused.", "Yes, ban host"))
            }
        }
    }
}

/// What a form asks for.
type Form = Result<String, StringRejection>;

/// Does what a button of a job says, and shows the job again; with what was wrong, where it cannot be done.
pub async fn act(
    At(id): At<JobId>,
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Form,
) -> Answer<Response> {
    let form = form(&app, &headers, body)?;
    let (state, by, job) = (State(Arc::clone(&app)), caller.clone(), At(id));
    let done = match said(&form, "what") {
        "hold" => jobs::hold(state, by, job).await,
        "release" => jobs::release(state, by, job).await,
        "retry" => jobs::retry(state, by, job).await,
        "cancel" => jobs::cancel(state, by, job).await,
        other => Err(unknown(other, "hold, release, retry or cancel")),
    };
    shown(&app, &caller, Subject::Job(id), done.map(drop)).await
}

/// The same of a host.
pub async fn act_on_host(
    At(id): At<HostId>,
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Form,
) -> Answer<Response> {
    let form = form(&app, &headers, body)?;
    let (state, by, host) = (State(Arc::clone(&app)), caller.clone(), At(id));
    let reason = || {
        // As the API takes it.
        let reason = protocol::text::plain(said(&form, "reason")).chars().take(200).collect();
        Body(BanHost { reason })
    };
    let done = match said(&form, "what") {
        "drain" => hosts::drain(state, by, host, reason()).await,
        "ban" => hosts::ban(state, by, host, reason()).await,
        "unban" => hosts::unban(state, by, host).await,
        "forgive" => hosts::forgive(state, by, host).await,
        other => Err(unknown(other, "drain, ban, unban or forgive")),
    };
    shown(&app, &caller, Subject::Host(id), done.map(drop)).await
}

/// A form's fields, where it is one of the page's own.
fn form(app: &App, headers: &HeaderMap, body: Form) -> Answer<Vec<(String, String)>> {
    if !is_from_the_page(headers, app.site.url()) {
        let detail = "only the page's own buttons may ask for this";
        return Err(Fault::new(
            StatusCode::FORBIDDEN,
            "origin",
            "The request comes from elsewhere",
            detail,
        ));
    }
    // A query is encoded as a form is: the reader of queries reads both.
    let uri = format!("/?{}", body.unwrap_or_default()).parse().ok();
    let query = uri.and_then(|uri| Query::try_from_uri(&uri).ok());
    Ok(query.map_or(Vec::new(), |Query(pairs)| pairs))
}

fn said<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

fn unknown(found: &str, expected: &str) -> Fault {
    let found: String = found.chars().take(40).collect();
    Fault::invalid("what", format!("found '{}', expected {expected}", found.escape_debug()))
}

/// Back to where the button was; or there with what was wrong.
async fn shown(app: &Arc<App>, caller: &Caller, subject: Subject, done: Answer<()>) -> Answer<Response> {
    let view = View::of(subject);
    let Err(fault) = done else {
        let location = format!("{}{}", app.site.base(), view.link());
        return Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response());
    };
    // What the caller may not see has no page to say it on.
    let Ok(content) = content(app, caller, &view).await else {
        return Err(fault);
    };
    let mut page = document::view(app, caller, &view, &[fault.detail().to_owned()], content);
    *page.status_mut() = fault.into_response().status();
    Ok(page)
}

/// Whether a request comes from a page of this server, at `url` where a proxy stands before it. Browsers that do not say where a request comes from say its origin.
fn is_from_the_page(headers: &HeaderMap, url: &str) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return site == "same-origin";
    }
    let Some((_, authority)) = header(ORIGIN.as_str()).and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let own = url.split_once("://").map_or("", |(_, rest)| rest);
    let own = own.split('/').next().unwrap_or("");
    header(HOST.as_str()) == Some(authority) || (!own.is_empty() && own == authority)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_the_pages_own_buttons_are_listened_to() {
        let asks = |pairs: &[(&'static str, &'static str)], url: &str| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_from_the_page(&headers.collect(), url)
        };
        let (host, proxied) = (("host", "10.0.0.7:8477"), "https://example.org/lab/baton");
        assert!(asks(&[host, ("origin", "http://10.0.0.7:8477")], ""));
        assert!(asks(&[host, ("origin", "https://example.org")], proxied));
        assert!(asks(&[host, ("sec-fetch-site", "same-origin")], ""));
        for (wrong, url) in [
            (&[host][..], proxied),
            (&[host, ("origin", "null")], proxied),
            (&[host, ("origin", "http://10.0.0.7")], proxied),
            (&[host, ("origin", "https://example.org.evil.net")], proxied),
            (&[host, ("origin", "https://")], ""),
            (&[("origin", "https://evil.net")], ""),
            (
                &[host, ("sec-fetch-site", "same-site"), ("origin", "http://10.0.0.7:8477")],
                "",
            ),
            (&[host, ("sec-fetch-site", "cross-site")], ""),
            (&[host, ("sec-fetch-site", "none")], ""),
        ] {
            assert!(!asks(wrong, url), "{wrong:?}");
        }
    }
}
