//! Torsions as parts of a package: three kinds with the same kernels and a file of their own for the energy as a function of the angle.

use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::{ForceClass, Improper, RbTorsion, Torsion};
use crate::package::manifest::Number;

/// Periodic torsions; not to be added without any.
#[derive(Clone, Copy, Debug)]
pub struct PeriodicTorsions<'a>(pub &'a [Torsion]);

/// Ryckaert-Bellemans torsions; not to be added without any.
#[derive(Clone, Copy, Debug)]
pub struct RbTorsions<'a>(pub &'a [RbTorsion]);

/// Harmonic impropers; not to be added without any.
#[derive(Clone, Copy, Debug)]
pub struct Impropers<'a>(pub &'a [Improper]);

impl Part for PeriodicTorsions<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let row = |torsion: &Torsion| {
            let (sin, cos) = (libm::sin(torsion.phase_rad), libm::cos(torsion.phase_rad));
            [torsion.k_kj_mol, cos, sin, f64::from(torsion.periodicity)]
        };
        let kind = TorsionKind {
            name: "periodic_torsion",
            class: ForceClass::PeriodicTorsion,
            files: &["md/terms/torsions/periodic_torsion.wgsl"],
        };
        let rows = self.0.iter().map(|torsion| (torsion.atoms, row(torsion).to_vec()));
        kind.contribute(draft, &rows.collect::<Vec<_>>());
    }
}

impl Part for RbTorsions<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let kind = TorsionKind {
            name: "rb_torsion",
            class: ForceClass::RbTorsion,
            files: &["md/terms/torsions/rb_torsion.wgsl"],
        };
        let rows = self.0.iter().map(|torsion| {
            let coefficients = torsion.c_kj_mol.into_iter().chain([0.0; 2]);
            (torsion.atoms, coefficients.collect::<Vec<_>>())
        });
        kind.contribute(draft, &rows.collect::<Vec<_>>());
    }
}

impl Part for Impropers<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let kind = TorsionKind {
            name: "improper",
            class: ForceClass::CustomTorsion,
            files: &["md/terms/arc.wgsl", "md/terms/torsions/harmonic_torsion.wgsl"],
        };
        let rows = self.0.iter().map(|improper| {
            let angle = improper.angle_rad;
            let row = vec![improper.k_kj_mol_rad2, libm::cos(angle), libm::sin(angle), 0.0];
            (improper.atoms, row)
        });
        kind.contribute(draft, &rows.collect::<Vec<_>>());
    }
}

/// What tells kinds of torsions apart.
struct TorsionKind {
    name: &'static str,
    class: ForceClass,
    files: &'static [&'static str],
}

impl TorsionKind {
    /// Atoms and parameters of each torsion: rows of one length, a multiple of four.
    fn contribute(&self, draft: &mut Draft, rows: &[([u32; 4], Vec<f64>)]) {
        let name = self.name;
        let [count, atoms, parameters, sums] = ["count", "atoms", "parameters", "sums"].map(|what| format!("{name}_{what}"));
        draft.integer(&count, rows.len() as u64);
        draft.constant_u32(&atoms, &[&count, "4"], rows.iter().flat_map(|(atoms, _)| *atoms));
        let width = rows.first().map_or(0, |(_, row)| row.len()).to_string();
        draft.constant_f32(
            &parameters,
            &[&count, &width],
            rows.iter().flat_map(|(_, row)| row.iter().copied()),
        );
        draft.integer_forces();
        let torsions = Number::Integer(rows.len() as i64);
        let bound = |kernel: Kernel| {
            kernel
                .over(&count)
                .bind("torsion_atoms", &atoms)
                .bind("torsion_parameters", &parameters)
                .set("torsions", torsions)
        };
        let both = ["md/terms/torsions/torsion.wgsl", "md/terms/torsions/torsion_add.wgsl"];
        let files = [&both[..], self.files].concat();
        let last = "md/terms/torsions/torsion_forces.wgsl";
        let kernel = Kernel::tagged_forces(draft, &format!("{name}_forces"), &files, last);
        draft.bonded(bound(kernel), "torsion_forces_of");
        let files = [&both[..1], self.files].concat();
        let last = "md/terms/torsions/torsion_energies.wgsl";
        let kernel = Kernel::tagged_energies(draft, &format!("{name}_energies"), &files, last);
        let groups = draft.kernel(Phase::Observe, bound(kernel).bind("torsion_sums", &sums));
        let [energy] = draft.sums(&sums, groups, [name]);
        draft.energy(Energy::of(self.class.name(), energy));
    }
}
