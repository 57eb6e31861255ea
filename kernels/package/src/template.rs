//! The package that `baton new` writes: the folder `kernels/packages/template`, byte for byte but for its name.

use std::fs;
use std::path::Path;

use super::error::PackageError;
use super::{Package, check, folder};

/// File name to contents.
const TEMPLATE: &[(&str, &[u8])] = &[
    ("kernel.toml", include_bytes!("../../packages/template/kernel.toml")),
    ("walk.wgsl", include_bytes!("../../packages/template/walk.wgsl")),
    ("threefry.wgsl", include_bytes!("../../packages/template/threefry.wgsl")),
    ("measure.wgsl", include_bytes!("../../packages/template/measure.wgsl")),
];
/// The template's own name, as its manifest writes it.
const TEMPLATE_NAME: &str = "name = \"template\"";

impl Package {
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
