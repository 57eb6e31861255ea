//! Routes for operators: tokens, readiness, health and Prometheus metrics.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::http::{AuditView, IssueToken, IssuedToken, Listed, Problem, ServerView, TokenView};

use super::PAGE;
use crate::app::App;
use crate::audit::Audited;
use crate::auth::{Caller, is_wanted};
use crate::engine::{EngineError, Role};
use crate::extract::{Ask, At, Body};
use crate::problem::{Answer, Fault};
use scheduler::{Event, Refusal};
use serde::Deserialize;

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
    let object = format!("{} {}", wanted.scope.as_str(), wanted.subject);
    let detail = if wanted.invitation { "an invitation" } else { "" };
    let audited = Audited::of_service(now_ms, &caller.subject, "token", object, detail.to_owned());
    app.engine.store.put_audit(audited).await?;
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
    let now_ms = app.engine.now_ms();
    let known = app.tokens.list().into_iter().find(|token| token.id == id);
    if let Some(token) = known {
        let holder = format!("{} {}", token.scope.as_str(), token.subject);
        let audited = Audited::of_service(now_ms, &caller.subject, "revoke", format!("token {id}"), holder);
        app.engine.store.put_audit(audited).await?;
    }
    let row = app.tokens.revoke(&id, now_ms).await?;
    if let Some(host) = row.host.filter(|host| !app.tokens.speak_for(*host)) {
        match app.engine.apply(Event::Revoked { host }).await {
            // In a restored state the host may be missing.
            Ok(_) | Err(EngineError::Refused(Refusal::NoHost(_))) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(row.view()))
}

/// Query of a list of actions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Who did what, the newest first: submissions and what was done to jobs, bans, drains, pardons, tokens, keys. Of each kind the last 100,000 are kept.
#[utoipa::path(get, path = "/v1/audit", tag = "operator", params(Before),
    responses((status = 200, body = Listed<AuditView>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn audit(State(app): State<Arc<App>>, caller: Caller, Ask(before): Ask<Before>) -> Answer<Json<Listed<AuditView>>> {
    caller.operator()?;
    let before = match &before.cursor {
        None => (i64::MAX as u64, String::new()),
        Some(text) => {
            let parts = text
                .split_once(' ')
                .and_then(|(at_ms, key)| Some((at_ms.parse().ok()?, key.to_owned())));
            parts.ok_or_else(|| Fault::invalid("cursor", "expected `next` of the page before"))?
        }
    };
    let found = app.engine.store.audit(before, PAGE as u32).await?;
    let full = found.len() == PAGE;
    let next = found
        .last()
        .filter(|_| full)
        .map(|last| format!("{} {}", last.at_ms, last.key));
    let items = found.into_iter().map(Audited::view).collect();
    Ok(Json(Listed { items, next }))
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
