//! `baton export DIR --format package`: a package that begins with the state that a run has come to, to go on with other constants, passes or outputs.
//!
//! It is the run's next generation: a package of its own, with a digest and a chain of its own, that names its parent. Steps are counted from 0 again, so random numbers of
//! the same seed and steps would come again; the message says so.

use std::path::{Path, PathBuf};

use kernels::package::Package;
use kernels::run::RunDir;

use crate::console::output;
use crate::exit::Usage;

/// Write the package into a new or empty folder, DIR/package-at-STEP where none is named.
///
/// # Errors
/// The run's last checkpoint is not whole, or the folder holds something ([`Usage`]).
pub(super) fn write(dir: &RunDir, folder: Option<&Path>) -> anyhow::Result<PathBuf> {
    if folder == Some(Path::new("-")) {
        return Err(Usage("-o -: a package is a folder; name one with -o".into()).into());
    }
    let made = dir.next_generation(dir.package())?;
    let step = made.manifest().parent.as_ref().map_or(0, |parent| parent.step);
    let folder = folder.map_or_else(|| dir.path().join(format!("package-at-{step}")), Path::to_path_buf);
    made.save(&folder)?;
    if has_seed(&made) {
        output::note(
            "note: steps are counted from 0 again: give another seed (--set seed=…), or the same random numbers come again",
        );
    }
    Ok(folder)
}

/// Whether a package draws random numbers by a seed.
pub(super) fn has_seed(package: &Package) -> bool {
    package.manifest().constants.contains_key("seed")
}
