//! The volunteer's own page: what the agent of this machine does and did, pause, resume and finish, and its preferences. `baton worker page` serves it.
//!
//! | module | owns |
//! |---|---|
//! | [`guard`] | who may ask: this machine alone, by its own name, with the page's token, from the page itself |
//! | [`content`] | the page's HTML |
//! | [`preferences`] | the configuration file with some of its keys changed |
//!
//! Invariant: it listens on the loopback address alone, says nothing without its token, and reads and writes nothing but what `baton worker status`, `pause`,
//! `resume` and `finish` do, and the section `[worker]` of the configuration file.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::agent::machine;
use crate::agent::state::{Asked, StateFolder};
use crate::agent::view::Status;
use crate::console::output;
use crate::console::signals::Stop;

mod content;
mod guard;
mod preferences;

use guard::{Asks, Guard};

/// What the page may load: its own style and script, and nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Bytes of a form.
const FORM_BYTES_MAX: usize = 1024;
/// Bytes of the form of preferences.
const PREFERENCES_BYTES_MAX: usize = 16 << 10;
/// Longest pause, hours.
const PAUSE_HOURS_MAX: u64 = 24 * 30;

struct Page {
    guard: Guard,
    state: StateFolder,
    /// The configuration file.
    config: PathBuf,
}

/// Serve the page until Ctrl-C. Its address, with the token, is printed first.
///
/// # Errors
/// The port is taken, or the machine gives no random bytes.
pub(crate) fn serve(state: StateFolder, config: PathBuf, port: u16) -> anyhow::Result<()> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes for a token: {error}"))?;
    let token = protocol::Digest(bytes).to_string();
    let stop = Stop::listen()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.with_context(|| format!("cannot listen on 127.0.0.1:{port}; --port names another"))?;
        let port = listener.local_addr()?.port();
        output::lines([format!("http://127.0.0.1:{port}/?token={token}")])?;
        output::note("the page of this machine's agent, for this machine alone; Ctrl-C ends it");
        let page = Arc::new(Page {
            guard: Guard::new(port, &token),
            state,
            config,
        });
        let asked = async move {
            while stop.asked() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        };
        tokio::select! {
            served = async { axum::serve(listener, router(page)).await } => served.context("the page's server failed"),
            () = asked => Ok(()),
        }
    })
}

fn router(page: Arc<Page>) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/content", get(content))
        .route("/say", post(say))
        .route(
            "/preferences",
            get(show_preferences)
                .post(take_preferences)
                .layer(DefaultBodyLimit::max(PREFERENCES_BYTES_MAX)),
        )
        .route("/page.css", get(css))
        .route("/page.js", get(script))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&page), guarded))
        .with_state(page)
}

/// What the guard says of a request.
fn verdict(page: &Page, request: &Request) -> Result<bool, guard::Refusal> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let query: Option<Query<std::collections::BTreeMap<String, String>>> = Query::try_from_uri(request.uri()).ok();
    page.guard.admits(&Asks {
        changes: request.method() != Method::GET,
        host: header("host"),
        origin: header("origin"),
        site: header("sec-fetch-site"),
        cookie: header("cookie"),
        token: query.as_ref().and_then(|query| query.0.get("token")).map(String::as_str),
    })
}

/// Every request passes the guard; every answer says what the page may do.
async fn guarded(State(page): State<Arc<Page>>, request: Request, next: Next) -> Response {
    let verdict = verdict(&page, &request);
    let mut response = match verdict {
        Err(refusal) => (refusal.status(), refusal.to_string()).into_response(),
        // The token leaves the address bar, and stays in a cookie that no script reads.
        Ok(true) => {
            let cookie = page.guard.cookie();
            (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())]).into_response()
        }
        Ok(false) => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        // Without any, a browser says of a form of the page that it comes from nowhere (`Origin: null`).
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    response
}

async fn css() -> Response {
    ([(CONTENT_TYPE, "text/css")], include_str!("page.css")).into_response()
}

async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript")], include_str!("page.js")).into_response()
}

fn look(page: &Page) -> maud::Markup {
    let status: Option<Status> = page.state.read("status.json");
    content::content(status.filter(|_| page.state.is_locked()).as_ref())
}

async fn show(State(page): State<Arc<Page>>) -> Response {
    html(content::main_page(&look(&page)))
}

async fn content(State(page): State<Arc<Page>>) -> Response {
    html(look(&page))
}

fn html(markup: maud::Markup) -> Response {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], markup.into_string()).into_response()
}

/// The form of preferences as the file has them now.
async fn show_preferences(State(page): State<Arc<Page>>) -> Response {
    let text = preferences::text_of(&page.config);
    match text.and_then(|text| {
        Ok((
            preferences::shown(&text)?,
            preferences::shares(&text)?,
            preferences::mark(&text),
        ))
    }) {
        Ok((fields, shares, mark)) => html(content::preferences(&page.config, (&fields, &shares), &mark, None)),
        Err(wrong) => html(content::preferences(&page.config, (&[], &[]), "", Some(&wrong))),
    }
}

/// The form of preferences as it was sent.
async fn take_preferences(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    let form = decoded(&form);
    let given = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    };
    let fields: Vec<String> = preferences::FIELDS.iter().map(|field| given(field.key).to_owned()).collect();
    let text = preferences::text_of(&page.config);
    let mut shares = text
        .as_ref()
        .map_or(Vec::new(), |text| preferences::shares(text).unwrap_or_default());
    for (place, (_, share)) in shares.iter_mut().enumerate() {
        *share = given(&format!("share-{place}")).to_owned();
    }
    let given_shares: Vec<String> = shares.iter().map(|(_, share)| share.clone()).collect();
    let taken = text.and_then(|text| match preferences::mark(&text) == given("of") {
        true => preferences::changed(&text, &fields, &given_shares),
        false => Err("the configuration file was changed meanwhile: open this page anew".to_owned()),
    });
    let written = taken.and_then(|text| preferences::write(&page.config, &text).map_err(|error| format!("{error:#}")));
    match written {
        Ok(()) => (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response(),
        Err(wrong) => {
            let again = html(content::preferences(
                &page.config,
                (&fields, &shares),
                given("of"),
                Some(&wrong),
            ));
            (StatusCode::BAD_REQUEST, again).into_response()
        }
    }
}

/// The fields of a form that may hold any text. A query is encoded as a form is; so the reader of queries reads it.
fn decoded(form: &[u8]) -> Vec<(String, String)> {
    let uri = std::str::from_utf8(form)
        .ok()
        .and_then(|form| format!("/?{form}").parse().ok());
    let query = uri.and_then(|uri| Query::try_from_uri(&uri).ok());
    query.map_or(Vec::new(), |Query(pairs)| pairs)
}

/// What a form asks of the agent.
async fn say(State(page): State<Arc<Page>>, form: Bytes) -> Response {
    let form = String::from_utf8_lossy(&form).into_owned();
    let asked = match read(&form, machine::now_ms()) {
        Ok(asked) => asked,
        Err(wrong) => return (StatusCode::BAD_REQUEST, wrong).into_response(),
    };
    match page.state.write("request.json", &asked) {
        Ok(()) => (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

/// A form's words: `what=pause&hours=2`. Nothing in them is ever encoded.
fn read(form: &str, now_ms: u64) -> Result<Asked, String> {
    let field = |name: &str| {
        form.split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    };
    let shown = |text: &str| text.chars().take(40).collect::<String>().escape_debug().to_string();
    match field("what") {
        Some("resume") => Ok(Asked::Run),
        Some("finish") => Ok(Asked::Finish),
        Some("pause") => {
            let hours = match field("hours") {
                None | Some("") => None,
                Some(text) => match text.parse() {
                    Ok(hours) if (1..=PAUSE_HOURS_MAX).contains(&hours) => Some(hours),
                    _ => {
                        return Err(format!(
                            "hours: found '{}', expected 1 to {PAUSE_HOURS_MAX}, or nothing for no end",
                            shown(text)
                        ));
                    }
                },
            };
            Ok(Asked::Pause {
                for_ms: hours.map(|hours| hours * 3_600_000),
                at_ms: now_ms,
            })
        }
        other => Err(format!(
            "what: found '{}', expected pause, resume or finish",
            shown(other.unwrap_or("nothing"))
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_a_request_or_a_clear_error() {
        assert_eq!(read("what=resume", 7), Ok(Asked::Run));
        assert_eq!(read("what=finish&x=1", 7), Ok(Asked::Finish));
        let two = Asked::Pause {
            for_ms: Some(7_200_000),
            at_ms: 7,
        };
        assert_eq!(read("what=pause&hours=2", 7), Ok(two));
        assert_eq!(read("what=pause&hours=", 7), Ok(Asked::Pause { for_ms: None, at_ms: 7 }));
        for (form, part) in [
            ("", "what: found 'nothing', expected pause, resume or finish"),
            ("what=delete", "found 'delete'"),
            ("what=pause&hours=0", "hours: found '0', expected 1 to 720"),
            ("what=pause&hours=2h", "found '2h'"),
            ("what=pause&hours=99999999999999999999", "expected 1 to 720"),
        ] {
            let wrong = read(form, 7).expect_err(form);
            assert!(wrong.contains(part), "{wrong}");
        }
    }
}
