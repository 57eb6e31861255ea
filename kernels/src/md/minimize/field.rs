//! Forces of a state from a device: at the package's own scale of integers, and where a pair of atoms pushes with more than it holds, at one that is 2²² times
//! coarser (molecules: 3·10¹¹ kJ/mol/nm). Beyond that atoms lie on each other, and the closest ones are named.
//!
//! Invariant: which scale is used follows from the states alone: the coarse one from a fault on, until no force is above a quarter of the fine one's range.

use device::{Device, SessionOptions};
use protocol::StateBuffer;

use super::MinimizeError;
use crate::md::readback::Readback;
use crate::md::system::Vector;
use crate::md::twin::vector::norm;
use crate::package::manifest::Number;
use crate::package::{Package, PackageError};
use crate::run::{Evaluator, RunError};

/// Fine units in a coarse one.
const COARSE: f64 = 4_194_304.0;
/// Largest force, in units of the fine scale, at which that is tried again: half of what a pair may push with.
const FINE_BELOW: f64 = 536_870_912.0;
/// The pass after which forces are there, before energies, whose range is smaller.
const FORCES_PASS: &str = "sum_forces";
/// Closest atoms that are named.
const NAMED_MAX: usize = 5;
/// Atoms nearer than this are named, nm.
const NEAR_NM: f64 = 0.06;

/// A package's forces on a device.
pub(super) struct Field<'a> {
    fine: Evaluator<'a>,
    coarse: Option<Evaluator<'a>>,
    coarse_package: &'a Package,
    device: &'a dyn Device,
    options: &'a SessionOptions,
    particles: &'a Readback,
    is_coarse: bool,
    /// Largest force, kJ/mol/nm, at which the fine scale is tried again.
    fine_below: f64,
}

/// The package with forces at the coarse scale.
///
/// # Errors
/// It makes no package.
pub(super) fn coarse(package: &Package) -> Result<Package, PackageError> {
    let mut manifest = package.manifest().clone();
    for (name, factor) in [("force_scale", COARSE.recip()), ("force_unit", COARSE)] {
        if let Some(Number::Float(value)) = manifest.constants.get_mut(name) {
            *value *= factor;
        }
    }
    package.with_manifest(manifest)
}

impl<'a> Field<'a> {
    pub(super) fn open(
        package: &'a Package,
        coarse_package: &'a Package,
        device: &'a dyn Device,
        options: &'a SessionOptions,
        particles: &'a Readback,
    ) -> Result<Self, RunError> {
        let unit = match package.manifest().constants.get("force_unit") {
            Some(Number::Float(unit)) => *unit,
            _ => 0.0,
        };
        Ok(Self {
            fine: Evaluator::open(package, device, options)?,
            coarse: None,
            coarse_package,
            device,
            options,
            particles,
            is_coarse: false,
            fine_below: FINE_BELOW * unit,
        })
    }

    /// Whether the last forces were coarse ones.
    pub(super) fn is_coarse(&self) -> bool {
        self.is_coarse
    }

    /// Potential energy, kJ/mol; none where it is beyond what the package holds.
    ///
    /// # Errors
    /// The device's.
    pub(super) fn energy(&mut self, state: &[StateBuffer]) -> Result<Option<f64>, RunError> {
        match self.fine.evaluate(state) {
            Ok(evaluation) => Ok(Some(evaluation.energies.values().sum())),
            Err(RunError::Fault { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forces, kJ/mol/nm.
    ///
    /// # Errors
    /// The device's; or atoms lie on each other: which.
    pub(super) fn forces(&mut self, state: &[StateBuffer]) -> Result<Vec<Vector>, MinimizeError> {
        if !self.is_coarse {
            match forces(&mut self.fine, state) {
                Ok(forces) => return Ok(forces),
                Err(RunError::Fault { .. }) => self.is_coarse = true,
                Err(error) => return Err(error.into()),
            }
        }
        let evaluator = match &mut self.coarse {
            Some(evaluator) => evaluator,
            empty => empty.insert(Evaluator::open(self.coarse_package, self.device, self.options)?),
        };
        let found = match forces(evaluator, state) {
            Ok(found) => found,
            Err(RunError::Fault { .. }) => return Err(MinimizeError::State(self.overlap(state))),
            Err(error) => return Err(error.into()),
        };
        if found.iter().all(|force| norm(*force) < self.fine_below)
            && let Ok(fine) = forces(&mut self.fine, state)
        {
            self.is_coarse = false;
            return Ok(fine);
        }
        Ok(found)
    }

    /// What to say of atoms that lie on each other.
    fn overlap(&self, state: &[StateBuffer]) -> String {
        let positions = state.iter().find(|buffer| buffer.name == "positions");
        let words: Vec<u32> = positions.map_or_else(Vec::new, |buffer| {
            let words = buffer.bytes.as_chunks::<4>().0.iter();
            words.map(|word| u32::from_le_bytes(*word)).collect()
        });
        let places = words.as_chunks::<3>().0;
        let massive: Vec<usize> = (0..places.len())
            .filter(|atom| self.particles.masses_u[*atom] > 0.0)
            .collect();
        let mut near = Vec::new();
        for (index, a) in massive.iter().enumerate() {
            for b in &massive[..index] {
                let r = norm(self.particles.cell.difference(places[*a], places[*b]));
                if r < NEAR_NM {
                    near.push((r, *b, *a));
                }
            }
        }
        near.sort_by(|one, other| one.0.total_cmp(&other.0));
        let named = near.iter().take(NAMED_MAX);
        let named: Vec<String> = named.map(|(r, a, b)| format!("{a} and {b} ({r:.4} nm)")).collect();
        if named.is_empty() {
            return "a force is beyond any scale, though no two atoms are nearer than 0.06 nm: check charges and Lennard-Jones parameters".into();
        }
        format!(
            "atoms lie on each other, and which way they should part does not follow from their forces: {}; of {} pairs nearer than {NEAR_NM} nm in all. Move or remove one of each",
            named.join(", "),
            near.len()
        )
    }
}

fn forces(evaluator: &mut Evaluator<'_>, state: &[StateBuffer]) -> Result<Vec<Vector>, RunError> {
    let flat = match evaluator.has_pass(FORCES_PASS) {
        true => evaluator.forces_until(state, FORCES_PASS)?,
        false => evaluator.evaluate(state)?.forces,
    };
    Ok(flat.as_chunks::<3>().0.iter().map(|force| force.map(f64::from)).collect())
}
