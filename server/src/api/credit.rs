//! Credit by subject: verified segments and what they cost on the reference device.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::http::{CreditView, Listed, Problem};
use serde::Deserialize;

use super::PAGE;
use crate::app::App;
use crate::auth::Caller;
use crate::extract::Ask;
use crate::problem::Answer;

/// Where a list goes on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// `next` of the page before: how many subjects come before this page.
    cursor: Option<usize>,
}

/// Verified work by subject, the most first.
#[utoipa::path(get, path = "/v1/credit", tag = "hosts", params(Skipped),
    responses((status = 200, body = Listed<CreditView>), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn list(State(app): State<Arc<App>>, caller: Caller, Ask(skipped): Ask<Skipped>) -> Answer<Json<Listed<CreditView>>> {
    caller.scientist()?;
    let rows = app.engine.core().await.credits(false);
    let begin = skipped.cursor.unwrap_or(0).min(rows.len());
    let end = begin.saturating_add(PAGE).min(rows.len());
    let next = (end < rows.len()).then(|| end.to_string());
    let items = rows.into_iter().skip(begin).take(PAGE).collect();
    Ok(Json(Listed { items, next }))
}
