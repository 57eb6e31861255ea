//! Generalised Born implicit solvent as a part of a package. Needs a [`List`](crate::md::list::List) that reaches its cutoff.
//!
//! Sums over pairs are integers, forces and descreening alike, so that they depend on the pairs within the cutoff alone.

use std::f64::consts::PI;

use super::twin::{OFFSET_NM, factor_kj_nm_mol};
use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::list::BoxFiles;
use crate::md::system::{ForceClass, GbObc, GbParticle};
use crate::package::manifest::Element;

/// Units of descreening sums in 1/nm: a sum fits up to 256/nm, 25 atoms of 0.1 nm inside one.
const SUM_UNITS: f64 = 8_388_608.0;

/// What fault 8 means.
const FAULT: &str = "two particles in implicit solvent take more of each other's surroundings than can be summed: atoms overlap; minimise the energy of the starting state, or use a smaller time step";

/// The term.
#[derive(Clone, Copy, Debug)]
pub struct ImplicitSolvent<'a> {
    /// Settings.
    pub gb: &'a GbObc,
    /// A particle of each of the draft's kinds.
    pub kinds: &'a [GbParticle],
    /// Cutoff radius, nm; without one, the list's.
    pub cutoff_nm: f64,
}

impl Part for ImplicitSolvent<'_> {
    fn contribute(&self, draft: &mut Draft) {
        draft.fault(8, FAULT);
        self.constants(draft);
        draft.slot_forces();
        for sums in ["gb_sums", "gb_slopes"] {
            draft.scratch(sums, Element::I32, &["slots"]);
            draft.clear(sums, "slots", 1);
        }
        draft.scratch("gb_born", Element::F32, &["slots", "4"]);
        let cell = BoxFiles::of(draft).pairs;
        let (gb, charge) = ("md/terms/gb_obc/gb.wgsl", "md/terms/gb_obc/gb_charge.wgsl");
        let pairs = ["md/list/list_rows.wgsl", "md/terms/cluster_pairs.wgsl", cell, gb];
        let over_clusters = |name: &str, more: &[&'static str]| {
            let files = [&pairs[..], more].concat();
            Kernel::new(name, &files).over("clusters")
        };
        let kernel = over_clusters("gb_descreen", &["md/terms/gb_obc/gb_descreen.wgsl"]);
        draft.kernel(Phase::Forces, kernel);
        let kernel = Kernel::new("gb_radii", &[cell, gb, "md/terms/gb_obc/gb_radii.wgsl"]);
        draft.kernel(Phase::Forces, kernel.over("slots"));
        let [round, sums] = ["md/terms/force_round.wgsl", "md/terms/slot_force_sums.wgsl"];
        let kernel = over_clusters("gb_pairs", &[charge, round, sums, "md/terms/gb_obc/gb_pairs.wgsl"]);
        draft.kernel(Phase::Forces, kernel);
        let kernel = over_clusters("gb_forces", &[round, sums, "md/terms/gb_obc/gb_forces.wgsl"]);
        draft.kernel(Phase::Forces, kernel);
        let files = [
            charge,
            "md/observe/fixed64.wgsl",
            "md/terms/cluster_sum.wgsl",
            "md/terms/gb_obc/gb_energies.wgsl",
        ];
        let groups = draft.kernel(Phase::Observe, over_clusters("gb_energies", &files));
        let [energy] = draft.sums("gb_energy_sums", groups, ["implicit solvent"]);
        draft.energy(Energy::of(ForceClass::GbsaObc.name(), energy));
    }
}

impl ImplicitSolvent<'_> {
    fn constants(&self, draft: &mut Draft) {
        let rows = self.kinds.iter().flat_map(|kind| {
            let own = kind.radius_nm - OFFSET_NM;
            [kind.charge_e, own, own * kind.scale, kind.radius_nm]
        });
        draft.constant_f32("gb_kinds", &["kinds_count", "4"], rows);
        for (name, value) in [
            ("gb_cutoff2", self.cutoff_nm.powi(2)),
            ("gb_shift", self.gb.cutoff_nm.map_or(0.0, f64::recip)),
            ("gb_sum_scale", SUM_UNITS),
            ("gb_sum_unit", SUM_UNITS.recip()),
            ("gb_charges", factor_kj_nm_mol(self.gb)),
            ("gb_surface", 4.0 * PI * self.gb.surface_kj_mol_nm2),
        ] {
            draft.float(name, value);
        }
    }
}
