//! What every request passes: its caller, rate, time limit, and a line in the log. No secret gets into that line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::accept::HEAD_BYTES_MAX;
use crate::app::App;
use crate::auth::Caller;
use crate::limits::Kind;
use crate::peer::Peer;
use crate::problem::{Fault, PanickedOver};

/// Longest time for a request that is neither a stream nor a blob.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Who sends something over which the rules panic is turned away for so long: each time costs reading the state back.
pub const AFTER_A_PANIC: Duration = Duration::from_secs(600);
/// The page's cookie.
pub const COOKIE_NAME: &str = "baton_session";

/// What a route asks of its callers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Page,
    Token,
}

fn door(path: &str) -> Door {
    match path {
        "/healthz" | "/readyz" | "/v1/server" | "/metrics" | "/v1/openapi.json" | "/login" | "/page.css" | "/page.js"
        | "/frame.js" => Door::Open,
        "/" | "/hosts" | "/credit" | "/jobs/{job}" | "/jobs/{job}/frame" | "/jobs/{job}/act" | "/hosts/{host}/act"
        | "/hosts/{host}" | "/page/events" | "/page/session" | "/logout" => Door::Page,
        _ => Door::Token,
    }
}

fn kind(method: &Method, path: &str) -> Kind {
    match path {
        "/v1/hosts" if method == Method::POST => Kind::Enrol,
        path if path.starts_with("/v1/blobs/") => Kind::Blob,
        path if path.starts_with("/v1/hosts/{host}") || path.starts_with("/v1/attempts/") => Kind::Host,
        _ => Kind::Command,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// The caller whose session a cookie names.
fn of_session(app: &App, cookie: &str, now: Instant) -> Option<Caller> {
    let (session, token) = app.sessions.find(cookie, now)?;
    let caller = app.tokens.named(&token)?;
    Some(Caller {
        session: Some(session),
        ..caller
    })
}

/// Under which name a caller's requests are counted. One enrolment token serves all volunteers: there the address counts.
fn key(caller: &Caller, kind: Kind, address: &str) -> String {
    match kind {
        Kind::Enrol => format!("{} {address}", caller.id),
        _ => caller.id.clone(),
    }
}

/// The middleware around every route.
pub async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unknown".to_owned(), |path| path.as_str().to_owned());
    let address = request
        .extensions()
        .get::<Peer>()
        .map_or_else(|| "local".to_owned(), |peer| peer.place().to_string());
    let (caller, response) = match admit(&app, &request, &method, &path, &address) {
        Ok(caller) => {
            let id = caller.as_ref().map(|caller| caller.id.clone());
            let key = caller.as_ref().map(|caller| key(caller, kind(&method, &path), &address));
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            let unhurried = path.ends_with("/events") || path.starts_with("/v1/blobs/");
            let response = match unhurried {
                true => next.run(request).await,
                false => match tokio::time::timeout(PATIENCE, next.run(request)).await {
                    Ok(response) => response,
                    Err(_) => Fault::unavailable("the request took too long").into_response(),
                },
            };
            if let (Some(key), Some(PanickedOver)) = (key, response.extensions().get()) {
                let now = Instant::now();
                app.limits.block(&key, now + AFTER_A_PANIC, now);
            }
            (id, response)
        }
        Err(fault) => (None, fault.into_response()),
    };
    let status = response.status();
    app.metrics.count(&method, &path, status);
    let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let caller = caller.as_deref().unwrap_or("-");
    if status.is_server_error() {
        tracing::warn!(%method, path, status = status.as_u16(), ms, caller, "request");
    } else {
        tracing::debug!(%method, path, status = status.as_u16(), ms, caller, "request");
    }
    response
}

/// Bytes of a request's head, about as it was sent.
fn head_bytes(request: &Request) -> usize {
    let line = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + ": \r\n".len();
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    target + request.headers().iter().map(line).sum::<usize>()
}

fn admit(app: &App, request: &Request, method: &Method, path: &str, address: &str) -> Result<Option<Caller>, Fault> {
    let now = Instant::now();
    // The connection's buffer bounds memory; it takes somewhat more than this before it is full.
    if head_bytes(request) > HEAD_BYTES_MAX {
        return Err(Fault::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head-too-large",
            "More bytes than are taken",
            format!("a request's head may have {} KiB", HEAD_BYTES_MAX >> 10),
        ));
    }
    let limit = |caller: &str, kind| {
        app.limits.take(caller, kind, 1, now).map_err(|seconds| {
            Fault::new(
                StatusCode::TOO_MANY_REQUESTS,
                "rate",
                "Too many requests",
                format!("come again in {seconds} seconds"),
            )
            .retry_after(seconds)
        })
    };
    let door = door(path);
    // The bytes of a blob are taken by any server: they change nothing that the log tells.
    let brings = method == Method::PUT && path == "/v1/blobs/{digest}";
    let changes = !method.is_safe() && !brings && !matches!(path, "/login" | "/logout");
    if changes && let Err(error) = app.engine.writes() {
        // What comes through its own page is told so as well.
        limit(address, Kind::Open)?;
        return Err(error.into());
    }
    if door == Door::Open {
        limit(address, Kind::Open)?;
        return Ok(None);
    }
    let secret = bearer(request.headers());
    let found = match (secret, door) {
        (Some(secret), _) => app.tokens.find(secret),
        (None, Door::Page) => cookie(request.headers()).and_then(|cookie| of_session(app, cookie, now)),
        (None, _) => None,
    };
    let Some(caller) = found else {
        limit(address, Kind::Open)?;
        return match (door, secret) {
            // The page shows its form instead.
            (Door::Page, _) if !path.starts_with("/page/") => Ok(None),
            (Door::Page, None) => Err(Fault::unauthorized("there is no such session: log in")),
            (_, None) => Err(Fault::unauthorized("the request has no header Authorization: Bearer TOKEN")),
            // The leader may have issued it a moment ago.
            (_, Some(_)) if !app.engine.is_sure() => Err(app.engine.not_sure().into()),
            (_, Some(secret)) => Err(app.tokens.unknown(secret)),
        };
    };
    let kind = kind(method, path);
    let key = key(&caller, kind, address);
    if let Some(seconds) = app.limits.blocked_for(&key, now) {
        return Err(Fault::new(
            StatusCode::TOO_MANY_REQUESTS,
            "blocked",
            "A request of this caller made the server fail",
            format!("the operator finds it in the log; come again in {seconds} seconds"),
        )
        .retry_after(seconds));
    }
    limit(&key, kind)?;
    Ok(Some(caller))
}
