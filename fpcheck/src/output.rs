//! What a command says: one JSON document for scripts, or lines for people, on standard output.

use std::io::Write;

use serde::Serialize;

/// Print a value as JSON.
///
/// # Errors
/// Standard output is closed.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Print lines; a reader that went away (`| head`) is no error.
///
/// # Errors
/// Standard output cannot be written for any other reason.
pub fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        match writeln!(out, "{}", line.as_ref()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}
