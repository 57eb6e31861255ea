//! Whether a bucket can be used, tried at the start: an error names the setting that is at fault and what to do.

use std::time::{Duration, SystemTime};

use anyhow::bail;
use object_store::{Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload};

use super::S3Blobs;
use crate::blob::{Blobs as _, MARK};

/// Largest difference between this machine's clock and the store's: S3 itself takes a request that is signed within 15 minutes, and links end after as long.
const SKEW_MAX: Duration = Duration::from_secs(300);

/// Writes something small, reads it, and removes it.
///
/// # Errors
/// One of these fails: the setting at fault, and what to do.
pub(crate) async fn by_writing(blobs: &S3Blobs) -> anyhow::Result<()> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = blobs.key(&format!("tried/{name}"));
    let create = || {
        let payload = PutPayload::from_static(b"A server tried whether it can write here.\n");
        blobs.store.put_opts(&key, payload, PutMode::Create.into())
    };
    let said = |doing: &str, error: Error| anyhow::anyhow!(explained(blobs, doing, &error));
    create().await.map_err(|error| said("writing an object", error))?;
    let again = create().await;
    let found = blobs.store.head(&key).await;
    let removed = blobs.store.delete(&key).await;
    let found = found.map_err(|error| said("reading an object", error))?;
    removed.map_err(|error| said("removing an object", error))?;
    match again {
        Err(Error::AlreadyExists { .. }) => {}
        Err(error) => return Err(said("writing an object that is there", error)),
        Ok(_) => bail!(
            "the store replaced an object that a request with If-None-Match: * must leave alone: conditional writes are needed, which this store, or \
             its version, does not have"
        ),
    }
    let at: SystemTime = found.last_modified.into();
    let now = SystemTime::now();
    let skew = now.duration_since(at).unwrap_or_else(|error| error.duration());
    if skew > SKEW_MAX {
        bail!(
            "this machine's clock and the store's differ by {} s, at most {} s are taken: set the clock by a time service (NTP)",
            skew.as_secs(),
            SKEW_MAX.as_secs()
        );
    }
    Ok(())
}

/// Reads something small.
///
/// # Errors
/// It cannot be read: the setting at fault, and what to do.
pub(crate) async fn by_reading(blobs: &S3Blobs) -> anyhow::Result<()> {
    match blobs.store.get(&blobs.key(MARK)).await {
        Ok(_) => return Ok(()),
        Err(Error::NotFound { source, .. }) if !source.to_string().contains("NoSuchBucket") => {}
        Err(error) => bail!(explained(blobs, "reading an object", &error)),
    }
    blobs.mark().await?;
    Ok(())
}

/// What failed in the operator's words: the store's own code is looked for in its answer.
fn explained(blobs: &S3Blobs, doing: &str, error: &Error) -> String {
    let text = chain(error);
    let is = |codes: &[&str]| codes.iter().any(|code| text.contains(code));
    let fix = match () {
        () if is(&["NoSuchBucket"]) => {
            "there is no such bucket at this endpoint: make it, or correct --blobs, AWS_REGION or AWS_ENDPOINT_URL"
        }
        () if is(&[
            "PermanentRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraint",
        ]) =>
        {
            "the bucket is in another region: correct AWS_REGION"
        }
        () if is(&["RequestTimeTooSkewed"]) => "this machine's clock is far off: set it by a time service (NTP)",
        () if is(&["InvalidAccessKeyId"]) => "the store does not know this key: correct AWS_ACCESS_KEY_ID",
        () if is(&["SignatureDoesNotMatch"]) => "the key's secret is another: correct AWS_SECRET_ACCESS_KEY",
        () if is(&["ExpiredToken", "InvalidToken"]) => "the session is over: renew AWS_SESSION_TOKEN with its key",
        () if is(&["AccessDenied"]) || matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
            "the key of AWS_ACCESS_KEY_ID may not do this: its policy has to allow s3:GetObject, s3:PutObject, s3:DeleteObject, \
             s3:AbortMultipartUpload and s3:ListBucket here"
        }
        () if !blobs.has_key => {
            "no AWS_ACCESS_KEY_ID is set, and no role of this machine answers: set it and AWS_SECRET_ACCESS_KEY"
        }
        () => "the store does not answer as expected: is AWS_ENDPOINT_URL right, and is it reached from here?",
    };
    format!("{doing}: {fix} ({text})")
}

/// An error with its causes, each once, at most some lines of it.
fn chain(error: &Error) -> String {
    const CHARS_MAX: usize = 600;
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(CHARS_MAX)
        .collect()
}
