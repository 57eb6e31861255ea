//! Packages inside the program: the shipped examples, and the one that `baton new` writes.
//!
//! Each is a folder below `kernels/packages`, as a scientist could have written it, byte for byte.

use std::fs;
use std::path::Path;

use super::error::{PackageError, listed};
use super::folder::{self, Files};
use super::{Package, check};
use crate::md::examples;

/// File name to contents.
type Table = &'static [(&'static str, &'static [u8])];

/// The files of a folder below `kernels/packages`.
macro_rules! embedded {
    ($folder:literal: $($file:literal)*) => {
        &[$(($file, include_bytes!(concat!("../../packages/", $folder, "/", $file)))),*]
    };
}

/// Name to files: one entry an example, in alphabetical order.
const EXAMPLES: &[(&str, Table)] = &[
    (
        "gray-scott",
        embedded!("gray-scott": "kernel.toml" "euler.wgsl" "measure_rows.wgsl" "measure_totals.wgsl" "grid.npy"),
    ),
    (
        "ising",
        embedded!("ising": "kernel.toml" "metropolis.wgsl" "threefry.wgsl" "measure_rows.wgsl" "measure_totals.wgsl"
            "spins.npy" "acceptance.npy"),
    ),
];

const TEMPLATE: Table = embedded!("template": "kernel.toml" "walk.wgsl" "threefry.wgsl" "measure.wgsl");
/// The template's own name, as its manifest writes it.
const TEMPLATE_NAME: &str = "name = \"template\"";

impl Files for Table {
    fn read(&self, file: &str, key: &str, bytes_max: u64) -> Result<Vec<u8>, PackageError> {
        match self.iter().find(|(name, _)| *name == file) {
            Some((_, bytes)) if bytes.len() as u64 <= bytes_max => Ok(bytes.to_vec()),
            _ => Err(PackageError::file(
                format_args!("{key}: '{file}'"),
                "is not in the table of embedded files",
            )),
        }
    }
}

impl Package {
    /// Names of the shipped examples.
    pub fn examples() -> impl Iterator<Item = &'static str> {
        EXAMPLES.iter().map(|(name, _)| *name).chain(examples::NAMES)
    }

    /// A shipped example.
    ///
    /// # Errors
    /// There is none of this name; the message lists what there is.
    pub fn example(name: &str) -> Result<Self, PackageError> {
        if let Some(made) = examples::by_name(name) {
            return made.map_err(|error| PackageError::file("examples", error));
        }
        let Some((_, table)) = EXAMPLES.iter().find(|(known, _)| *known == name) else {
            let known = listed(Self::examples());
            return Err(PackageError::file(
                "examples",
                format_args!("found '{}', expected one of {known}", name.escape_debug()),
            ));
        };
        let (manifest, shaders, init) = folder::read(table)?;
        Self::new(manifest, shaders, init)
    }

    /// Write a small package to start from, with comments, into a new or empty folder. It works as it is.
    ///
    /// # Errors
    /// The name is not a package's name, the folder exists and is not empty, or cannot be written.
    pub fn new_template(name: &str, folder: &Path) -> Result<Self, PackageError> {
        check::package_name(name)?;
        folder::make_empty(folder)?;
        for (file, bytes) in TEMPLATE {
            let path = folder.join(file);
            let text = String::from_utf8_lossy(bytes);
            let text = text.replacen(TEMPLATE_NAME, &format!("name = \"{name}\""), 1);
            fs::write(&path, text)
                .map_err(|error| PackageError::file(path.display(), format_args!("cannot write: {error}")))?;
        }
        Self::load(folder)
    }
}
