//! Springs to points as a part of a package.

use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::{ForceClass, Restraint};

/// The term; not to be added without springs.
#[derive(Clone, Copy, Debug)]
pub struct Restraints<'a> {
    /// Atoms and springs.
    pub springs: &'a [Restraint],
    /// The points as positions of the package, one a spring.
    pub points: &'a [[u32; 3]],
}

impl Part for Restraints<'_> {
    fn contribute(&self, draft: &mut Draft) {
        draft.integer("restraints", self.springs.len() as u64);
        let points = self.springs.iter().zip(self.points);
        let rows = points.flat_map(|(spring, [x, y, z])| [*x, *y, *z, spring.atom]);
        draft.constant_u32("restraint_points", &["restraints", "4"], rows);
        let springs = self.springs.iter().map(|spring| spring.k_kj_mol_nm2);
        draft.constant_f32("restraint_springs", &["restraints"], springs);
        draft.integer_forces();
        let spring = ["md/terms/restraints/restraint.wgsl"];
        let last = "md/terms/restraints/restraint_forces.wgsl";
        let kernel = Kernel::tagged_forces(draft, "restraint_forces", &spring, last);
        draft.bonded(kernel.over("restraints"), "restraint_forces_of");
        let last = "md/terms/restraints/restraint_energies.wgsl";
        let kernel = Kernel::tagged_energies(draft, "restraint_energies", &spring, last);
        let groups = draft.kernel(Phase::Observe, kernel.over("restraints"));
        let [energy] = draft.sums("restraint_sums", groups, ["restraints"]);
        draft.energy(Energy::of(ForceClass::CustomExternal.name(), energy));
    }
}
