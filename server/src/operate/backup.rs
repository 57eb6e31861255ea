//! A data folder copied whole while its server runs, and brought back.
//!
//! Blobs come first, then the database, then the blobs that came meanwhile: what the copied database needs was there when it was copied. A sweep may
//! remove a blob between the two; then the database is copied again.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::blobs::copy_all;
use super::check::{Found, check_copy};
use super::{BLOBS, DATABASE, Place, copy};
use crate::blob::FolderBlobs;
use crate::private;

/// Copies of the database that are tried, when a sweep comes in between each time.
const TRIES: u32 = 5;
/// Tokens as they were written at the first start.
const TOKENS: [&str; 3] = ["operator.token", "scientist.token", "host.token"];

/// Copies a server's data into a new or empty folder, which is a data folder then. The server may run.
///
/// # Errors
/// The data cannot be read, or the folder cannot be written or is not empty.
pub async fn backup(from: &Place, to: &Path) -> anyhow::Result<Found> {
    empty(to)?;
    let data = &from.data;
    let source = from.blobs.open_to_read().await?;
    let copied = FolderBlobs::open(&to.join(BLOBS))?;
    copy_all(&*source, &copied, &mut |_| {}).await?;
    for name in TOKENS {
        if data.join(name).exists() {
            place(&data.join(name), &to.join(name))?;
        }
    }
    let file = to.join(DATABASE);
    let mut tries = 0;
    loop {
        copy::to_file(&from.file(), from.database.as_deref(), &file).await?;
        let blobs = copy_all(&*source, &copied, &mut |_| {}).await?;
        let mut found = check_copy(&file, &copied, false).await?;
        tries += 1;
        if found.wrong.is_empty() || tries == TRIES {
            found.wrong.extend(blobs.wrong);
            return Ok(found);
        }
        fs::remove_file(&file)?;
    }
}

/// Brings a backup back into new or empty folders, and into an empty PostgreSQL database where the place has one. The server that starts from it begins
/// a new life: leases end, and no number is given twice.
///
/// # Errors
/// The folder is no backup, or what it is brought into is not empty or cannot be written.
pub async fn restore(from: &Path, to: &Place) -> anyhow::Result<Found> {
    let data = &to.data;
    let file = from.join(DATABASE);
    if !file.exists() {
        bail!(
            "{}: no {DATABASE} in it; a backup is a folder that `baton-server backup` wrote",
            from.display()
        );
    }
    empty(data)?;
    let target = to.blobs.open().await?;
    if !target.all().await?.is_empty() || target.mark().await?.is_some() {
        bail!("--blobs {}: there are blobs already; name an empty place", to.blobs);
    }
    let blobs = copy_all(&FolderBlobs::there(&from.join(BLOBS))?, &*target, &mut |_| {}).await?;
    for name in TOKENS {
        if from.join(name).exists() {
            place(&from.join(name), &data.join(name))?;
        }
    }
    // A copy again, since the backup itself may have been started once.
    let copied = to.file();
    copy::to_file(&file, None, &copied).await?;
    let mut found = check_copy(&copied, &*target, false).await?;
    found.wrong.extend(blobs.wrong);
    if let Some(url) = &to.database {
        copy::to_postgres(&copied, url).await?;
        fs::remove_file(&copied)?;
    }
    Ok(found)
}

/// Makes a folder, or takes an empty one.
fn empty(folder: &Path) -> anyhow::Result<()> {
    private::own_folder(folder).with_context(|| folder.display().to_string())?;
    if fs::read_dir(folder)?.next().is_some() {
        bail!("{}: not empty; name a folder that does not exist yet", folder.display());
    }
    Ok(())
}

/// One file, under its name only once it is whole. One that was removed meanwhile is passed over.
fn place(from: &Path, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        return Ok(());
    }
    let partial = to.with_extension("partial");
    match fs::copy(from, &partial) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("copying {} to {}", from.display(), to.display())),
    }
    fs::File::open(&partial)?.sync_all()?;
    fs::rename(&partial, to)?;
    Ok(())
}
