//! Single pairs as a part of a package.

use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::{ForceClass, PairBond};

/// The term; not to be added without pairs.
#[derive(Clone, Copy, Debug)]
pub struct PairBonds<'a>(pub &'a [PairBond]);

impl Part for PairBonds<'_> {
    fn contribute(&self, draft: &mut Draft) {
        draft.integer("pair_bonds", self.0.len() as u64);
        let atoms = self.0.iter().flat_map(|pair| pair.atoms);
        draft.constant_u32("pair_bond_atoms", &["pair_bonds", "2"], atoms);
        let parameters = self
            .0
            .iter()
            .flat_map(|pair| [pair.coulomb_kj_mol_nm, pair.a_kj_mol_nm12, pair.b_kj_mol_nm6, 0.0]);
        draft.constant_f32("pair_bond_parameters", &["pair_bonds", "4"], parameters);
        draft.integer_forces();
        let pair = ["md/terms/pair_bonds/pair_bond.wgsl"];
        let last = "md/terms/pair_bonds/pair_bond_forces.wgsl";
        let kernel = Kernel::tagged_forces(draft, "pair_bond_forces", &pair, last);
        draft.bonded(kernel.over("pair_bonds"), "pair_bond_forces_of");
        let last = "md/terms/pair_bonds/pair_bond_energies.wgsl";
        let kernel = Kernel::tagged_energies(draft, "pair_bond_energies", &pair, last);
        let groups = draft.kernel(Phase::Observe, kernel.over("pair_bonds"));
        let [energy] = draft.sums("pair_bond_sums", groups, ["pair bonds"]);
        draft.energy(Energy::of(ForceClass::CustomBond.name(), energy));
    }
}
