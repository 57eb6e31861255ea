//! Blobs in a bucket of an S3-compatible store: `ab/abcdef…` whole, `partial/abcdef…/` what the next server has to know of an upload that is not.
//!
//! Bytes come to any server and are hashed on the way. A blob of one part ([`tree::PART_BYTES`]) appears with one conditional write; of a larger one each part goes to
//! the store as soon as it is full, under a multipart upload, which is completed when the digest of all parts is right. What another server needs to go on (the
//! multipart upload's name, each part's name and hash) is written beside it. Only bytes behind the last full part are in memory alone: after the end of a server the client
//! is told to go on from there.
//!
//! | module | owns |
//! |---|---|
//! | `settings` | bucket and prefix; what the environment says of the store |
//! | `http` | the HTTP client of its requests |
//! | `tried` | whether the bucket can be used, with an operator's words where it cannot |
//! | `uploads` | what this server has of uploads |
//! | `records` | what is written beside them |
//! | `tree` | a blob's digest from its parts |

mod http;
mod records;
mod settings;
mod tree;
pub(super) mod tried;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::stream::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{Error, GetOptions, GetRange, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload};
use protocol::Digest;

use self::tree::PART_BYTES;
use self::uploads::{Part, Upload, Uploads, Working};
use super::{BlobError, Blobs, ByteStream, Bytes, FRESH, MARK, read_mark};

pub use self::settings::Settings;

/// For so long a link to a blob can be followed.
const LINK_VALID: Duration = Duration::from_secs(900);

/// Blobs in a bucket.
pub struct S3Blobs {
    store: AmazonS3,
    prefix: Path,
    has_key: bool,
    uploads: Uploads,
}

/// An error of the store, which may be away for a moment.
fn failed(error: Error) -> BlobError {
    BlobError::Away(error.to_string())
}

/// How long ago an object was written. One from the future, where clocks differ, is young.
fn age(meta: &ObjectMeta) -> Duration {
    SystemTime::now()
        .duration_since(meta.last_modified.into())
        .unwrap_or(Duration::ZERO)
}

impl S3Blobs {
    /// Blobs of a bucket. Nothing is asked yet.
    ///
    /// # Errors
    /// A variable of the environment cannot be.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            store: settings.client()?,
            prefix: settings.prefix().clone(),
            has_key: settings.has_key(),
            uploads: Uploads::default(),
        })
    }

    /// The key of what has a name here.
    fn key(&self, name: &str) -> Path {
        Path::from_iter(self.prefix.parts().chain(Path::from(name).parts()))
    }

    fn whole(&self, digest: Digest) -> Path {
        let name = digest.to_string();
        self.key(&format!("{}/{name}", &name[..2]))
    }

    async fn head(&self, digest: Digest) -> Result<Option<ObjectMeta>, BlobError> {
        match self.store.head(&self.whole(digest)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Calls `look` with each whole blob.
    async fn each(&self, mut look: impl FnMut(Digest, &ObjectMeta)) -> Result<(), BlobError> {
        let mut objects = self.store.list(Some(&self.prefix));
        while let Some(meta) = objects.try_next().await.map_err(failed)? {
            let digest: Option<Digest> = meta.location.filename().and_then(|name| name.parse().ok());
            if let Some(digest) = digest.filter(|digest| self.whole(*digest) == meta.location) {
                look(digest, &meta);
            }
        }
        Ok(())
    }

    /// Brings what is behind the parts to the store, as the next one.
    async fn flush(&self, digest: Digest, working: &mut Working) -> Result<(), BlobError> {
        let index = working.upload.parts.len();
        let id = match &working.upload.multipart {
            Some(id) => id.clone(),
            None => {
                let id = self.store.create_multipart(&self.whole(digest)).await.map_err(failed)?;
                if !self.record_upload(digest, &id).await? {
                    return self.overtaken(digest, working).await;
                }
                working.upload.multipart.insert(id).clone()
            }
        };
        let part = self.put_part(digest, &id, index, working).await?;
        if !self.record_part(digest, index, &part).await? {
            return self.overtaken(digest, working).await;
        }
        working.upload.tail = Vec::new();
        working.upload.parts.push(part);
        working.recount();
        Ok(())
    }

    /// Another server works on this upload as well: what the store has counts.
    async fn overtaken(&self, digest: Digest, working: &mut Working) -> Result<(), BlobError> {
        working.replace(Upload::of(None, Vec::new()));
        Err(BlobError::Busy(digest))
    }

    async fn put_part(&self, digest: Digest, id: &String, index: usize, working: &mut Working) -> Result<Part, BlobError> {
        let value = tree::part(index, &working.upload.tail);
        // Sent without a copy, and taken back where it did not arrive.
        let bytes = Bytes::from(std::mem::take(&mut working.upload.tail));
        let put = self
            .store
            .put_part(&self.whole(digest), id, index, bytes.clone().into())
            .await;
        working.upload.tail = bytes.into();
        match put {
            Ok(PartId { content_id }) => Ok(Part { id: content_id, value }),
            Err(error) => Err(failed(error)),
        }
    }

    /// All bytes came: checks the digest and makes the blob visible. `replaces`: it is there, and too old to be referred to.
    async fn settle(&self, digest: Digest, working: &mut Working, replaces: bool) -> Result<(), BlobError> {
        let bytes = working.upload.offset();
        let index = working.upload.parts.len();
        let found = match index {
            0 => Digest::of(&working.upload.tail),
            _ => {
                let parts = working.upload.parts.iter().map(|part| part.value);
                tree::root(&parts.chain([tree::part(index, &working.upload.tail)]).collect::<Vec<_>>())
            }
        };
        if found != digest {
            self.discard(digest, working).await?;
            return Err(BlobError::Digest {
                bytes,
                found,
                expected: digest,
            });
        }
        let Some(id) = working.upload.multipart.clone().filter(|_| index > 0) else {
            return self.settle_small(digest, working, replaces).await;
        };
        let last = self.put_part(digest, &id, index, working).await?;
        let parts = working.upload.parts.iter().chain([&last]);
        let parts = parts.map(|part| PartId {
            content_id: part.id.clone(),
        });
        let done = self.store.complete_multipart(&self.whole(digest), &id, parts.collect()).await;
        if let Err(error) = done {
            // An earlier try may have come through.
            if self
                .head(digest)
                .await?
                .is_none_or(|meta| meta.size != bytes || age(&meta) >= FRESH)
            {
                if matches!(error, Error::NotFound { .. }) || error.to_string().contains("InvalidPart") {
                    self.discard(digest, working).await?;
                }
                return Err(failed(error));
            }
        }
        self.forget_records(digest).await?;
        working.replace(Upload::of(None, Vec::new()));
        Ok(())
    }

    async fn settle_small(&self, digest: Digest, working: &mut Working, replaces: bool) -> Result<(), BlobError> {
        let key = self.whole(digest);
        let bytes = Bytes::from(std::mem::take(&mut working.upload.tail));
        let put = async |mode: PutMode| self.store.put_opts(&key, PutPayload::from(bytes.clone()), mode.into()).await;
        let done = match put(PutMode::Create).await {
            // What is there has the same bytes; written again, it is young.
            Err(Error::AlreadyExists { .. }) if replaces => put(PutMode::Overwrite).await.map(drop),
            Err(Error::AlreadyExists { .. }) => Ok(()),
            done => done.map(drop),
        };
        match done {
            Ok(()) => working.recount(),
            Err(_) => working.upload.tail = bytes.into(),
        }
        done.map_err(failed)
    }

    /// Drops all that came of a blob, here and in the store.
    async fn discard(&self, digest: Digest, working: &mut Working) -> Result<(), BlobError> {
        working.replace(Upload::of(None, Vec::new()));
        self.abort(digest).await.map(drop)
    }
}

impl Blobs for S3Blobs {
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, BlobError>> {
        Box::pin(async move { Ok(self.head(digest).await?.map(|meta| meta.size)) })
    }

    fn received(&self, digest: Digest) -> BoxFuture<'_, Result<u64, BlobError>> {
        Box::pin(async move {
            match self.uploads.received(digest) {
                Some((bytes, _)) => Ok(bytes),
                None => Ok(self.recorded(digest).await?.offset()),
            }
        })
    }

    fn put<'a>(
        &'a self,
        digest: Digest,
        offset: u64,
        size: u64,
        mut bytes: ByteStream<'a>,
    ) -> BoxFuture<'a, Result<u64, BlobError>> {
        Box::pin(async move {
            let there = self.head(digest).await?;
            if let Some(meta) = &there
                && age(meta) < FRESH
            {
                return Ok(meta.size);
            }
            let mut working = self.uploads.take(digest)?;
            // Starting over is always allowed; a gap never.
            if offset == 0 {
                // One of a single part has nothing in the store before it is whole.
                match size > PART_BYTES as u64 || working.upload.multipart.is_some() {
                    true => self.discard(digest, &mut working).await?,
                    false => working.replace(Upload::of(None, Vec::new())),
                }
            } else if offset != working.upload.offset() {
                let expected = working.upload.offset();
                let recorded = self.recorded(digest).await?;
                if offset != recorded.offset() {
                    let expected = expected.max(recorded.offset());
                    return Err(BlobError::Offset { found: offset, expected });
                }
                working.replace(recorded);
            }
            let mut came = offset;
            while let Some(chunk) = bytes.next().await {
                let chunk = chunk.map_err(BlobError::Cut)?;
                came += chunk.len() as u64;
                if came > size {
                    self.discard(digest, &mut working).await?;
                    return Err(BlobError::TooLarge {
                        found: came,
                        limit: size,
                    });
                }
                let mut rest = &chunk[..];
                while !rest.is_empty() {
                    if working.upload.tail.len() == PART_BYTES {
                        self.flush(digest, &mut working).await?;
                    }
                    let (now, later) = rest.split_at(rest.len().min(PART_BYTES - working.upload.tail.len()));
                    working.extend(now)?;
                    rest = later;
                }
            }
            // Of another size than was announced before: no last part is left.
            if came == size && !working.upload.parts.is_empty() && working.upload.tail.is_empty() {
                self.discard(digest, &mut working).await?;
                return Err(BlobError::Offset {
                    found: offset,
                    expected: 0,
                });
            }
            if came == size {
                self.settle(digest, &mut working, there.is_some()).await?;
            }
            Ok(came)
        })
    }

    fn get(&self, digest: Digest, offset: u64, length: u64) -> BoxFuture<'_, Result<ByteStream<'static>, BlobError>> {
        Box::pin(async move {
            if length == 0 {
                return Ok(futures_util::stream::empty().boxed());
            }
            let options = GetOptions {
                range: Some(GetRange::Bounded(offset..offset.saturating_add(length))),
                ..GetOptions::default()
            };
            match self.store.get_opts(&self.whole(digest), options).await {
                Ok(found) => Ok(found.into_stream().map_err(io::Error::other).boxed()),
                Err(Error::NotFound { .. }) => Err(BlobError::Missing(digest)),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn link(&self, digest: Digest) -> BoxFuture<'_, Result<Option<String>, BlobError>> {
        Box::pin(async move {
            let get = axum::http::Method::GET;
            let url = self
                .store
                .signed_url(get, &self.whole(digest), LINK_VALID)
                .await
                .map_err(failed)?;
            Ok(Some(url.to_string()))
        })
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<Digest, u64>, BlobError>> {
        Box::pin(async move {
            let mut found = BTreeMap::new();
            self.each(|digest, meta| {
                found.insert(digest, meta.size);
            })
            .await?;
            Ok(found)
        })
    }

    fn mark(&self) -> BoxFuture<'_, Result<Option<String>, BlobError>> {
        Box::pin(async move {
            match self.store.get(&self.key(MARK)).await {
                Ok(found) => read_mark(&found.bytes().await.map_err(failed)?).map(Some),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn set_mark(&self, mark: String) -> BoxFuture<'_, Result<(), BlobError>> {
        Box::pin(async move {
            let payload = PutPayload::from(format!("{mark}\n"));
            self.store.put(&self.key(MARK), payload).await.map(drop).map_err(failed)
        })
    }

    fn is_fresh(&self, digest: Digest) -> BoxFuture<'_, Result<bool, BlobError>> {
        Box::pin(async move { Ok(self.head(digest).await?.is_some_and(|meta| age(&meta) < FRESH)) })
    }

    fn older(&self, limit: Duration) -> BoxFuture<'_, Result<BTreeSet<Digest>, BlobError>> {
        Box::pin(async move {
            let mut found = BTreeSet::new();
            self.each(|digest, meta| found.extend(Some(digest).filter(|_| age(meta) >= limit)))
                .await?;
            Ok(found)
        })
    }

    fn sweep(&self, unneeded: BTreeSet<Digest>, limit: Duration, cut: Duration) -> BoxFuture<'_, Result<u64, BlobError>> {
        Box::pin(async move {
            let mut freed = 0;
            for digest in unneeded {
                if let Some(meta) = self.head(digest).await?.filter(|meta| age(meta) >= limit) {
                    self.store.delete(&meta.location).await.map_err(failed)?;
                    freed += meta.size;
                }
            }
            freed += self.uploads.sweep(cut);
            Ok(freed + self.abort_older(cut).await?)
        })
    }
}
