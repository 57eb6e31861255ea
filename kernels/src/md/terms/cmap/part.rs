//! Correction maps as a part of a package.

use super::patches::patches;
use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::{CmapGrid, CmapTorsion, ForceClass};

/// The term; not to be added without torsions.
#[derive(Clone, Copy, Debug)]
pub struct Cmap<'a> {
    /// Maps.
    pub grids: &'a [CmapGrid],
    /// Pairs of torsions.
    pub torsions: &'a [CmapTorsion],
}

impl Part for Cmap<'_> {
    fn contribute(&self, draft: &mut Draft) {
        // A map's patches follow those of the maps before it.
        let mut coefficients = Vec::new();
        let mut firsts = Vec::new();
        for grid in self.grids {
            firsts.push((coefficients.len() / 16) as u32);
            coefficients.extend(patches(grid).into_iter().flatten());
        }
        draft.integer("cmaps", self.torsions.len() as u64);
        let rows = self.torsions.iter().flat_map(|torsion| {
            let grid = torsion.grid as usize;
            let shape = [firsts[grid], self.grids[grid].size as u32, 0, 0];
            torsion.atoms.into_iter().flatten().chain(shape)
        });
        draft.constant_u32("cmap_atoms", &["cmaps", "12"], rows);
        let vectors = (coefficients.len() / 4).to_string();
        draft.constant_f32("cmap_patches", &[&vectors, "4"], coefficients);
        draft.integer_forces();
        let files = [
            "md/terms/torsions/torsion.wgsl",
            "md/terms/torsions/torsion_add.wgsl",
            "md/terms/arc.wgsl",
            "md/terms/cmap/cmap.wgsl",
        ];
        let kernel = Kernel::tagged_forces(draft, "cmap_forces", &files, "md/terms/cmap/cmap_forces.wgsl");
        draft.bonded(kernel.over("cmaps"), "cmap_forces_of");
        let files = [
            "md/terms/torsions/torsion.wgsl",
            "md/terms/arc.wgsl",
            "md/terms/cmap/cmap.wgsl",
        ];
        let kernel = Kernel::tagged_energies(draft, "cmap_energies", &files, "md/terms/cmap/cmap_energies.wgsl");
        let groups = draft.kernel(Phase::Observe, kernel.over("cmaps"));
        let [energy] = draft.sums("cmap_sums", groups, ["cmap"]);
        draft.energy(Energy::of(ForceClass::Cmap.name(), energy));
    }
}
