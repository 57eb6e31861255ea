//! What a command says: one JSON document for scripts, or lines for people. Both go to standard output, all else to standard error.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// How this program was called, for hints that can be typed as they stand: `baton`, or what a script that wraps it says.
pub(crate) fn called() -> String {
    std::env::var("BATON_CALLED").unwrap_or_else(|_| "baton".to_owned())
}

/// Print a value as JSON.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Print lines; a reader that went away (`| head`) is no error.
///
/// # Errors
/// Standard output cannot be written for any other reason.
pub(crate) fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        match writeln!(out, "{}", line.as_ref()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// Write a file through `fill`, so that it is there whole or not at all; `-` is standard output.
///
/// # Errors
/// The file cannot be written, or `fill` failed.
pub(crate) fn file(path: &Path, fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if path == Path::new("-") {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        fill(&mut out)?;
        return Ok(out.flush()?);
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
