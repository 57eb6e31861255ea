//! Lennard-Jones forces in f32, cut off and not shifted: F = (48 ε (σ/r)¹² − 24 ε (σ/r)⁶) / r² · r.
//!
//! | module | owns |
//! |---|---|
//! | [`pairs`] | coefficients of pairs of types, in double precision |
//! | `from_system` | what of a general system it can run |
//! | `unit` | the units that pairs are computed in |
//!
//! Invariant: every pair of clusters is computed from both sides, and both decide by one formula, `pair_far`'s square, whether a pair is within the cutoff.

mod from_system;
pub mod pairs;
pub(super) mod unit;

use self::pairs::Pair;
use self::unit::PairUnit;
use crate::md::AtomType;
use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};

/// The term.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJones {
    /// Kinds of atoms, by the index that `types` holds.
    pub types: Vec<AtomType>,
    /// Cutoff radius, nm: no interaction at or beyond it.
    pub cutoff_nm: f64,
}

/// The WGSL file whose `pair_square` the list must be made with, so that both see the same distances.
pub fn distance_file(edges_nm: [f64; 3], cutoff_nm: f64) -> &'static str {
    PairUnit::of(edges_nm, cutoff_nm).file
}

impl Part for LennardJones {
    fn contribute(&self, draft: &mut Draft) {
        let unit = PairUnit::of(draft.cell().cell().diagonal_nm(), self.cutoff_nm);
        self.coefficients(draft, &unit);
        draft.float_forces("LennardJones");
        let one = self.types.len() == 1;
        let force = if one {
            "md/terms/lennard_jones/lj_force_one.wgsl"
        } else {
            "md/terms/lennard_jones/lj_force_table.wgsl"
        };
        let files = ["md/list/list.wgsl", unit.file, force, "md/terms/lennard_jones/lj_forces.wgsl"];
        draft.kernel(Phase::Forces, Kernel::new("forces", &files).over("clusters"));
        let energy = if one {
            "md/terms/lennard_jones/lj_energy_one.wgsl"
        } else {
            "md/terms/lennard_jones/lj_energy_table.wgsl"
        };
        let files = [
            "md/list/list.wgsl",
            unit.file,
            "md/observe/fixed64.wgsl",
            energy,
            "md/terms/lennard_jones/lj_energies.wgsl",
        ];
        let groups = draft.kernel(Phase::Observe, Kernel::new("energies", &files).over("clusters"));
        let [energy, at_cutoff, virial] = draft.sums("pair_sums", groups, ["energy", "at cutoff", "virial"]);
        let energy = Energy::of("NonbondedForce", energy).with_virial(virial);
        draft.energy(energy.with_jump_at_cutoff(at_cutoff));
    }
}

impl LennardJones {
    fn coefficients(&self, draft: &mut Draft, unit: &PairUnit) {
        let cutoff2 = self.cutoff_nm.powi(2);
        draft.float("cutoff2", cutoff2);
        draft.float("cutoff2_units", (self.cutoff_nm / unit.small_nm).powi(2));
        draft.float("pair_scale", (unit.large_nm / unit.small_nm).powi(2));
        draft.integer("pair_mask", (1 << unit.shift) - 1);
        if let [one] = &self.types[..] {
            let one = Pair::mix(one, one);
            let [force_c6, force_c12] = unit.force(&one);
            let [energy_c6, energy_c12] = unit.energy(&one);
            draft.float("force_c6", force_c6);
            draft.float("force_c12", force_c12);
            draft.float("energy_c6", energy_c6);
            draft.float("energy_c12", energy_c12);
            draft.float("energy_cutoff", one.energy(cutoff2));
            return;
        }
        let table = pairs::table(&self.types);
        draft.integer("types_count", self.types.len() as u64);
        draft.integer("type_pairs", table.len() as u64);
        let forces = table.iter().flat_map(|pair| unit.force(pair));
        draft.constant_f32("force_table", &["type_pairs", "2"], forces);
        let energies = table.iter().flat_map(|pair| {
            let [c6, c12] = unit.energy(pair);
            [c6, c12, pair.energy(cutoff2), 0.0]
        });
        draft.constant_f32("energy_table", &["type_pairs", "4"], energies);
    }
}
