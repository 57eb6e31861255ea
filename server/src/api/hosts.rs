//! What hosts say, and what people ask about them.

use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as Message;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use protocol::http::job::ClassPresence;
use protocol::http::{Heartbeat, HostView, LeaveNotice, Listed, Orders, PROTOCOL, Problem, RegisterHost, Registered, Scope};
use protocol::{Digest, HostId};
use serde::Deserialize;

use super::{PAGE, Pace, stream};
use crate::app::App;
use crate::auth::Caller;
use crate::extract::{Ask, At, Body, idempotency};
use crate::guard::Peer;
use crate::problem::{Answer, Fault};
use scheduler::{Core, Event, Reply};

/// Where a list goes on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// `next` of the page before.
    cursor: Option<u64>,
}

type From = Option<Extension<ConnectInfo<Peer>>>;

fn heartbeat_s(core: &Core) -> u64 {
    core.config().heartbeat_ms / 1000
}

/// Addresses are told apart, not kept.
fn address(peer: &From) -> u64 {
    let text = peer
        .as_ref()
        .map_or_else(String::new, |Extension(ConnectInfo(peer))| peer.0.ip().to_string());
    let digest = Digest::of(text.as_bytes());
    digest.0[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Tells the scheduler what a host says; the answer is all that the host should be doing after it.
async fn orders_after(app: &App, host: HostId, event: Event) -> Answer<Json<Orders>> {
    let orders = app.engine.apply_then(event, None, move |_, core| core.orders(host)).await?;
    Ok(Json(orders?))
}

/// Registers a host, with an enrolment token. The answer has the host's own token, for everything else.
#[utoipa::path(post, path = "/v1/hosts", tag = "hosts", request_body = RegisterHost,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key gives the same host, with a new token")),
    responses((status = 201, body = Registered), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn register(
    State(app): State<Arc<App>>,
    caller: Caller,
    peer: From,
    headers: HeaderMap,
    Body(body): Body<RegisterHost>,
) -> Answer<(StatusCode, Json<Registered>)> {
    caller.enrols()?;
    let remember = idempotency(&headers, &caller, "register", &body)?;
    let mut known = None;
    let _pending = match &remember {
        None => None,
        Some((name, request)) => {
            let pending = app.begin(name)?;
            if let Some(answer) = app.engine.store.answer(name.clone()).await? {
                if answer.request != *request {
                    return Err(Fault::invalid("Idempotency-Key", "it was used before for another host"));
                }
                known = Some(HostId(answer.number));
            }
            Some(pending)
        }
    };
    let (host, heartbeat_s) = match known {
        Some(host) => (host, heartbeat_s(&*app.engine.core().await)),
        None => {
            let event = Event::Register {
                host: None,
                body,
                address: address(&peer),
            };
            let look = |reply, core: &Core| (reply, heartbeat_s(core));
            match app.engine.apply_then(event, remember, look).await? {
                (Reply::Host(host), heartbeat_s) => (host, heartbeat_s),
                (other, _) => return Err(Fault::unavailable(format!("unexpected {other:?}"))),
            }
        }
    };
    let now_ms = app.engine.now_ms();
    let (_, token) = app
        .tokens
        .issue(Scope::Host, &format!("host-{host}"), Some(host), now_ms)
        .await?;
    let token = Some(token);
    Ok((
        StatusCode::CREATED,
        Json(Registered {
            host,
            token,
            heartbeat_s,
            protocol: PROTOCOL,
            server: String::new(),
            life: 0,
        }),
    ))
}

/// Registers a host again: devices came or went, or were measured anew.
#[utoipa::path(put, path = "/v1/hosts/{host}", tag = "hosts", params(("host" = u64, Path)), request_body = RegisterHost,
    responses((status = 200, body = Registered), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn reregister(
    State(app): State<Arc<App>>,
    caller: Caller,
    peer: From,
    At(host): At<HostId>,
    Body(body): Body<RegisterHost>,
) -> Answer<Json<Registered>> {
    caller.speaks_for(host)?;
    let event = Event::Register {
        host: Some(host),
        body,
        address: address(&peer),
    };
    let heartbeat_s = app.engine.apply_then(event, None, |_, core| heartbeat_s(core)).await?;
    Ok(Json(Registered {
        host,
        token: None,
        heartbeat_s,
        protocol: PROTOCOL,
        server: String::new(),
        life: 0,
    }))
}

/// All hosts, in the order of their numbers.
#[utoipa::path(get, path = "/v1/hosts", tag = "hosts", params(Cursor),
    responses((status = 200, body = Listed<HostView>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, Ask(cursor): Ask<Cursor>) -> Answer<Json<Listed<HostView>>> {
    caller.scientist()?;
    let (items, next) = app.engine.core().await.hosts(HostId(cursor.cursor.unwrap_or(0)), PAGE);
    let next = next.map(|host| host.to_string());
    Ok(Json(Listed { items, next }))
}

/// All that is kept about a host.
#[utoipa::path(get, path = "/v1/hosts/{host}", tag = "hosts", params(("host" = u64, Path)),
    responses((status = 200, body = HostView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(app): State<Arc<App>>, caller: Caller, At(host): At<HostId>) -> Answer<Json<HostView>> {
    if caller.speaks_for(host).is_err() {
        caller.scientist()?;
    }
    Ok(Json(app.engine.core().await.host(host)?))
}

/// A host reports; the answer is all that it should be doing.
#[utoipa::path(post, path = "/v1/hosts/{host}/heartbeat", tag = "hosts", params(("host" = u64, Path)), request_body = Heartbeat,
    responses((status = 200, body = Orders), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn heartbeat(
    State(app): State<Arc<App>>,
    caller: Caller,
    peer: From,
    At(host): At<HostId>,
    Body(beat): Body<Heartbeat>,
) -> Answer<Json<Orders>> {
    caller.speaks_for(host)?;
    let event = Event::Heartbeat {
        host,
        beat,
        address: address(&peer),
    };
    orders_after(&app, host, event).await
}

/// A host takes all that it is offered.
#[utoipa::path(post, path = "/v1/hosts/{host}/leases", tag = "hosts", params(("host" = u64, Path)),
    responses((status = 200, body = Orders), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn take(State(app): State<Arc<App>>, caller: Caller, At(host): At<HostId>) -> Answer<Json<Orders>> {
    caller.speaks_for(host)?;
    orders_after(&app, host, Event::Take { host }).await
}

/// A host announces that it leaves: its jobs migrate first.
#[utoipa::path(post, path = "/v1/hosts/{host}/departure", tag = "hosts", params(("host" = u64, Path)), request_body = LeaveNotice,
    responses((status = 200, body = Orders), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn leave(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(host): At<HostId>,
    Body(notice): Body<LeaveNotice>,
) -> Answer<Json<Orders>> {
    caller.speaks_for(host)?;
    orders_after(&app, host, Event::Leave { host, notice }).await
}

/// A host stays after all.
#[utoipa::path(delete, path = "/v1/hosts/{host}/departure", tag = "hosts", params(("host" = u64, Path)),
    responses((status = 200, body = Orders), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn stay(State(app): State<Arc<App>>, caller: Caller, At(host): At<HostId>) -> Answer<Json<Orders>> {
    caller.speaks_for(host)?;
    orders_after(&app, host, Event::Return { host }).await
}

/// All that a host should be doing, at once whenever it changes (SSE: events `orders` with Orders each).
#[utoipa::path(get, path = "/v1/hosts/{host}/events", tag = "hosts", params(("host" = u64, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn events(State(app): State<Arc<App>>, caller: Caller, At(host): At<HostId>) -> Answer<Response> {
    caller.speaks_for(host)?;
    app.engine.core().await.orders(host)?;
    let changes = app.engine.watch_host(host);
    let (stop, listening) = (app.stop.clone(), app.listen(&caller.id)?);
    let look = move || -> futures_util::future::BoxFuture<'static, Option<Message>> {
        let app = Arc::clone(&app);
        Box::pin(async move {
            let orders = app.engine.core().await.orders(host).ok()?;
            let message = Message::default().event("orders").id(orders.sequence.to_string());
            message.json_data(&orders).ok()
        })
    };
    Ok(stream(changes, stop, listening, Pace::AT_ONCE, look).into_response())
}

/// Every hardware class that was ever seen: devices, those online, jobs that wait for it.
#[utoipa::path(get, path = "/v1/classes", tag = "hosts",
    responses((status = 200, body = Vec<ClassPresence>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn classes(State(app): State<Arc<App>>, _caller: Caller) -> Answer<Json<Vec<ClassPresence>>> {
    Ok(Json(app.engine.core().await.classes()))
}
