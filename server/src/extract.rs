//! What handlers take from a request, with problem documents where it does not fit.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use protocol::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Fault};

/// A JSON body.
pub struct Body<T>(pub T);

/// What stands in the path.
pub struct At<T>(pub T);

/// What stands in the query.
pub struct Ask<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &Arc<App>) -> Result<Self, Fault> {
        let Json(value) = Json::<T>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for At<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<App>) -> Result<Self, Fault> {
        let Path(value) = Path::<T>::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Ask<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<App>) -> Result<Self, Fault> {
        let Query(value) = Query::<T>::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &Arc<App>) -> Result<Self, Fault> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Fault::unauthorized("this route needs a token"))
    }
}

/// The name under which the answer to a request is remembered, and the digest of its body; none without an `Idempotency-Key`.
///
/// # Errors
/// A key that is none.
pub fn idempotency<T: Serialize>(
    headers: &HeaderMap,
    caller: &Caller,
    route: &str,
    body: &T,
) -> Answer<Option<(String, String)>> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key.to_str().unwrap_or("");
    if key.is_empty() || key.len() > 200 {
        return Err(Fault::invalid(
            "Idempotency-Key",
            "expected 1 to 200 visible ASCII characters",
        ));
    }
    let bytes = serde_json::to_vec(body).map_err(|error| Fault::invalid("body", error.to_string()))?;
    Ok(Some((format!("{} {route} {key}", caller.id), Digest::of(&bytes).to_string())))
}
