//! What hosts say, and what people ask about them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as Message;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use protocol::http::{
    AGENT, BanHost, Heartbeat, HostView, IssueToken, LeaveNotice, Listed, Orders, PROTOCOL, Problem, RegisterHost, Registered,
    Scope,
};
use protocol::{HostId, Version};
use serde::Deserialize;

use super::{PAGE, Pace, stream};
use crate::app::App;
use crate::auth::{Caller, SHARED_SUBJECT};
use crate::extract::{Ask, At, Body, idempotency};
use crate::peer::{self, Peer};
use crate::problem::{Answer, Fault};
use crate::signatures::refused;
use scheduler::{Core, Event, Origin, Reply};

/// Where a list goes on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// `next` of the page before.
    cursor: Option<u64>,
}

type From = Option<Extension<Peer>>;

fn heartbeat_s(core: &Core) -> u64 {
    core.config().heartbeat_ms / 1000
}

/// Addresses are told apart, not kept.
fn address(peer: &From) -> u64 {
    peer.as_ref().map_or(0, |Extension(peer)| peer::digest(peer.ip))
}

fn network(peer: &From) -> u64 {
    peer.as_ref().map_or(0, |Extension(peer)| peer::network(peer.ip))
}

/// Why an agent gets no new work, where it is older than the operator asks for. One that does not say its version is let be.
fn too_old(app: &App, headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?.strip_prefix(AGENT)?;
    outdated(app, agent)
}

/// Why a host gets no new work; what it has it brings home.
async fn no_new_work(app: &App, headers: &HeaderMap, host: HostId) -> Option<String> {
    if let Some(why) = too_old(app, headers) {
        return Some(why);
    }
    let refusal = app.signatures.why_not_without_key()?;
    app.engine.core().await.key(host).is_none().then(|| refusal.to_string())
}

fn outdated(app: &App, agent: &str) -> Option<String> {
    let needed = app.min_agent?;
    let version: Version = agent.split(' ').next()?.parse().ok()?;
    (version < needed).then(|| format!("its agent is {version}, and {needed} or newer is required"))
}

/// Tells the scheduler what a host says; the answer is all that the host should be doing after it.
async fn orders_after(app: &App, host: HostId, event: Event) -> Answer<Json<Orders>> {
    let identity = Arc::clone(&app.engine.identity);
    let orders = app
        .engine
        .apply_then(event, None, move |_, core| identity.orders(core, host))
        .await?;
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
    caller.enrols(app.enrolment, caller.enrolled)?;
    if let Some(why) = outdated(&app, &body.version) {
        let title = "A newer agent is required";
        return Err(Fault::new(
            StatusCode::UPGRADE_REQUIRED,
            "agent-version",
            title,
            format!("this host cannot enrol: {why}"),
        )
        .field("version"));
    }
    check_role(&caller, body.referee)?;
    if let (None, Some(refusal)) = (body.key, app.signatures.why_not_without_key()) {
        return Err(refused("key", &refusal));
    }
    // An invitation enrols one host also when it is shown twice at the same time.
    let _alone = match caller.invitation {
        true => Some(app.begin(&format!("invitation {}", caller.id))?),
        false => None,
    };
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
    // As it is now that no other request uses it.
    let caller = app.tokens.named(&caller.id).unwrap_or(caller);
    caller.enrols(app.enrolment, known)?;
    let (host, heartbeat_s) = match known {
        Some(host) => (host, heartbeat_s(&*app.engine.core().await)),
        None => {
            let event = Event::Register {
                host: None,
                body,
                address: address(&peer),
                origin: Origin {
                    subject: (caller.subject != SHARED_SUBJECT).then(|| caller.subject.clone()),
                    network: network(&peer),
                    referee: caller.scope == Scope::Referee,
                },
            };
            let look = |reply, core: &Core| (reply, heartbeat_s(core));
            match app.engine.apply_then(event, remember, look).await? {
                (Reply::Host(host), heartbeat_s) => (host, heartbeat_s),
                (other, _) => return Err(Fault::unavailable(format!("unexpected {other:?}"))),
            }
        }
    };
    if caller.invitation {
        app.tokens.use_up(&caller.id, host).await?;
    }
    let now_ms = app.engine.now_ms();
    let own = IssueToken {
        scope: Scope::Host,
        subject: format!("host-{host}"),
        invitation: false,
    };
    let (_, token) = app.tokens.issue(&own, Some(host), now_ms).await?;
    let token = Some(token);
    let identity = &app.engine.identity;
    Ok((
        StatusCode::CREATED,
        Json(Registered {
            host,
            token,
            heartbeat_s,
            protocol: PROTOCOL,
            server: identity.server.clone(),
            life: identity.life,
        }),
    ))
}

/// A referee is one by its token, and says so: neither alone makes one.
fn check_role(caller: &Caller, referee: bool) -> Answer<()> {
    match (caller.scope == Scope::Referee, referee) {
        (true, false) => Err(Fault::forbidden(format!(
            "the token of {} enrols referees, and this host would be none: start the worker with --referee, or give it a host's token",
            caller.subject
        ))),
        (false, true) => Err(Fault::forbidden(format!(
            "a referee enrols with a token of scope referee (baton token new referee SUBJECT); this one has scope {}",
            caller.scope.as_str()
        ))),
        _ => Ok(()),
    }
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
    let is_referee = app.engine.core().await.is_referee(host)?;
    if body.referee != is_referee {
        let (was, is) = if is_referee {
            ("a referee", "none")
        } else {
            ("no referee", "one")
        };
        return Err(Fault::forbidden(format!(
            "host {host} enrolled as {was} and would be {is} now: enrol it anew, with a state folder of its own"
        )));
    }
    let event = Event::Register {
        host: Some(host),
        body,
        address: address(&peer),
        origin: Origin {
            subject: None,
            network: network(&peer),
            referee: false,
        },
    };
    let heartbeat_s = app.engine.apply_then(event, None, |_, core| heartbeat_s(core)).await?;
    Ok(Json(Registered {
        host,
        token: None,
        heartbeat_s,
        protocol: PROTOCOL,
        server: app.engine.identity.server.clone(),
        life: app.engine.identity.life,
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
    if caller.speaks_for(host).is_ok() {
        return Ok(Json(app.engine.core().await.host_for_itself(host)?));
    }
    caller.scientist()?;
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
    headers: HeaderMap,
    Body(mut beat): Body<Heartbeat>,
) -> Answer<Json<Orders>> {
    caller.speaks_for(host)?;
    if let Some(why) = no_new_work(&app, &headers, host).await {
        (beat.accepting, beat.why) = (false, Some(why));
    }
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
pub async fn take(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(host): At<HostId>,
    headers: HeaderMap,
) -> Answer<Json<Orders>> {
    caller.speaks_for(host)?;
    if no_new_work(&app, &headers, host).await.is_some() {
        // What it has goes on; it is given no more.
        return Ok(Json(app.engine.identity.orders(&*app.engine.core().await, host)?));
    }
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
    let (stop, listening) = (app.stop.clone(), app.listen(&caller)?);
    let look = move || -> futures_util::future::BoxFuture<'static, Option<Message>> {
        let app = Arc::clone(&app);
        Box::pin(async move {
            let orders = app.engine.identity.orders(&*app.engine.core().await, host).ok()?;
            let message = Message::default().event("orders").id(orders.sequence.to_string());
            message.json_data(&orders).ok()
        })
    };
    Ok(stream(changes, stop, listening, Pace::AT_ONCE, look).into_response())
}

/// Tells the scheduler what an operator decides about a host, with the operator's subject; the answer is the host as it is then.
async fn decide(app: &App, caller: Caller, host: HostId, event: impl FnOnce(String) -> Event) -> Answer<Json<HostView>> {
    caller.operator()?;
    let event = event(caller.subject);
    Ok(Json(
        app.engine.apply_then(event, None, move |_, core| core.host(host)).await??,
    ))
}

/// Bans a host: its leases end at once, its stream with them, and what it sends is refused.
#[utoipa::path(post, path = "/v1/hosts/{host}/ban", tag = "operator", params(("host" = u64, Path)), request_body = BanHost,
    responses((status = 200, body = HostView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn ban(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(host): At<HostId>,
    Body(BanHost { reason }): Body<BanHost>,
) -> Answer<Json<HostView>> {
    decide(&app, caller, host, |by| Event::Ban { host, reason, by }).await
}

/// Takes a ban back.
#[utoipa::path(delete, path = "/v1/hosts/{host}/ban", tag = "operator", params(("host" = u64, Path)),
    responses((status = 200, body = HostView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn unban(State(app): State<Arc<App>>, caller: Caller, At(host): At<HostId>) -> Answer<Json<HostView>> {
    decide(&app, caller, host, |by| Event::Unban { host, by }).await
}

/// Gives a host no more work: what it has leaves it at the next boundary.
#[utoipa::path(post, path = "/v1/hosts/{host}/drain", tag = "operator", params(("host" = u64, Path)), request_body = BanHost,
    responses((status = 200, body = HostView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn drain(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(host): At<HostId>,
    Body(BanHost { reason }): Body<BanHost>,
) -> Answer<Json<HostView>> {
    decide(&app, caller, host, |by| Event::Drain { host, reason, by }).await
}

/// Forgives a host the wrong results that checks found, or lets one that was drained have work again.
#[utoipa::path(post, path = "/v1/hosts/{host}/forgive", tag = "operator", params(("host" = u64, Path)),
    responses((status = 200, body = HostView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn forgive(State(app): State<Arc<App>>, caller: Caller, At(host): At<HostId>) -> Answer<Json<HostView>> {
    decide(&app, caller, host, |by| Event::Forgive { host, by }).await
}
