//! Hardware classes: how present each is, and the end of a quarantine.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::http::Problem;
use protocol::http::job::ClassPresence;
use protocol::{Digest, HardwareClass, Tier};

use crate::app::App;
use crate::auth::Caller;
use crate::extract::At;
use crate::problem::Answer;
use scheduler::Event;

/// Every hardware class that was ever seen: devices, those online, jobs that wait for it, and why its devices have no work.
#[utoipa::path(get, path = "/v1/classes", tag = "hosts",
    responses((status = 200, body = Vec<ClassPresence>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<Arc<App>>, _caller: Caller) -> Answer<Json<Vec<ClassPresence>>> {
    Ok(Json(app.engine.core().await.classes()))
}

/// Ends the quarantine of a class: its devices have work again, and what is known against it is forgotten. 409 when it is not quarantined.
#[utoipa::path(post, path = "/v1/classes/{tier}/{key}/forgive", tag = "operator", params(("tier" = Tier, Path), ("key" = String, Path)),
    responses((status = 200, body = ClassPresence), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn forgive(
    State(app): State<Arc<App>>,
    caller: Caller,
    At((tier, key)): At<(Tier, Digest)>,
) -> Answer<Json<ClassPresence>> {
    caller.operator()?;
    let class = HardwareClass { tier, key };
    let event = Event::ForgiveClass {
        class,
        by: caller.subject,
    };
    let look = move |_, core: &scheduler::Core| core.class_presence(class);
    Ok(Json(app.engine.apply_then(event, None, look).await?))
}
