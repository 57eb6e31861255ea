//! Routes for operators: tokens, readiness, health and Prometheus metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::http::{IssueToken, IssuedToken, Listed, Problem, Scope, ServerView, TokenView};

use crate::app::App;
use crate::auth::Caller;
use crate::engine::EngineError;
use crate::extract::{At, Body};
use crate::problem::{Answer, Fault};
use scheduler::{Event, Refusal};

/// For the store's answer to whether the server is ready.
const READY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// Whether a name can hold a token.
pub fn is_subject(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

/// Issues a token. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", tag = "operator", request_body = IssueToken,
    responses((status = 201, body = IssuedToken), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn issue(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wanted): Body<IssueToken>,
) -> Answer<(StatusCode, Json<IssuedToken>)> {
    caller.operator()?;
    // Hosts are named by the server.
    if !is_subject(&wanted.subject) || wanted.scope != Scope::Host && wanted.subject.starts_with("host-") {
        return Err(Fault::invalid(
            "subject",
            "expected 1 to 64 of a-z 0-9 . _ - and not beginning with host-",
        ));
    }
    if wanted.invitation && wanted.scope != Scope::Host {
        return Err(Fault::invalid("invitation", "an invitation enrols a host: its scope is host"));
    }
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
    Json(app.engine.identity.view())
}

/// Whether the server can do its work now: the store answers in time and is this server's to write.
#[utoipa::path(get, path = "/readyz", tag = "operator", responses((status = 200, content_type = "text/plain"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub async fn ready(State(app): State<Arc<App>>) -> Answer<&'static str> {
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
    app.metrics.text(&counts, events)
}
