//! Routes for operators: tokens, readiness, health and Prometheus metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::http::{IssueToken, IssuedToken, Listed, Problem, ServerView, TokenView};

use crate::app::App;
use crate::auth::{Caller, is_wanted};
use crate::engine::{EngineError, Role};
use crate::extract::{At, Body};
use crate::problem::{Answer, Fault};
use scheduler::{Event, Refusal};

/// For the store's answer to whether the server is ready.
const READY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Issues a token. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", tag = "operator", request_body = IssueToken,
    responses((status = 201, body = IssuedToken), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn issue(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<IssueToken>,
) -> Answer<(StatusCode, Json<IssuedToken>)> {
    caller.operator()?;
    is_wanted(&wanted).map_err(|(field, expected)| Fault::invalid(field, expected))?;
    let now_ms = app.engine.now_ms();
    let (row, token) = app.tokens.issue(&wanted, None, now_ms).await?;
    Ok((StatusCode::CREATED, Json(IssuedToken { id: row.id, token })))
}

/// All tokens, without their secrets.
#[utoipa::path(get, path = "/v1/tokens", tag = "operator",
    responses((status = 200, body = Listed<TokenView>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Answer<Json<Listed<TokenView>>> {
    caller.operator()?;
    let items = app.tokens.list().iter().map(crate::store::TokenRow::view).collect();
    Ok(Json(Listed { items, next: None }))
}

/// Revokes a token: its streams end, and the leases of a host that has no other.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "operator", params(("id" = String, Path)),
    responses((status = 200, body = TokenView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn revoke(State(app): State<Arc<App>>, caller: Caller, At(id): At<String>) -> Answer<Json<TokenView>> {
    caller.operator()?;
    let row = app.tokens.revoke(&id, app.engine.now_ms()).await?;
    if let Some(host) = row.host.filter(|host| !app.tokens.speak_for(*host)) {
        match app.engine.apply(Event::Revoked { host }).await {
            // In a restored state the host may be missing.
            Ok(_) | Err(EngineError::Refused(Refusal::NoHost(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(row.view()))
}

/// Which server this is, whatever the URL under which it is reached.
#[utoipa::path(get, path = "/v1/server", tag = "operator", responses((status = 200, body = ServerView)))]
pub async fn server(State(app): State<Arc<App>>) -> Json<ServerView> {
    let view = app.engine.identity.view();
    Json(match app.engine.role() {
        Role::Leader => view,
        Role::Standby { leader, seen } => ServerView {
            behind_ms: Some(ms(seen.elapsed())),
            leader,
            ..view
        },
    })
}

fn ms(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A standby whose leader's log it could not read for so long is not ready.
const BEHIND_MAX: std::time::Duration = std::time::Duration::from_secs(10);

/// Whether the server can do its work now: the store answers in time and is this server's to write, or its leader's log is followed.
#[utoipa::path(get, path = "/readyz", tag = "operator", responses((status = 200, content_type = "text/plain"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub async fn ready(State(app): State<Arc<App>>) -> Answer<&'static str> {
    if app.engine.role().behind().is_some_and(|behind| behind > BEHIND_MAX) {
        return Err(Fault::unavailable("the leader's log cannot be followed: see the log"));
    }
    match tokio::time::timeout(READY_PATIENCE, app.engine.ready()).await {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            Err(Fault::unavailable("the store cannot be read or written: see the log"))
        }
        Err(_) => Err(Fault::unavailable("the store does not answer in time")),
    }
}

/// Whether the server answers at all, whatever it depends on.
#[utoipa::path(get, path = "/healthz", tag = "operator", responses((status = 200, content_type = "text/plain")))]
pub async fn health() -> &'static str {
    "ok\n"
}

/// Numbers for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operator", responses((status = 200, content_type = "text/plain")))]
pub async fn metrics(State(app): State<Arc<App>>) -> String {
    let counts = app.engine.core().await.counts();
    let events = app.engine.taken.load(std::sync::atomic::Ordering::Relaxed);
    app.metrics.text(&counts, events, app.engine.role().behind())
}
