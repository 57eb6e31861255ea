//! Packages inside the program: the shipped examples.
//!
//! Most are a folder below `kernels/packages`, as a scientist could have written it, byte for byte; molecular ones are made by [`md`].

use package::{Package, PackageError, listed};

use crate::md;

/// File name to contents.
type Table = &'static [(&'static str, &'static [u8])];

/// The files of a folder below `kernels/packages`.
macro_rules! embedded {
    ($folder:literal: $($file:literal)*) => {
        &[$(($file, include_bytes!(concat!("../packages/", $folder, "/", $file)))),*]
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
    (
        "laplace",
        embedded!("laplace": "kernel.toml" "relax.wgsl" "residual.wgsl" "decide.wgsl"),
    ),
];

/// Names of the shipped examples.
pub fn names() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|(name, _)| *name).chain(md::examples::NAMES)
}

/// A shipped example.
///
/// # Errors
/// There is none of this name; the message lists what there is.
pub fn load(name: &str) -> Result<Package, PackageError> {
    if let Some(made) = md::examples::by_name(name) {
        return made.map_err(|error| PackageError::file("examples", error));
    }
    let Some((_, table)) = EXAMPLES.iter().find(|(known, _)| *known == name) else {
        let known = listed(names());
        return Err(PackageError::file(
            "examples",
            format_args!("found '{}', expected one of {known}", name.escape_debug()),
        ));
    };
    let own = table.iter().map(|(file, bytes)| ((*file).to_owned(), bytes.to_vec()));
    let pieces = shaders::PIECES
        .iter()
        .filter_map(|(name, _)| Some((*name, shaders::piece(name)?)));
    let pieces = pieces.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    Package::from_files(&pieces.chain(own).collect())
}
