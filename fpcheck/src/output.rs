//! What a command prints: one JSON document for scripts, or lines for people, on standard output; notes on standard error.
//!
//! A reader that went away (`| head`) is no error: what is left is not printed, and the command goes on to its end.

use std::io::{self, Write};

use serde::Serialize;

/// Write to standard output through `fill`.
///
/// # Errors
/// Standard output cannot be written, for another reason than that its reader went away.
pub fn stdout(fill: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let filled = fill(&mut out).and_then(|()| Ok(out.flush()?));
    match filled {
        Err(error) if is_broken_pipe(&error) => {
            // What is buffered has no reader: it is dropped without a second try.
            drop(out.into_parts());
            Ok(())
        }
        other => other,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe))
}

/// Print a value as JSON.
///
/// # Errors
/// Those of [`stdout`].
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    stdout(|out| Ok(writeln!(out, "{text}")?))
}

/// Print lines.
///
/// # Errors
/// Those of [`stdout`].
pub fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> anyhow::Result<()> {
    stdout(|out| {
        for line in lines {
            writeln!(out, "{}", line.as_ref())?;
        }
        Ok(())
    })
}

/// Print a line on standard error; a closed one is no reason to stop.
pub fn note(text: impl std::fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
