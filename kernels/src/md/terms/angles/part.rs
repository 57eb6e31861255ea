//! Harmonic angles as a part of a package.

use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::{Angle, ForceClass};

/// The term; not to be added without angles.
#[derive(Clone, Copy, Debug)]
pub struct Angles<'a>(pub &'a [Angle]);

impl Part for Angles<'_> {
    fn contribute(&self, draft: &mut Draft) {
        draft.integer("angles", self.0.len() as u64);
        let atoms = self.0.iter().flat_map(|angle| {
            let [a, b, c] = angle.atoms;
            [a, b, c, 0]
        });
        draft.constant_u32("angle_atoms", &["angles", "4"], atoms);
        let parameters = self.0.iter().flat_map(|angle| [angle.k_kj_mol_rad2, angle.angle_rad]);
        draft.constant_f32("angle_parameters", &["angles", "2"], parameters);
        draft.integer_forces();
        let angle = ["md/terms/arc.wgsl", "md/terms/angles/angle.wgsl"];
        let kernel = Kernel::tagged_forces(draft, "angle_forces", &angle, "md/terms/angles/angle_forces.wgsl");
        draft.bonded(kernel.over("angles"), "angle_forces_of");
        let kernel = Kernel::tagged_energies(draft, "angle_energies", &angle, "md/terms/angles/angle_energies.wgsl");
        let groups = draft.kernel(Phase::Observe, kernel.over("angles"));
        let [energy] = draft.sums("angle_sums", groups, ["angles"]);
        draft.energy(Energy::of(ForceClass::HarmonicAngle.name(), energy));
    }
}
