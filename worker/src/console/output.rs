//! What a command says: one JSON document for scripts, or lines for people. Both go to standard output, all else to standard error.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;

pub(crate) use fpcheck::output::{json, lines, note};

/// How this program was called, for hints that can be typed as they stand: `baton`, or what a script that wraps it says.
pub(crate) fn called() -> String {
    std::env::var("BATON_CALLED").unwrap_or_else(|_| "baton".to_owned())
}

/// Write a file through `fill`, so that it is there whole or not at all; `-` is standard output.
///
/// # Errors
/// The file cannot be written, or `fill` failed.
pub(crate) fn file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return fpcheck::output::stdout(fill);
    }
    let mut name = path
        .file_name()
        .with_context(|| format!("{} names no file", path.display()))?
        .to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let write = || -> anyhow::Result<()> {
        let mut out = std::io::BufWriter::with_capacity(1 << 20, File::create(&temporary)?);
        fill(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(fs::rename(&temporary, path)?)
    };
    write()
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
        .with_context(|| format!("cannot write {}", path.display()))
}
