//! A pass's WGSL files as one source. Reading it is the crate `wgsl`'s.

use std::collections::BTreeMap;

pub use wgsl::source::{Parsed, Place, Source, SourceError, guarded};

use super::error::PackageError;
use super::limits::MODULE_BYTES_MAX;

/// Join a pass's files in the order given. `shaders`: file name to WGSL.
///
/// # Errors
/// A file is not there, or all together are too large.
pub fn join(pass: &str, names: &[String], shaders: &BTreeMap<String, String>) -> Result<Source, PackageError> {
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let text = shaders.get(name).ok_or_else(|| {
            PackageError::found(
                format_args!("pass '{pass}': shader"),
                format_args!("no file '{name}'"),
                "a WGSL file of the package",
            )
        })?;
        files.push((name.as_str(), text.as_str()));
    }
    let source = Source::join(files);
    if source.text().len() as u64 > MODULE_BYTES_MAX {
        return Err(PackageError::found(
            format_args!("pass '{pass}': shader"),
            format_args!("{} bytes in all", source.text().len()),
            format_args!("at most {MODULE_BYTES_MAX}"),
        ));
    }
    Ok(source)
}
