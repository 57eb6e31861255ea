//! Harmonic bonds as a part of a package.

use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::{Bond, ForceClass};

/// The term; not to be added without bonds.
#[derive(Clone, Copy, Debug)]
pub struct Bonds<'a>(pub &'a [Bond]);

impl Part for Bonds<'_> {
    fn contribute(&self, draft: &mut Draft) {
        draft.integer("bonds", self.0.len() as u64);
        draft.constant_u32("bond_atoms", &["bonds", "2"], self.0.iter().flat_map(|bond| bond.atoms));
        let parameters = self.0.iter().flat_map(|bond| {
            let square = bond.length_nm * bond.length_nm;
            let high = f64::from(square as f32);
            [bond.k_kj_mol_nm2, bond.length_nm, high, square - high]
        });
        draft.constant_f32("bond_parameters", &["bonds", "4"], parameters);
        draft.integer_forces();
        let exact = match draft.is_box_moving() {
            true => "md/terms/bonds/exact_scaled.wgsl",
            false => "md/terms/bonds/exact.wgsl",
        };
        let bond = [exact, "md/terms/bonds/bond.wgsl"];
        let kernel = Kernel::tagged_forces(draft, "bond_forces", &bond, "md/terms/bonds/bond_forces.wgsl");
        draft.bonded(kernel.over("bonds"), "bond_forces_of");
        let kernel = Kernel::tagged_energies(draft, "bond_energies", &bond, "md/terms/bonds/bond_energies.wgsl");
        let groups = draft.kernel(Phase::Observe, kernel.over("bonds"));
        let [energy] = draft.sums("bond_sums", groups, ["bonds"]);
        draft.energy(Energy::of(ForceClass::HarmonicBond.name(), energy));
    }
}
