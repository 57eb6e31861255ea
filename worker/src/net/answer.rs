//! Answers: what of them is taken, how much of them is read, and how long is waited for the next bytes.

use std::time::Duration;

use protocol::http::{Problem, SERVER_BEHIND, SERVER_ID, SERVER_LEADER};
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use serde::de::DeserializeOwned;

use super::NetError;
use super::client::ServerId;

/// A connection that says nothing for this long is dead: servers say something every 15 seconds even on a held stream.
pub(crate) const SILENCE: Duration = Duration::from_secs(50);
/// Bytes of an answer in JSON, at most. The longest are a page of a chain and the orders of a host with 64 devices.
pub(crate) const JSON_BYTES_MAX: usize = 16 << 20;
/// Bytes of a refusal, at most.
pub(crate) const PROBLEM_BYTES_MAX: usize = 64 << 10;

/// The next bytes of a body; none at its end.
///
/// # Errors
/// The connection broke, or nothing came for [`SILENCE`].
pub(crate) async fn chunk(response: &mut Response) -> Result<Option<Vec<u8>>, NetError> {
    match tokio::time::timeout(SILENCE, response.chunk()).await {
        Ok(chunk) => Ok(chunk?.map(Into::into)),
        Err(_) => Err(NetError::away(format!("nothing came for {} s", SILENCE.as_secs()))),
    }
}

/// A whole body of at most `bytes_max` bytes.
///
/// # Errors
/// It is longer, or the connection broke.
async fn bytes(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, NetError> {
    let mut body = Vec::new();
    while let Some(chunk) = chunk(&mut response).await? {
        if body.len() + chunk.len() > bytes_max {
            return Err(NetError::Garbled(format!(
                "it is longer than the {bytes_max} bytes that an answer may have"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an answer in JSON says.
///
/// # Errors
/// It is not that, or too long, or the connection broke.
pub(crate) async fn json<T: DeserializeOwned>(response: Response) -> Result<T, NetError> {
    let body = bytes(response, JSON_BYTES_MAX).await?;
    serde_json::from_slice(&body).map_err(|error| NetError::Garbled(error.to_string()))
}

/// Whether a server answers that follows another one, and has done nothing.
pub(crate) fn is_standby(response: &Response) -> bool {
    // Any answer of a standby says how far behind it is; only what it cannot do has this status.
    response.status() == reqwest::StatusCode::SERVICE_UNAVAILABLE && response.headers().contains_key(SERVER_BEHIND)
}

/// The URL at which such a server says that the leader is.
pub(crate) fn leader(response: &Response) -> Option<String> {
    Some(response.headers().get(SERVER_LEADER)?.to_str().ok()?.to_owned())
}

/// The response, when it is a success.
///
/// # Errors
/// A refusal, or that the server is away.
pub(crate) async fn success(response: Response) -> Result<Response, NetError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let again = response.headers().get(RETRY_AFTER);
    let again = again.and_then(|value| value.to_str().ok()?.parse().ok().map(Duration::from_secs));
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"));
    let problem: Option<Problem> = match is_problem {
        true => serde_json::from_slice(&bytes(response, PROBLEM_BYTES_MAX).await?).ok(),
        false => None,
    };
    // Busy, out of room or starting: all of them pass.
    let passes = again.is_some() || matches!(status.as_u16(), 408 | 425 | 429 | 500..=599);
    match problem {
        Some(problem) if passes => Err(NetError::Away {
            why: problem.to_string(),
            again,
        }),
        Some(problem) => Err(NetError::Refused(problem)),
        None if passes => Err(NetError::Away {
            why: format!("status {status}"),
            again,
        }),
        None => Err(NetError::Garbled(format!(
            "status {status} without a problem document; is this the URL of a baton-server?"
        ))),
    }
}

/// A redirect: where to, and what a person may do about it.
pub(crate) fn moved(base: &str, response: &Response) -> NetError {
    let from = response.url();
    let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let to = to.and_then(|to| from.join(to).ok());
    let (status, to) = (
        response.status().as_u16(),
        to.map_or("nowhere".to_owned(), |to| to.to_string()),
    );
    NetError::Setup(format!(
        "{base} redirects ({status}) from {from} to {to}. Redirects are not followed: the token would go there. If the server has moved, name its new URL with --server; else somebody in between (a captive portal, a proxy) answers for it"
    ))
}

/// What answers is not the server that is expected.
pub(crate) fn stranger(base: &str, expected: &ServerId, found: Option<&ServerId>, response: &Response) -> NetError {
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    if found.is_none() && (kind.starts_with(b"application/json") || kind.starts_with(b"application/problem+json")) {
        return NetError::Setup(format!(
            "what answers at {base} (status {status}) does not say with its answer which server it is: it is a baton-server older than this worker, which needs \
             version {} or newer, or something in between takes the header {SERVER_ID} away. Nothing of this host is given up",
            env!("CARGO_PKG_VERSION")
        ));
    }
    let found = match found {
        None => format!("something that is no baton-server (status {status})"),
        Some(found) => format!("another server, {},", found.short()),
    };
    NetError::Stranger(format!(
        "{found} answers at {base}, where server {} is expected, which has this host registered. Nothing of it is given up; if the server was set up \
         anew, start the agent again to enrol there",
        expected.short()
    ))
}
