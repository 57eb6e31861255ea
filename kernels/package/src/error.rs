//! What is wrong with a package, in words that name the place, what was found and what was expected.

use std::fmt::Display;

use wgsl::SourceError;

/// What is wrong with a package: file, key, what was found, what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// In `kernel.toml`, in an array, or between the files.
    #[error("{0}")]
    Package(String),
    /// In its WGSL.
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl PackageError {
    /// About a whole file, or a place in it.
    pub fn file(file: impl Display, message: impl Display) -> Self {
        Self::Package(format!("{file}: {message}"))
    }

    /// About a key of `kernel.toml`, written as a person would look for it: `buffer 'spins': shape`.
    pub(super) fn key(key: impl Display, message: impl Display) -> Self {
        Self::Package(format!("kernel.toml: {key}: {message}"))
    }

    /// About a key whose value is not what it should be.
    pub(super) fn found(key: impl Display, found: impl Display, expected: impl Display) -> Self {
        Self::key(key, format_args!("found {found}, expected {expected}"))
    }
}

/// Names as people read them in a sentence: `'a', 'b' and 'c'`, or `none`.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("'{name}'")).collect();
    match (names.len(), names.pop()) {
        (_, None) => "none".to_owned(),
        (1, Some(last)) => last,
        (_, Some(last)) => format!("{} and {last}", names.join(", ")),
    }
}
