//! Blobs up and down, in parts.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use protocol::http::{BLOB_LINK, BlobView, Problem};
use protocol::{AttemptId, Digest};
use serde::Deserialize;

use crate::app::App;
use crate::auth::Caller;
use crate::blob::BlobError;
use crate::extract::{Ask, At};
use crate::limits::Kind;
use crate::problem::{Answer, Fault};

/// An upload that sends nothing for this long is cut.
pub const IDLE: Duration = Duration::from_secs(60);

/// Of smaller blobs the server gives the bytes itself: a link costs the client another connection.
const LINK_BYTES_MIN: u64 = 256 << 10;

/// What part of a blob a request brings.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Bytes of the blob that came before.
    #[serde(default)]
    offset: u64,
    /// Bytes of the whole blob.
    size: u64,
    /// The lease that it is for, from a host; without it any lease of the host will do.
    attempt: Option<u64>,
}

/// Who may upload: a host that has a lease, for a commit under it; a scientist, for a submission.
async fn admit(app: &App, caller: &Caller, attempt: Option<AttemptId>) -> Answer<()> {
    let Ok(host) = caller.as_host() else {
        return caller.scientist();
    };
    match app.engine.core().await.holds_lease(host, attempt) {
        true => Ok(()),
        // The leader may have granted it a moment ago.
        false if !app.engine.is_sure() => Err(app.engine.not_sure().into()),
        false => {
            let lease = attempt.map_or("lease".to_owned(), |attempt| format!("attempt {attempt}"));
            let detail = format!("host {host} has no such {lease}: what it would upload is for nothing");
            Err(Fault::new(StatusCode::GONE, "attempt-over", "The attempt is over", detail))
        }
    }
}

/// Whether a caller needs a blob: the archive or checkpoint of a lease, anything of a job that it sees, or what it uploads itself.
async fn needs(app: &App, caller: &Caller, digest: Digest) -> Answer<bool> {
    if caller.sees_all() || app.pending.is_of(digest, &caller.subject) {
        return Ok(true);
    }
    if let Ok(host) = caller.as_host() {
        return Ok(app.engine.core().await.serves(host, digest));
    }
    if caller.scientist().is_err() {
        return Ok(false);
    }
    if app.engine.core().await.owns(&caller.subject, digest) {
        return Ok(true);
    }
    for job in app.engine.store.blob_jobs(digest).await? {
        let live = app.engine.core().await.owner(job).map(str::to_owned).ok();
        let owner = match live {
            Some(owner) => Some(owner),
            None => app
                .engine
                .store
                .finished(job)
                .await?
                .map(|finished| finished.owner().to_owned()),
        };
        if owner.is_some_and(|owner| caller.sees(&owner)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Uploads a blob, or the rest of one: the body holds its bytes from `offset` on.
#[utoipa::path(put, path = "/v1/blobs/{digest}", tag = "blobs", params(("digest" = Digest, Path), Part),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = BlobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<Arc<App>>,
    caller: Caller,
    At(digest): At<Digest>,
    Ask(part): Ask<Part>,
    headers: HeaderMap,
    body: HttpBody,
) -> Answer<Json<BlobView>> {
    admit(&app, &caller, part.attempt.map(AttemptId)).await?;
    let limit = app.sizes.blob_max;
    if part.size > limit {
        return Err(BlobError::TooLarge { found: part.size, limit }.into());
    }
    if part.offset > part.size {
        return Err(Fault::invalid(
            "offset",
            format!("{}, beyond the size of {}", part.offset, part.size),
        ));
    }
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > part.size - part.offset) {
        return Err(Fault::invalid("size", "the body has more bytes than are missing"));
    }
    let fresh = app.blobs.is_fresh(digest).await?;
    // Of one that is there no byte is asked for.
    let bytes = if fresh { 0 } else { part.size - part.offset };
    if !fresh {
        app.pending.reserve(digest, &caller.subject, part.size).map_err(|used| {
            let detail = format!(
                "{} has {used} bytes here that no commit or submission refers to yet, and may have {} with these",
                caller.subject, app.sizes.pending_max
            );
            Fault::new(StatusCode::TOO_MANY_REQUESTS, "quota", "A quota is used up", detail).retry_after(600)
        })?;
    }
    app.limits
        .take(&caller.id, Kind::BlobBytes, bytes, Instant::now())
        .map_err(|seconds| {
            let detail = "the bytes uploaded today are as many as this token may upload";
            Fault::new(StatusCode::TOO_MANY_REQUESTS, "quota", "A quota is used up", detail).retry_after(seconds)
        })?;
    let came = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&came);
    let stream = futures_util::stream::unfold((body.into_data_stream(), counter), |(mut stream, counter)| async move {
        let next = match tokio::time::timeout(IDLE, stream.next()).await {
            Ok(next) => next?.map_err(io::Error::other),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no bytes came for a minute")),
        };
        if let Ok(part) = &next {
            counter.fetch_add(part.len() as u64, Ordering::Relaxed);
        }
        Some((next, (stream, counter)))
    });
    let put = app.blobs.put(digest, part.offset, part.size, stream.boxed()).await;
    let received = put.inspect_err(|error| {
        if error.is_full() {
            app.engine.full.notify_one();
        }
        if matches!(error, BlobError::Digest { .. } | BlobError::TooLarge { .. }) {
            // Its bytes are dropped.
            app.pending.release_of(digest, &caller.subject);
        }
    });
    // A cut costs what came, not what was to come: else a bad line would use up a day's bytes with one blob.
    app.limits.give_back(
        &caller.id,
        Kind::BlobBytes,
        bytes.saturating_sub(came.load(Ordering::Relaxed)),
    );
    let received = received?;
    app.metrics.count_bytes(received.saturating_sub(part.offset));
    // One that was there, of another size than announced, is whole as well.
    let whole = received == part.size || app.blobs.size(digest).await?.is_some();
    Ok(Json(BlobView { digest, received, whole }))
}

/// How many bytes of a blob are there: where an upload goes on after a cut.
#[utoipa::path(get, path = "/v1/blobs/{digest}/upload", tag = "blobs", params(("digest" = Digest, Path)),
    responses((status = 200, body = BlobView), (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn upload(State(app): State<Arc<App>>, caller: Caller, At(digest): At<Digest>) -> Answer<Json<BlobView>> {
    admit(&app, &caller, None).await?;
    // Asking keeps nothing: one that may be swept before it is referred to is sent again.
    let size = match app.blobs.is_fresh(digest).await? {
        true => app.blobs.size(digest).await?,
        false => None,
    };
    let whole = size.is_some();
    let received = match size {
        Some(size) => size,
        None => app.blobs.received(digest).await?,
    };
    Ok(Json(BlobView { digest, received, whole }))
}

/// `bytes=A-B`, `bytes=A-` or `bytes=-N` of `size` bytes, as (begin, end); none for what is no such range.
fn range(text: &str, size: u64) -> Option<(u64, u64)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (begin, end) = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) => (from, to.checked_add(1)?.min(size)),
        (Ok(from), Err(_)) if to.is_empty() => (from, size),
        (Err(_), Ok(last)) if from.is_empty() => (size.saturating_sub(last), size),
        _ => return None,
    };
    (begin < end).then_some((begin, end))
}

/// Downloads a blob, or a range of it: for a host what its leases name, for a scientist what belongs to its jobs. Other blobs are not there. Who says with the header
/// `baton-blob-link` that it can follow a link may get one instead (204).
#[utoipa::path(get, path = "/v1/blobs/{digest}", tag = "blobs",
    params(("digest" = Digest, Path), ("Range" = Option<String>, Header), ("If-Range" = Option<String>, Header),
        ("baton-blob-link" = Option<String>, Header)),
    responses((status = 204, description = "The header baton-blob-link is a URL to read the blob from, without a token"),
        (status = 200, content_type = "application/octet-stream"), (status = 206, content_type = "application/octet-stream"),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub async fn get(State(app): State<Arc<App>>, caller: Caller, At(digest): At<Digest>, headers: HeaderMap) -> Answer<Response> {
    if !needs(&app, &caller, digest).await? {
        return Err(BlobError::Missing(digest).into());
    }
    let size = app.blobs.size(digest).await?.ok_or(BlobError::Missing(digest))?;
    let tag = format!("\"{digest}\"");
    let header = |name| {
        headers
            .get(name)
            .and_then(|value: &axum::http::HeaderValue| value.to_str().ok())
    };
    if header(IF_NONE_MATCH).is_some_and(|known| known.contains(&tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    if app.blob_links
        && size >= LINK_BYTES_MIN
        && headers.contains_key(BLOB_LINK)
        && let Some(url) = app.blobs.link(digest).await?
    {
        let private = (CACHE_CONTROL, "no-store".to_owned());
        let link = (HeaderName::from_static(BLOB_LINK), url);
        return Ok((StatusCode::NO_CONTENT, [(ETAG, tag), private, link]).into_response());
    }
    let wanted = header(RANGE).filter(|_| header(IF_RANGE).is_none_or(|known| known == tag));
    let (status, begin, end) = match wanted {
        None => (StatusCode::OK, 0, size),
        Some(text) => match range(text, size) {
            Some((begin, end)) => (StatusCode::PARTIAL_CONTENT, begin, end),
            None => {
                return Err(Fault::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "range",
                    "There is no such range",
                    format!("{text:?} of {size} bytes; expected bytes=FROM-TO, bytes=FROM- or bytes=-LAST"),
                )
                .field("Range"));
            }
        },
    };
    let stream = app.blobs.get(digest, begin, end - begin).await?;
    let mut response = (
        status,
        [
            (ETAG, tag),
            (ACCEPT_RANGES, "bytes".to_owned()),
            (CONTENT_TYPE, "application/octet-stream".to_owned()),
            (CONTENT_LENGTH, (end - begin).to_string()),
        ],
        HttpBody::from_stream(stream),
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let text = format!("bytes {begin}-{}/{size}", end - 1);
        if let Ok(value) = text.parse() {
            response.headers_mut().insert(CONTENT_RANGE, value);
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_read_as_http_says() {
        assert_eq!(range("bytes=0-4", 10), Some((0, 5)));
        assert_eq!(range("bytes=5-", 10), Some((5, 10)));
        assert_eq!(range("bytes=-3", 10), Some((7, 10)));
        assert_eq!(range("bytes=8-99", 10), Some((8, 10)));
        for wrong in [
            "bytes=10-",
            "bytes=5-4",
            "bytes=-",
            "bytes=a-b",
            "lines=0-1",
            "bytes=0-1,3-4",
            "bytes=-0",
        ] {
            assert_eq!(range(wrong, 10), None, "{wrong}");
        }
    }
}
