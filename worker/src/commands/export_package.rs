//! `baton export DIR --format package`: a package that begins with the state that a run has come to, to go on with other constants, passes or outputs.
//!
//! It is a package of its own, with a digest and a chain of its own: its boundary C0 is the state that the run's last checkpoint holds, bit for bit. Steps are counted
//! from 0 again, so random numbers of the same seed and steps would come again; the message says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kernels::package::Package;
use kernels::package::manifest::Role;
use kernels::run::RunDir;

use crate::console::output;
use crate::exit::Usage;

/// Folder of the package's files for the state.
const STATE: &str = "state";

/// Write the package into a new or empty folder, DIR/package-at-STEP where none is named.
///
/// # Errors
/// The run's last checkpoint is not whole, or the folder holds something ([`Usage`]).
pub(super) fn write(dir: &RunDir, folder: Option<&Path>) -> anyhow::Result<PathBuf> {
    if folder == Some(Path::new("-")) {
        return Err(Usage("-o -: a package is a folder; name one with -o".into()).into());
    }
    let (boundary, state) = dir.newest_state()?;
    let package = dir.package();
    let mut manifest = package.manifest().clone();
    let mut init: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (index, buffer) in manifest.buffers.iter_mut().enumerate() {
        match buffer.role {
            Role::State => {
                let found = state.iter().find(|found| found.name == buffer.name);
                let found = found.ok_or_else(|| anyhow::anyhow!("the checkpoint has no buffer '{}'", buffer.name))?;
                (buffer.init, buffer.fill) = (Some(format!("{STATE}/{}.npy", buffer.name)), None);
                init.insert(buffer.name.clone(), found.bytes.clone());
            }
            _ if buffer.init.is_some() => {
                init.insert(buffer.name.clone(), package.initial(index));
            }
            _ => {}
        }
    }
    let run = &mut manifest.run;
    if boundary.step > 0 {
        run.start_step = Some(run.start_step.unwrap_or(0).saturating_add(boundary.step));
    }
    if let Some(per_step) = run.time_per_step.filter(|_| boundary.step > 0) {
        run.start_time = Some(run.start_time.unwrap_or(0.0) + boundary.step as f64 * per_step);
    }
    let made = Package::new(manifest, package.shaders().clone(), init)?;
    let folder = folder.map_or_else(|| dir.path().join(format!("package-at-{}", boundary.step)), Path::to_path_buf);
    made.save(&folder)?;
    if package.manifest().constants.contains_key("seed") {
        output::note(
            "note: steps are counted from 0 again: give another seed (--set seed=…), or the same random numbers come again",
        );
    }
    Ok(folder)
}
