//! Blobs in a folder. Bytes arrive in a temporary file that survives a cut; the last ones trigger the check, an fsync, and the rename.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::stream::StreamExt;
use protocol::Digest;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use super::{BlobError, Blobs, ByteStream, Bytes, FRESH, MARK, read_mark};
use crate::identity::inode;
use crate::private;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Blobs in a folder: `ab/abcdef…` whole, `partial/abcdef…` unfinished.
#[derive(Clone)]
pub struct FolderBlobs {
    folder: PathBuf,
    busy: Arc<Mutex<BTreeSet<Digest>>>,
}

/// One upload of one blob at a time.
struct Hold(Arc<Mutex<BTreeSet<Digest>>>, Digest);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl FolderBlobs {
    /// Blobs in a folder, which is created.
    ///
    /// # Errors
    /// The folder cannot be created.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private::own_folder(folder)?;
        private::own_folder(&folder.join("partial"))?;
        Ok(Self {
            folder: folder.to_owned(),
            busy: Arc::default(),
        })
    }

    /// Blobs in a folder that is there; nothing is made in it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn there(folder: &Path) -> io::Result<Self> {
        std::fs::read_dir(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            busy: Arc::default(),
        })
    }

    /// Where a whole blob lies in a folder of blobs.
    fn path(folder: &Path, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        folder.join(&name[..2]).join(name)
    }

    fn whole(&self, digest: Digest) -> PathBuf {
        Self::path(&self.folder, digest)
    }

    fn partial(&self, digest: Digest) -> PathBuf {
        self.folder.join("partial").join(digest.to_string())
    }

    fn hold(&self, digest: Digest) -> Result<Hold, BlobError> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        match busy.insert(digest) {
            true => Ok(Hold(Arc::clone(&self.busy), digest)),
            false => Err(BlobError::Busy(digest)),
        }
    }
}

async fn length(path: &Path) -> Result<Option<u64>, BlobError> {
    match tokio::fs::metadata(path).await {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens an upload's file for one request of all servers that share the folder.
///
/// # Errors
/// Another server's request works on it, or has just made it whole.
fn open_alone(partial: &Path, digest: Digest) -> Result<File, BlobError> {
    let file = private::options().write(true).create(true).truncate(false).open(partial)?;
    // The name is gone from what became whole meanwhile, or is that of another file.
    let is_there =
        || std::fs::metadata(partial).is_ok_and(|there| file.metadata().is_ok_and(|own| inode(&own) == inode(&there)));
    match file.try_lock() {
        Ok(()) if is_there() => Ok(file),
        Ok(()) | Err(TryLockError::WouldBlock) => Err(BlobError::Busy(digest)),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Brings what was written to the file, and leaves the file as old as it was. It stays locked.
async fn close(mut file: tokio::fs::File, began: Option<SystemTime>) -> Result<File, BlobError> {
    file.flush().await?;
    let file = file.into_std().await;
    if let Some(began) = began {
        file.set_modified(began)?;
    }
    Ok(file)
}

/// Checks a file that should be whole, and gives it its name: from now on it counts as just come.
fn settle(partial: &Path, whole: &Path, expected: Digest) -> Result<(), BlobError> {
    let mut file = File::options().read(true).write(true).open(partial)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        hasher.update(&buffer[..read]);
    }
    let found = Digest(hasher.finalize().into());
    if found != expected {
        std::fs::remove_file(partial)?;
        return Err(BlobError::Digest { bytes, found, expected });
    }
    file.set_modified(SystemTime::now())?;
    file.sync_all()?;
    let folder = whole.parent().expect("a blob lies in a folder");
    private::folder(folder)?;
    std::fs::rename(partial, whole)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, BlobError> + Send + 'static) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(BlobError::Io(io::Error::other(error))),
    }
}

impl Blobs for FolderBlobs {
    fn size(&self, digest: Digest) -> BoxFuture<'_, Result<Option<u64>, BlobError>> {
        Box::pin(async move { length(&self.whole(digest)).await })
    }

    fn received(&self, digest: Digest) -> BoxFuture<'_, Result<u64, BlobError>> {
        Box::pin(async move { Ok(length(&self.partial(digest)).await?.unwrap_or(0)) })
    }

    fn put<'a>(
        &'a self,
        digest: Digest,
        offset: u64,
        size: u64,
        mut bytes: ByteStream<'a>,
    ) -> BoxFuture<'a, Result<u64, BlobError>> {
        Box::pin(async move {
            if let (true, Some(there)) = (self.is_fresh(digest).await?, length(&self.whole(digest)).await?) {
                return Ok(there);
            }
            let _hold = self.hold(digest)?;
            let (partial, whole) = (self.partial(digest), self.whole(digest));
            // Nothing is made of a request that leaves a gap.
            if offset != 0 && length(&partial).await?.is_none() {
                let (found, expected) = (offset, 0);
                return Err(BlobError::Offset { found, expected });
            }
            let alone = partial.clone();
            let mut file = tokio::fs::File::from_std(blocking(move || open_alone(&alone, digest)).await?);
            let expected = file.metadata().await?.len();
            // An upload is as old as its first byte, however often it goes on.
            let began = match offset {
                0 => None,
                _ => tokio::fs::metadata(&partial)
                    .await
                    .and_then(|metadata| metadata.modified())
                    .ok(),
            };
            // Starting over is always allowed; a gap never.
            if offset != 0 && offset != expected {
                return Err(BlobError::Offset { found: offset, expected });
            }
            if offset == 0 {
                file.set_len(0).await?;
            }
            file.seek(io::SeekFrom::Start(offset)).await?;
            let mut there = offset;
            while let Some(chunk) = bytes.next().await {
                let chunk = match chunk {
                    Ok(chunk) => chunk,
                    Err(error) => {
                        close(file, began).await?;
                        return Err(BlobError::Cut(error));
                    }
                };
                there += chunk.len() as u64;
                if there > size {
                    tokio::fs::remove_file(&partial).await?;
                    return Err(BlobError::TooLarge {
                        found: there,
                        limit: size,
                    });
                }
                file.write_all(&chunk).await?;
            }
            let file = close(file, began).await?;
            if there == size {
                blocking(move || settle(&partial, &whole, digest)).await?;
            }
            drop(file);
            Ok(there)
        })
    }

    fn get(&self, digest: Digest, offset: u64, length: u64) -> BoxFuture<'_, Result<ByteStream<'static>, BlobError>> {
        Box::pin(async move {
            let mut file = match tokio::fs::File::open(self.whole(digest)).await {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BlobError::Missing(digest)),
                Err(error) => return Err(error.into()),
            };
            file.seek(io::SeekFrom::Start(offset)).await?;
            let stream = futures_util::stream::try_unfold((file, length), |(mut file, left)| async move {
                let mut buffer = vec![0; CHUNK_BYTES.min(usize::try_from(left).unwrap_or(CHUNK_BYTES))];
                let read = file.read(&mut buffer).await?;
                buffer.truncate(read);
                let left = left - read as u64;
                Ok((read > 0).then(|| (Bytes::from(buffer), (file, left))))
            });
            Ok(stream.boxed())
        })
    }

    fn is_fresh(&self, digest: Digest) -> BoxFuture<'_, Result<bool, BlobError>> {
        let path = self.whole(digest);
        Box::pin(blocking(move || match std::fs::metadata(&path) {
            Ok(metadata) => {
                let age = SystemTime::now().duration_since(metadata.modified()?);
                // One from the future, after the clock was set back, is young.
                Ok(age.map_or(true, |age| age < FRESH))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }))
    }

    fn older(&self, age: Duration) -> BoxFuture<'_, Result<BTreeSet<Digest>, BlobError>> {
        let folder = self.folder.clone();
        Box::pin(blocking(move || {
            let mut found = BTreeSet::new();
            each(&folder, |digest, path| {
                found.extend(is_older(path, age)?.map(|_| digest));
                Ok(())
            })?;
            Ok(found)
        }))
    }

    fn all(&self) -> BoxFuture<'_, Result<BTreeMap<Digest, u64>, BlobError>> {
        let folder = self.folder.clone();
        Box::pin(blocking(move || {
            let mut found = BTreeMap::new();
            each(&folder, |digest, path| {
                found.insert(digest, std::fs::metadata(path)?.len());
                Ok(())
            })?;
            Ok(found)
        }))
    }

    fn mark(&self) -> BoxFuture<'_, Result<Option<String>, BlobError>> {
        let place = self.folder.join(MARK);
        Box::pin(blocking(move || match std::fs::read(place) {
            Ok(bytes) => read_mark(&bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }))
    }

    fn set_mark(&self, mark: String) -> BoxFuture<'_, Result<(), BlobError>> {
        let place = self.folder.join(MARK);
        Box::pin(blocking(move || {
            let mut file = private::create(&place)?;
            writeln!(file, "{mark}")?;
            Ok(file.sync_all()?)
        }))
    }

    fn sweep(&self, unneeded: BTreeSet<Digest>, age: Duration, cut: Duration) -> BoxFuture<'_, Result<u64, BlobError>> {
        let blobs = self.clone();
        Box::pin(blocking(move || {
            let mut freed = 0;
            for digest in unneeded {
                freed += remove_older(&blobs.whole(digest), age)?;
            }
            for file in std::fs::read_dir(blobs.folder.join("partial"))? {
                let file = file?;
                let digest: Option<Digest> = file.file_name().to_str().and_then(|name| name.parse().ok());
                let hold = digest.map(|digest| blobs.hold(digest));
                if !matches!(hold, Some(Err(_))) {
                    freed += remove_older(&file.path(), cut)?;
                }
            }
            Ok(freed)
        }))
    }
}

/// Calls `look` with each whole blob of a folder and its file. One that goes meanwhile is passed over.
fn each(folder: &Path, mut look: impl FnMut(Digest, &Path) -> io::Result<()>) -> io::Result<()> {
    for part in std::fs::read_dir(folder)? {
        let part = part?;
        if part.file_name() == "partial" || !part.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(part.path())? {
            let file = file?;
            let digest: Option<Digest> = file.file_name().to_str().and_then(|name| name.parse().ok());
            match digest.map(|digest| look(digest, &file.path())) {
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Removes a file that was not changed for `age`. How many bytes that freed.
fn remove_older(path: &Path, age: Duration) -> io::Result<u64> {
    let size = is_older(path, age)?;
    if size.is_some() {
        std::fs::remove_file(path)?;
    }
    Ok(size.unwrap_or(0))
}

/// The bytes of a file that is there, and was not changed for `age`.
fn is_older(path: &Path, age: Duration) -> io::Result<Option<u64>> {
    match std::fs::metadata(path) {
        Ok(metadata) => {
            let since = SystemTime::now().duration_since(metadata.modified()?);
            Ok(since.is_ok_and(|since| since >= age).then_some(metadata.len()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(parts: Vec<io::Result<Bytes>>) -> ByteStream<'static> {
        futures_util::stream::iter(parts).boxed()
    }

    fn bytes(text: &str) -> Vec<io::Result<Bytes>> {
        vec![Ok(Bytes::from(text.to_owned()))]
    }

    #[tokio::test]
    async fn an_upload_is_as_old_as_its_first_byte_and_its_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = FolderBlobs::open(&folder.path().join("blobs")).unwrap();
        let digest = Digest::of(b"hello world");
        blobs.put(digest, 0, 11, stream(bytes("hello"))).await.unwrap();
        let hour = Duration::from_secs(3600);
        let file = File::options().write(true).open(blobs.partial(digest)).unwrap();
        file.set_modified(SystemTime::now() - 2 * hour).unwrap();
        blobs.put(digest, 5, 11, stream(bytes(" "))).await.unwrap();
        let mut cut = bytes("w");
        cut.push(Err(io::Error::other("cut")));
        assert!(blobs.put(digest, 6, 11, stream(cut)).await.is_err());
        #[cfg(unix)]
        for (path, mode) in [(blobs.folder.join("partial"), 0o700), (blobs.partial(digest), 0o600)] {
            let permissions = std::fs::metadata(&path).unwrap().permissions();
            let found = std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777;
            assert_eq!(found, mode, "{}", path.display());
        }
        assert_eq!(
            blobs.sweep(BTreeSet::new(), hour, hour).await.unwrap(),
            7,
            "a byte now and then keeps nothing young"
        );
    }
}
