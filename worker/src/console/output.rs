//! What a command says: one JSON document for scripts, or lines for people. Both go to standard output, all else to standard error.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;

pub(crate) use fpcheck::output::{json, lines, note};

/// How this program was called, for hints that can be typed as they stand: `baton`, or what a script that wraps it says.
pub(crate) fn called() -> String {
    std::env::var("BATON_CALLED").map_or_else(|_| "baton".to_owned(), |path| quoted(Path::new(&path)))
}

/// A path as a shell takes it: in quotes where it has anything but letters, digits and a few signs in it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_path_can_be_typed_as_it_stands() {
        for (path, printed) in [
            ("runs/argon-1", "runs/argon-1"),
            ("my runs/a", "'my runs/a'"),
            ("it's", "'it'\\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), printed);
            #[cfg(unix)]
            {
                let echoed = std::process::Command::new("sh")
                    .args(["-c", &format!("printf %s {printed}")])
                    .output();
                assert_eq!(String::from_utf8_lossy(&echoed.expect("a shell").stdout), path);
            }
        }
    }
}
