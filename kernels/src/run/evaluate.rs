//! Evaluations of energies and forces, for packages that say how (`[evaluate]` of the manifest).

use std::collections::BTreeMap;

use device::{Device, SessionOptions};
use protocol::StateBuffer;

use crate::package::Package;
use crate::package::manifest::{Column, Output};
use crate::package::table::number;

use super::RunError;
use super::executor::Executor;
use super::outputs::buffer_of;
use super::plan::index;
use super::state::initial_state;

/// Energies and forces of a state.
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
    Evaluator::open(package, device, options)?.evaluate(&initial_state(package))
}

/// A package on a device, ready to evaluate one state after the other.
pub struct Evaluator<'a> {
    package: &'a Package,
    executor: Executor<'a>,
    until: &'a str,
    forces: usize,
    /// Force classes, each with the column that holds its energy and that column's output and buffer.
    classes: Vec<(&'a str, &'a Output, &'a Column, usize)>,
}

impl<'a> Evaluator<'a> {
    /// Compile a package on a device.
    ///
    /// # Errors
    /// The package has no `[evaluate]`, or the device failed.
    pub fn open(package: &'a Package, device: &'a dyn Device, options: &SessionOptions) -> Result<Self, RunError> {
        let manifest = package.manifest();
        let section = manifest.evaluate.as_ref().ok_or_else(|| {
            RunError::Evaluate(format!(
                "package '{}' has no [evaluate] section: there are no energies and forces to evaluate",
                manifest.name
            ))
        })?;
        let buffer_index = |name: &String| index(manifest.buffers.iter().map(|buffer| &buffer.name), name);
        let classes = section.energies.iter().map(|(class, name)| {
            let columns = manifest
                .outputs
                .iter()
                .flat_map(|output| output.columns.iter().map(move |column| (output, column)));
            let found = columns.into_iter().find(|(_, column)| column.name == *name);
            let (output, column) =
                found.ok_or_else(|| RunError::Internal("a checked package's energies name its columns".into()))?;
            Ok((class.as_str(), output, column, buffer_index(&output.buffer)))
        });
        Ok(Self {
            package,
            executor: Executor::open(package, device, options)?,
            until: &section.until,
            forces: buffer_index(&section.forces),
            classes: classes.collect::<Result<_, RunError>>()?,
        })
    }

    /// Energies and forces of a state.
    ///
    /// # Errors
    /// The device failed, or the package reports a fault.
    pub fn evaluate(&mut self, state: &[StateBuffer]) -> Result<Evaluation, RunError> {
        self.executor.enter(0, state)?;
        let buffers = self.classes.iter().map(|(.., buffer)| *buffer);
        let wanted: Vec<usize> = [self.forces].into_iter().chain(buffers).collect();
        let bytes = self.executor.probe(self.until, &wanted)?;
        let energies = self
            .classes
            .iter()
            .zip(&bytes[1..])
            .map(|((class, output, column, _), bytes)| {
                let energy = number(column, buffer_of(self.package, output), bytes);
                ((*class).to_owned(), energy)
            });
        Ok(Evaluation {
            energies: energies.collect(),
            forces: floats(&bytes[0]),
        })
    }

    /// Forces alone, of step 0 up to and including a pass of this name.
    ///
    /// # Errors
    /// The device failed, or the package reports a fault.
    ///
    /// # Panics
    /// There is no such pass.
    pub fn forces_until(&mut self, state: &[StateBuffer], pass: &str) -> Result<Vec<f32>, RunError> {
        self.executor.enter(0, state)?;
        let bytes = self.executor.probe(pass, &[self.forces])?;
        Ok(floats(&bytes[0]))
    }

    /// Whether the package has a pass of this name.
    pub fn has_pass(&self, name: &str) -> bool {
        self.package.manifest().passes.iter().any(|pass| pass.name == name)
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&word| f32::from_le_bytes(word))
        .collect()
}
