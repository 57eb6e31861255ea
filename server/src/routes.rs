//! Every route there is, with the size of body that it takes. Who may call it stands in the handler's first line; how often, in [`crate::guard`].

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{admin, attempts, blobs, classes, credit, hosts, jobs, signed};
use crate::app::App;
use crate::guard::guard;
use crate::page;
use crate::problem::Fault;

/// Bytes of an ordinary JSON body.
pub const BODY_BYTES_MAX: usize = 256 << 10;
/// Bytes of a commit: 4096 chain entries.
pub const COMMIT_BYTES_MAX: usize = 4 << 20;
/// Bytes of a key list: 4096 keys.
pub const LIST_BYTES_MAX: usize = 2 << 20;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

#[derive(OpenApi)]
#[openapi(info(title = "Baton", description = "Time-sharing over HTTP: jobs move between machines without losing a bit."),
    modifiers(&Bearer), security(("bearer" = [])))]
struct Document;

fn described() -> OpenApiRouter<Arc<App>> {
    let ordinary = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(admin::health))
        .routes(routes!(admin::server))
        .routes(routes!(admin::ready))
        .routes(routes!(admin::metrics))
        .routes(routes!(admin::issue, admin::list))
        .routes(routes!(admin::revoke))
        .routes(routes!(admin::audit))
        .routes(routes!(jobs::submit, jobs::list))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::why))
        .routes(routes!(jobs::summary))
        .routes(routes!(jobs::chain))
        .routes(routes!(jobs::hold))
        .routes(routes!(jobs::release))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::prioritize))
        .routes(routes!(jobs::events))
        .routes(routes!(hosts::register, hosts::list))
        .routes(routes!(hosts::reregister, hosts::show))
        .routes(routes!(hosts::heartbeat))
        .routes(routes!(hosts::take))
        .routes(routes!(hosts::leave, hosts::stay))
        .routes(routes!(hosts::events))
        .routes(routes!(hosts::ban, hosts::unban))
        .routes(routes!(hosts::drain))
        .routes(routes!(hosts::forgive))
        .routes(routes!(classes::list))
        .routes(routes!(classes::forgive))
        .routes(routes!(credit::list))
        .routes(routes!(attempts::end))
        .routes(routes!(signed::proof))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
    let commits = OpenApiRouter::new()
        .routes(routes!(attempts::commit))
        .layer(DefaultBodyLimit::max(COMMIT_BYTES_MAX));
    let lists = OpenApiRouter::new()
        .routes(routes!(signed::keys, signed::publish))
        .layer(DefaultBodyLimit::max(LIST_BYTES_MAX));
    // Blobs are streamed, and counted as they come.
    let blobs = OpenApiRouter::new()
        .routes(routes!(blobs::put, blobs::get))
        .routes(routes!(blobs::upload))
        .layer(DefaultBodyLimit::disable());
    ordinary.merge(commits).merge(lists).merge(blobs)
}

/// The document at `/v1/openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

/// The whole service.
pub fn router(app: Arc<App>) -> Router {
    let (described, document) = described().split_for_parts();
    let document = Arc::new(document);
    let name = HeaderValue::from_str(&app.engine.identity.server).unwrap_or(HeaderValue::from_static(""));
    let min_agent = app
        .min_agent
        .and_then(|version| HeaderValue::from_str(&version.to_string()).ok());
    let engine = Arc::clone(&app.engine);
    let pages = Router::new()
        .route(
            "/v1/openapi.json",
            get(move || async move { Json(document.as_ref().clone()) }),
        )
        .route("/", get(page::jobs))
        .route("/hosts", get(page::hosts))
        .route("/credit", get(page::credit))
        .route("/jobs/{job}", get(page::job))
        .route("/jobs/{job}/frame", get(page::frame))
        .route("/jobs/{job}/act", axum::routing::post(page::act))
        .route("/hosts/{host}", get(page::host))
        .route("/hosts/{host}/act", axum::routing::post(page::act_on_host))
        .route("/page/events", get(page::events))
        .route("/page/session", get(page::session))
        .route("/page.css", get(page::css))
        .route("/page.js", get(page::script))
        .route("/frame.js", get(page::frame_script))
        .route("/login", axum::routing::post(page::login))
        .route("/logout", axum::routing::post(page::logout))
        .layer(DefaultBodyLimit::max(4096));
    described
        .merge(pages)
        .method_not_allowed_fallback(|| async {
            Fault::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "This path has no such method",
                "see /v1/openapi.json",
            )
        })
        .route_layer(middleware::from_fn_with_state(Arc::clone(&app), guard))
        .fallback(|State(_): State<Arc<App>>| async { Fault::not_found("no such path: see /v1/openapi.json") })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a handler failed");
            Fault::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The server made a mistake",
                "it is in the server's log",
            )
            .into_response()
        }))
        // Also on what is refused: by it a worker knows that its own server answers.
        .layer(middleware::map_response(move |mut response: Response| {
            response.headers_mut().insert(protocol::http::SERVER_ID, name.clone());
            let version = HeaderValue::from_static(env!("CARGO_PKG_VERSION"));
            response.headers_mut().insert(protocol::http::SERVER_VERSION, version);
            if let Some(version) = &min_agent {
                response.headers_mut().insert(protocol::http::MIN_AGENT, version.clone());
            }
            if let Some(behind) = engine.role().behind() {
                let behind_ms = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
                response.headers_mut().insert(protocol::http::SERVER_BEHIND, behind_ms.into());
            }
            std::future::ready(response)
        }))
        .with_state(app)
}
