//! Blobs up and down in parts: after a cut a transfer goes on where it stopped, and nothing is used before its digest was checked.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use protocol::Digest;
use protocol::http::{BLOB_LINK, BlobView};
use reqwest::header::RANGE;
use reqwest::{Method, RequestBuilder, Response};

use super::client::Client;
use super::{NetError, answer};

/// Blobs up to this size are uploaded without asking first how much the server has.
const SMALL_BYTES: u64 = 256 << 10;
const CHUNK_BYTES: usize = 256 << 10;
/// The answer of what a link names begins within this time.
const LINK_PATIENCE: Duration = Duration::from_secs(20);

/// Upload a file.
///
/// # Errors
/// [`NetError`]. What arrived stays there: the same call goes on behind it.
pub(crate) async fn upload_file(client: &Client, path: &Path, digest: Digest) -> Result<(), NetError> {
    let failed = |error: std::io::Error| NetError::file(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut part = move |offset: u64, length: u64| {
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        (&mut file).take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    upload(client, digest, size, |offset, length| part(offset, length).map_err(failed)).await
}

/// Upload bytes.
///
/// # Errors
/// [`NetError`].
pub(crate) async fn upload_bytes(client: &Client, bytes: &[u8], digest: Digest) -> Result<(), NetError> {
    let part = |offset: u64, length: u64| Ok(bytes[offset as usize..(offset + length) as usize].to_vec());
    upload(client, digest, bytes.len() as u64, part).await
}

async fn upload(
    client: &Client,
    digest: Digest,
    size: u64,
    mut part: impl FnMut(u64, u64) -> Result<Vec<u8>, NetError>,
) -> Result<(), NetError> {
    let received = async || client.get::<BlobView>(&format!("/v1/blobs/{digest}/upload")).await;
    let mut offset = 0;
    if size > SMALL_BYTES {
        let there = received().await?;
        if there.whole {
            return Ok(());
        }
        // More than there should be is no beginning of this.
        offset = if there.received <= size { there.received } else { 0 };
    }
    let transfer = client.transfers.begin(true, offset, Some(size));
    loop {
        let bytes = part(offset, (size - offset).min(client.transfers.part_bytes()))?;
        let path = format!("/v1/blobs/{digest}?offset={offset}&size={size}");
        let begun = Instant::now();
        // A part is small enough for the line: it has no more time than any other request.
        let length = bytes.len() as u64;
        let sent = client.answer(client.request(Method::PUT, &path).body(bytes), 0).await;
        client.transfers.part_took(sent.is_ok().then(|| begun.elapsed()));
        client.transfers.up.went(length, begun).await;
        match sent {
            Ok(response) => {
                let view: BlobView = answer::json(response).await?;
                transfer.reached(view.received.min(size));
                if view.whole {
                    return Ok(());
                }
                if view.received <= offset || view.received > size {
                    return Err(NetError::Garbled(format!(
                        "{} bytes of blob {digest} are there after {offset} were and more came",
                        view.received
                    )));
                }
                offset = view.received;
            }
            // Another upload of the same blob wrote a part meanwhile, perhaps an earlier one of this host.
            Err(error) if error.status() == 409 => {
                let there = received().await?;
                if there.whole {
                    return Ok(());
                }
                if there.received == offset {
                    return Err(NetError::away(error.to_string()));
                }
                offset = there.received.min(size);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Download a blob of at most `bytes_max` bytes to `path`, which appears only when it is whole and its digest is right.
///
/// # Errors
/// [`NetError`]. What arrived stays in `PATH.part`: the same call goes on behind it. [`NetError::Corrupt`] when all arrived and is something
/// else, [`NetError::File`] when it is more than `bytes_max`: nothing of it stays.
pub(crate) async fn download(client: &Client, digest: Digest, path: &Path, bytes_max: u64) -> Result<(), NetError> {
    if path.exists() && digest_of(path)? == digest {
        return Ok(());
    }
    // Behind the whole name: what follows a dot tells one blob from another.
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = std::path::PathBuf::from(part);
    let failed = |error: std::io::Error| NetError::file(&part, &error);
    let mut file = OpenOptions::new().create(true).append(true).open(&part).map_err(failed)?;
    let offset = file.metadata().map_err(failed)?.len();
    let sent = ask(client, digest, offset).await;
    let mut there = offset;
    match sent {
        Ok(mut response) => {
            if offset > 0 && response.status().as_u16() != 206 {
                file.set_len(0).map_err(failed)?;
                there = 0;
            }
            let total = response.content_length().map(|rest| there.saturating_add(rest));
            let transfer = client.transfers.begin(false, there, total);
            let too_long = || {
                NetError::File(format!(
                    "blob {digest} has more than the {bytes_max} bytes that there is room for"
                ))
            };
            if total.is_some_and(|total| total > bytes_max) {
                drop(fs::remove_file(&part));
                return Err(too_long());
            }
            while let Some(chunk) = answer::chunk(&mut response).await? {
                there += chunk.len() as u64;
                if there > bytes_max {
                    drop(fs::remove_file(&part));
                    return Err(too_long());
                }
                file.write_all(&chunk).map_err(failed)?;
                transfer.reached(there);
                client.transfers.down.went(chunk.len() as u64, Instant::now()).await;
            }
        }
        // All of it arrived before the cut.
        Err(error) if error.status() == 416 => {}
        Err(error) => return Err(error),
    }
    file.sync_all().map_err(failed)?;
    drop(file);
    let found = digest_of(&part)?;
    if found != digest {
        fs::remove_file(&part).map_err(failed)?;
        return Err(NetError::Corrupt(format!("blob {digest} arrived as {found}")));
    }
    fs::rename(&part, path).map_err(failed)
}

/// The answer that brings a blob's bytes from `offset` on: of the server, or of where it says that they lie. What is there is not trusted: without an answer, or with a
/// refusal, the server itself is asked.
async fn ask(client: &Client, digest: Digest, offset: u64) -> Result<Response, NetError> {
    let range = (offset > 0).then(|| format!("bytes={offset}-"));
    let from = |request: RequestBuilder| match &range {
        Some(range) => request.header(RANGE, range),
        None => request,
    };
    let request = || from(client.request(Method::GET, &format!("/v1/blobs/{digest}")));
    let answer = client.answer(request().header(BLOB_LINK, "yes"), 0).await?;
    let Some(link) = answer.headers().get(BLOB_LINK) else {
        return Ok(answer);
    };
    let linked = match link.to_str().ok().and_then(|link| client.linked(link)) {
        Some(linked) => tokio::time::timeout(LINK_PATIENCE, from(linked).send()).await.ok(),
        None => None,
    };
    match linked {
        Some(Ok(response)) if matches!(response.status().as_u16(), 200 | 206) => Ok(response),
        _ => client.answer(request(), 0).await,
    }
}

/// The digest of a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn digest_of(path: &Path) -> Result<Digest, NetError> {
    let failed = |error: std::io::Error| NetError::file(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = protocol::digest::Hasher::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
