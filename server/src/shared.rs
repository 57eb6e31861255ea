//! One place of blobs for all servers of a database: a mark in it says which database's it is.
//!
//! Invariant: a server of a database serves the blobs of the place that the database names. One with another place would answer that a checkpoint is not
//! there, and sweep away what others refer to.

use anyhow::{Context as _, bail};
use protocol::Digest;

use crate::blob::{BlobPlace, Blobs, MARK};
use crate::store::Store;

/// Holds a place of blobs against the store's mark; the server that leads marks a place where neither has one yet. A copy of a database has none: its blobs are
/// where it is restored.
///
/// # Errors
/// The place is another database's, or cannot be read.
pub(crate) async fn check(store: &dyn Store, blobs: &dyn Blobs, place: &BlobPlace, leads: bool) -> anyhow::Result<()> {
    let found = blobs.mark().await.with_context(|| format!("--blobs {place}"))?;
    let facts = store.facts().await?;
    match (facts.get(MARK), &found) {
        (Some(expected), Some(found)) if expected == found => return Ok(()),
        (Some(_), found) => bail!(
            "--blobs {place}: these are not the blobs of the database's servers (its {MARK} {}): give all servers of a database the same --blobs; after moving \
             blobs, copy all of them with `baton-server blobs copy`, which writes {MARK} last",
            match found {
                Some(_) => "names another",
                None => "is missing",
            }
        ),
        (None, Some(_)) => bail!(
            "--blobs {place}: these are the blobs of another database: give each database's servers their own folder or prefix; when nothing uses the other \
             database any more, remove {MARK} there"
        ),
        (None, None) if !leads => return Ok(()),
        (None, None) => {}
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(std::io::Error::other)
        .context("random bytes")?;
    let mark = Digest::of(&bytes).to_string()[..32].to_owned();
    blobs
        .set_mark(mark.clone())
        .await
        .with_context(|| format!("--blobs {place}"))?;
    store.put_fact(MARK.to_owned(), mark).await?;
    Ok(())
}
