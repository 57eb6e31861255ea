//! One evaluation of energies and forces, for packages that say how (`[evaluate]` of the manifest).

use std::collections::BTreeMap;

use device::{Device, SessionOptions};

use crate::package::Package;

use super::RunError;
use super::executor::Executor;
use super::outputs::buffer_of;
use super::plan::index;
use super::state::initial_state;
use super::table::number;

/// Energies and forces of a package's initial state.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Force class to energy, kJ/mol.
    pub energies: BTreeMap<String, f64>,
    /// Forces, kJ/mol/nm, `[n, 3]`.
    pub forces: Vec<f32>,
}

/// Evaluate a package's initial state on a device.
///
/// # Errors
/// The package has no `[evaluate]`, or the device failed.
pub fn evaluate(package: &Package, device: &dyn Device, options: &SessionOptions) -> Result<Evaluation, RunError> {
    let manifest = package.manifest();
    let section = manifest.evaluate.as_ref().ok_or_else(|| {
        RunError::Evaluate(format!(
            "package '{}' has no [evaluate] section: there are no energies and forces to evaluate",
            manifest.name
        ))
    })?;
    let mut executor = Executor::open(package, device, options)?;
    executor.enter(0, &initial_state(package))?;
    let buffer_index = |name: &String| index(manifest.buffers.iter().map(|buffer| &buffer.name), name);
    let columns: Vec<_> = section
        .energies
        .iter()
        .map(|(class, name)| {
            let columns = manifest
                .outputs
                .iter()
                .flat_map(|output| output.columns.iter().map(move |column| (output, column)));
            let found = columns.into_iter().find(|(_, column)| column.name == *name);
            let (output, column) =
                found.ok_or_else(|| RunError::Internal("a checked package's energies name its columns".into()))?;
            Ok((class, output, column))
        })
        .collect::<Result<_, RunError>>()?;
    let forces = [&section.forces].into_iter();
    let wanted: Vec<usize> = forces
        .chain(columns.iter().map(|(_, output, _)| &output.buffer))
        .map(buffer_index)
        .collect();
    let bytes = executor.probe(&section.until, &wanted)?;
    let energies = columns.iter().zip(&bytes[1..]).map(|((class, output, column), bytes)| {
        let energy = number(column, buffer_of(package, output), bytes);
        ((*class).clone(), energy)
    });
    let forces = bytes[0].as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word));
    Ok(Evaluation {
        energies: energies.collect(),
        forces: forces.collect(),
    })
}
