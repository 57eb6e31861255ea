//! Energies and forces of OpenMM's files in double precision on the host: what a package's are compared with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernels::import::{Files, Options, openmm};
use kernels::md::twin;

/// Energies by force class, kJ/mol, and forces, kJ/mol/nm.
pub(crate) struct Reference {
    pub(crate) energies: BTreeMap<String, f64>,
    pub(crate) forces: Vec<[f64; 3]>,
}

impl Reference {
    /// Of a System and a State: as OpenMM's Reference platform has it, or on the PME grid that their package has.
    ///
    /// # Errors
    /// A file cannot be read, or holds something that the reader does not know.
    pub(crate) fn of(files: &[PathBuf], reference_grid: bool) -> anyhow::Result<Self> {
        let [system, state] = files else {
            anyhow::bail!("found {} files, expected two: system.xml and state.xml", files.len());
        };
        let files = Files {
            system,
            state,
            integrator: None,
        };
        let options = Options {
            reference_grid,
            ..Options::default()
        };
        let evaluation = twin::evaluate(&openmm(&files, &options)?.system);
        let energies = evaluation.energies_kj_mol.into_iter();
        Ok(Self {
            energies: energies.map(|(class, energy)| (class.name().to_owned(), energy)).collect(),
            forces: evaluation.forces_kj_mol_nm,
        })
    }

    /// ‖ΔF‖ / ‖F‖ of other forces, `[n, 3]`.
    ///
    /// # Errors
    /// They are of more or fewer atoms.
    pub(crate) fn error_of(&self, forces: &[f32]) -> anyhow::Result<f64> {
        let exact = self.forces.as_flattened();
        anyhow::ensure!(
            forces.len() == exact.len(),
            "the package has {} atoms, and the reference {}: expected the same system",
            forces.len() / 3,
            self.forces.len()
        );
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let difference = square(&mut exact.iter().zip(forces).map(|(exact, force)| exact - f64::from(*force)));
        let size = square(&mut exact.iter().copied());
        Ok((difference / size.max(f64::MIN_POSITIVE)).sqrt())
    }
}
