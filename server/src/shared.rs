//! One folder of blobs for all servers of a database: a mark in it says which database's it is.
//!
//! Invariant: a server of a database serves the blobs of the folder that the database names. One with another folder would answer that a checkpoint is not
//! there, and sweep away what others refer to.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use protocol::Digest;

use crate::private;
use crate::store::Store;

/// The mark's name, also in the store. A copy of a database names none: its blobs are where it is restored.
pub(crate) const MARK: &str = "blobs-mark";
/// Longest mark that is read.
const MARK_BYTES: usize = 64;

/// Holds a folder of blobs against the store's mark; the server that leads marks a folder where the store has none yet.
///
/// # Errors
/// The folder is another one's, or cannot be read.
pub(crate) async fn check(store: &dyn Store, folder: &Path, leads: bool) -> anyhow::Result<()> {
    private::own_folder(folder).with_context(|| folder.display().to_string())?;
    let place = folder.join(MARK);
    let found = match std::fs::read(&place) {
        Ok(bytes) if bytes.len() <= MARK_BYTES => Some(String::from_utf8_lossy(&bytes).trim().to_owned()),
        Ok(bytes) => bail!(
            "{}: {} bytes, expected at most {MARK_BYTES}: remove it",
            place.display(),
            bytes.len()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| place.display().to_string()),
    };
    let facts = store.facts().await?;
    let expected = facts.get(MARK);
    match (expected, &found) {
        (Some(expected), Some(found)) if expected == found => return Ok(()),
        (Some(_), _) => bail!(
            "--blobs {}: this is not the folder of blobs that the database's servers use (its file {MARK} {}): give all of them the same one, on a \
             file system that they share",
            folder.display(),
            match &found {
                Some(_) => "names another",
                None => "is missing",
            }
        ),
        (None, _) if !leads => return Ok(()),
        (None, _) => {}
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(std::io::Error::other)
        .context("random bytes")?;
    let mark = Digest::of(&bytes).to_string()[..32].to_owned();
    let mut file = private::create(&place).with_context(|| place.display().to_string())?;
    writeln!(file, "{mark}")?;
    file.sync_all()?;
    store.put_fact(MARK.to_owned(), mark).await?;
    Ok(())
}
