//! Writing so that a crash at any moment leaves either the old or the new.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::RunError;

/// Write a whole file: temporary file, fsync, rename, fsync of the folder.
///
/// # Errors
/// The file system refuses.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary).map_err(RunError::disk("create", &temporary))?;
    file.write_all(bytes).map_err(RunError::disk("write", &temporary))?;
    file.sync_all().map_err(RunError::disk("flush", &temporary))?;
    fs::rename(&temporary, path).map_err(RunError::disk("rename to", path))?;
    sync_parent(path)
}

/// Make a file's name as durable as its contents.
///
/// # Errors
/// The file system refuses.
pub fn sync_parent(path: &Path) -> Result<(), RunError> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    #[cfg(unix)]
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(RunError::disk("flush", parent))?;
    Ok(())
}

/// Append at a known length: what lies beyond it, left by a crash, goes first. Returns the new length.
///
/// # Errors
/// The file system refuses.
pub fn append(path: &Path, length: u64, bytes: &[u8]) -> Result<u64, RunError> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(RunError::disk("open", path))?;
    file.set_len(length).map_err(RunError::disk("truncate", path))?;
    file.seek(SeekFrom::Start(length)).map_err(RunError::disk("seek in", path))?;
    file.write_all(bytes).map_err(RunError::disk("append to", path))?;
    file.sync_data().map_err(RunError::disk("flush", path))?;
    Ok(length + bytes.len() as u64)
}

/// A whole file of at most `bytes_max` bytes.
///
/// # Errors
/// It is larger, or the file system refuses.
pub fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, RunError> {
    let file = File::open(path).map_err(RunError::disk("open", path))?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(RunError::disk("read", path))?;
    if bytes.len() as u64 > bytes_max {
        return Err(RunError::folder(
            path,
            format!("larger than the {bytes_max} bytes it may have"),
        ));
    }
    Ok(bytes)
}
