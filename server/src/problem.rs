//! Every error as a problem document (RFC 9457), and which error belongs where.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::http::Problem;
use protocol::{CheckpointError, Digest};

use crate::blob::BlobError;
use crate::engine::EngineError;
use crate::store::StoreError;
use scheduler::Refusal;

/// An error on its way to a client.
#[derive(Debug)]
pub struct Fault {
    problem: Box<Problem>,
    retry_after_s: Option<u64>,
    /// The request made the rules panic.
    panicked: bool,
    /// The URL of the server that can do it.
    leader: Option<String>,
}

/// On a response: the request made the rules panic, and its sender waits before the next one.
#[derive(Clone, Copy, Debug)]
pub struct PanickedOver;

/// Result of a handler.
pub type Answer<T> = Result<T, Fault>;

impl Fault {
    /// A problem of a kind: `/problems/{kind}`.
    pub fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem {
                kind: format!("/problems/{kind}"),
                status: status.as_u16(),
                title: title.to_owned(),
                detail: detail.into(),
                field: None,
            }),
            retry_after_s: None,
            panicked: false,
            leader: None,
        }
    }

    /// What is wrong, in a sentence.
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }

    /// Names the field at fault.
    pub fn field(mut self, field: &str) -> Self {
        self.problem.field = Some(field.to_owned());
        self
    }

    /// Says when to come again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds.max(1));
        self
    }

    /// A value of the request that cannot be.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "A value of the request cannot be taken",
            detail,
        )
        .field(field)
    }

    /// No token, or none that counts.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A valid bearer token is needed",
            detail,
        )
    }

    /// A token that may not do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This token may not do this", detail)
    }

    /// Nothing there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// Something outside the request stands against it.
    pub fn conflict(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, "This cannot be done now", detail)
    }

    /// A field names a blob that is not there, or not there any more.
    pub fn missing_blob(field: &str, digest: Digest) -> Self {
        let detail = format!("blob {digest} is not whole: upload it first");
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "missing-blob",
            "A blob has to be uploaded first",
            detail,
        )
        .field(field)
    }

    /// The server cannot do it now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The server cannot do this now",
            detail,
        )
        .retry_after(5)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(*self.problem)).into_response();
        if self.panicked {
            response.extensions_mut().insert(PanickedOver);
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(leader) = self.leader.and_then(|leader| HeaderValue::try_from(leader).ok()) {
            headers.insert(protocol::http::SERVER_LEADER, leader);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NoJob(_) | Refusal::NoHost(_) | Refusal::NoAttempt(_) => Self::not_found(detail),
            Refusal::Over(_) => Self::new(StatusCode::GONE, "attempt-over", "The attempt is over", detail),
            Refusal::StaleEpoch { .. } => Self::conflict("stale-epoch", detail).field("epoch"),
            Refusal::State(_) => Self::conflict("state", detail),
            Refusal::Banned(_) => Self::new(StatusCode::FORBIDDEN, "banned", "The host is banned", detail),
            Refusal::Instance(_) => Self::conflict("instance", detail).field("instance"),
            Refusal::Limit(_) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "limit", "A limit is reached", detail).retry_after(60)
            }
            Refusal::Invalid { field, .. } => Self::invalid(field, detail),
        }
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Panicked => Self {
                panicked: true,
                ..Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "The server made a mistake",
                    format!("{error}; it is in the server's log"),
                )
            },
            EngineError::NotLeader(leader) => {
                let detail = EngineError::NotLeader(leader.clone()).to_string();
                Self {
                    leader,
                    ..Self::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        protocol::http::NOT_LEADER,
                        "Another server leads",
                        detail,
                    )
                }
                .retry_after(1)
            }
            EngineError::Unavailable(_) => {
                tracing::warn!(%error, "request turned away");
                Self::unavailable("what it would answer cannot be kept now; nothing was changed")
            }
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "store");
        Self::unavailable("the store does not answer; nothing was changed")
    }
}

impl From<BlobError> for Fault {
    fn from(error: BlobError) -> Self {
        let detail = error.to_string();
        match error {
            BlobError::Missing(_) => Self::not_found(detail),
            BlobError::Offset { .. } => Self::conflict("offset", detail).field("offset"),
            BlobError::TooLarge { .. } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "More bytes than are taken",
                detail,
            ),
            BlobError::Digest { .. } => Self::invalid("digest", detail),
            BlobError::Busy(_) => Self::conflict("busy", detail).retry_after(1),
            BlobError::Cut(_) => Self::new(StatusCode::BAD_REQUEST, "cut", "The upload was cut", detail),
            BlobError::Crowded => Self::unavailable(detail).retry_after(10),
            BlobError::Away(error) => {
                tracing::error!(%error, "blobs");
                Self::unavailable("the object store does not answer; what arrived before is kept where possible")
            }
            BlobError::Io(error) => {
                tracing::error!(%error, "blobs");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "storage",
                    "The blob cannot be stored now",
                    "the server's disk refused; what arrived before is kept where possible",
                )
                .retry_after(60)
            }
        }
    }
}

impl From<CheckpointError> for Fault {
    fn from(error: CheckpointError) -> Self {
        Self::invalid("checkpoint", error.to_string())
    }
}

impl From<JsonRejection> for Fault {
    fn from(rejection: JsonRejection) -> Self {
        let (kind, title) = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "More bytes than are taken"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media-type", "The body has to be JSON"),
            StatusCode::UNPROCESSABLE_ENTITY => ("invalid", "A value of the request cannot be taken"),
            _ => ("malformed", "The body cannot be read"),
        };
        Self::new(rejection.status(), kind, title, rejection.body_text())
    }
}

impl From<PathRejection> for Fault {
    fn from(rejection: PathRejection) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The path cannot be read",
            rejection.body_text(),
        )
    }
}

impl From<QueryRejection> for Fault {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The query cannot be read",
            rejection.body_text(),
        )
    }
}
