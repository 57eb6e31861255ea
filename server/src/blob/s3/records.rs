//! What is written of an upload that is not whole, so that another server can go on with it, or end it: `partial/DIGEST/upload` holds the name of
//! the store's multipart upload, `partial/DIGEST/00000`, `00001`, … hold each part's hash and name.
//!
//! Invariant: a record is written once, by a conditional write. Of two servers that work on one upload the second to write a record learns of the first.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path;
use object_store::{Error, MultipartId, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload};
use protocol::Digest;

use super::tree::PART_BYTES;
use super::uploads::{Part, Upload};
use super::{S3Blobs, age, failed};
use crate::blob::BlobError;

/// Folder of the records.
const FOLDER: &str = "partial";
/// Record of the multipart upload's name.
const UPLOAD: &str = "upload";
/// Records asked for at the same time.
const AT_ONCE: usize = 16;
/// Longest record that is read, bytes.
const RECORD_BYTES_MAX: u64 = 8 << 10;

/// A part's record: its hash and its name.
fn line(part: &Part) -> String {
    format!("{} {}\n", Digest(part.value), part.id)
}

fn read_line(text: &str) -> Option<Part> {
    let (value, id) = text.trim_end().split_once(' ')?;
    let Digest(value) = value.parse().ok()?;
    Some(Part {
        id: id.to_owned(),
        value,
    })
}

impl S3Blobs {
    fn record(&self, digest: Digest, name: &str) -> Path {
        self.key(&format!("{FOLDER}/{digest}/{name}"))
    }

    /// Writes a record. Whether it was not there.
    async fn write(&self, key: &Path, text: String) -> Result<bool, BlobError> {
        match self.store.put_opts(key, PutPayload::from(text), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    async fn read(&self, meta: &ObjectMeta) -> Result<String, BlobError> {
        if meta.size > RECORD_BYTES_MAX {
            return Err(BlobError::Away(format!(
                "{}: {} bytes, expected a record of at most {RECORD_BYTES_MAX}: remove it",
                meta.location, meta.size
            )));
        }
        let found = self.store.get(&meta.location).await.map_err(failed)?;
        let bytes = found.bytes().await.map_err(failed)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes the name of a blob's multipart upload. Whether none was written; else this one is ended in the store.
    pub(super) async fn record_upload(&self, digest: Digest, id: &MultipartId) -> Result<bool, BlobError> {
        let written = self.write(&self.record(digest, UPLOAD), id.clone()).await;
        if !matches!(written, Ok(true)) {
            // Where that fails as well, a rule of the bucket ends it after some days.
            let _ended = self.store.abort_multipart(&self.whole(digest), id).await;
        }
        written
    }

    /// Writes a part's record. Whether none was written.
    pub(super) async fn record_part(&self, digest: Digest, index: usize, part: &Part) -> Result<bool, BlobError> {
        self.write(&self.record(digest, &format!("{index:05}")), line(part)).await
    }

    async fn records(&self, digest: Digest) -> Result<Vec<ObjectMeta>, BlobError> {
        let folder = self.key(&format!("{FOLDER}/{digest}"));
        let mut found: Vec<ObjectMeta> = self.store.list(Some(&folder)).try_collect().await.map_err(failed)?;
        found.sort_by(|a, b| a.location.cmp(&b.location));
        Ok(found)
    }

    /// What the store has of an upload; an empty one where there is none.
    pub(super) async fn recorded(&self, digest: Digest) -> Result<Upload, BlobError> {
        let records = self.records(digest).await?;
        let upload = records.iter().find(|meta| meta.location.filename() == Some(UPLOAD));
        let Some(upload) = upload else {
            return Ok(Upload::of(None, Vec::new()));
        };
        let id = self.read(upload).await?;
        let mut in_order = Vec::new();
        for (index, meta) in records.iter().enumerate() {
            if meta.location.filename() != Some(&format!("{index:05}")) {
                break;
            }
            in_order.push(self.read(meta).boxed());
        }
        let texts: Vec<String> = stream::iter(in_order).buffered(AT_ONCE).try_collect().await?;
        Ok(Upload::of(Some(id), texts.iter().map_while(|text| read_line(text)).collect()))
    }

    /// Removes an upload's records: the name of the multipart upload last, so that what is left can still be ended.
    pub(super) async fn forget_records(&self, digest: Digest) -> Result<(), BlobError> {
        for meta in self.records(digest).await? {
            self.store.delete(&meta.location).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Ends an upload in the store, and removes its records. Bytes that the store had of it.
    pub(super) async fn abort(&self, digest: Digest) -> Result<u64, BlobError> {
        let records = self.records(digest).await?;
        let mut parts = 0;
        for meta in &records {
            if meta.location.filename() != Some(UPLOAD) {
                parts += 1;
                continue;
            }
            let id = self.read(meta).await?;
            match self.store.abort_multipart(&self.whole(digest), &id).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        for meta in records {
            self.store.delete(&meta.location).await.map_err(failed)?;
        }
        Ok(parts * PART_BYTES as u64)
    }

    /// Ends the uploads that began longer ago than `cut`, except those on which a request of this server works. Bytes that the store had of them.
    pub(super) async fn abort_older(&self, cut: Duration) -> Result<u64, BlobError> {
        let mut old = BTreeSet::new();
        let mut records = self.store.list(Some(&self.key(FOLDER)));
        while let Some(meta) = records.try_next().await.map_err(failed)? {
            let digest = meta.location.parts().rev().nth(1);
            let digest: Option<Digest> = digest.and_then(|part| part.as_ref().parse().ok());
            // The name of the multipart upload is the oldest record, where it is there.
            old.extend(digest.filter(|_| age(&meta) >= cut));
        }
        let mut freed = 0;
        for digest in old {
            if !matches!(self.uploads.received(digest), Some((_, true))) {
                freed += self.abort(digest).await?;
            }
        }
        Ok(freed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parts_record_reads_back_and_what_is_none_does_not() {
        let part = Part {
            id: "\"0123456789abcdef\"".to_owned(),
            value: [7; 32],
        };
        assert_eq!(read_line(&line(&part)), Some(part));
        for wrong in ["", "abc", "abc def", &"0".repeat(64)] {
            assert_eq!(read_line(wrong), None, "{wrong}");
        }
    }
}
