//! Lennard-Jones and Coulomb between all atoms within a cutoff, each pair's force an integer of its own.
//!
//! | module | owns |
//! |---|---|
//! | [`ewald`] | the direct part of Ewald's sum as polynomials |
//! | `rows` | Lennard-Jones coefficients by pairs of kinds |
//! | [`twin`] | the term in double precision |
//!
//! Invariant: forces and energies are functions of the set of pairs within the cutoff, not of list, skin, sort, capacity or workgroup order.
//! Where no kind has a charge, pairs are those of `pair_lennard_jones.wgsl`.
//!
//! Exceptions (excluded pairs with numbers of their own), the reciprocal part of PME and what it counts too much are terms of their own.

pub mod ewald;
mod rows;
pub mod twin;

use self::rows::Rows;
use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::list::BoxFiles;
use crate::md::system::nonbonded::COULOMB;

/// How Coulomb acts within the cutoff.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coulomb {
    /// q q' (1/r + k r² − c); k = c = 0 is Coulomb's own law.
    Field {
        /// k, nm⁻³.
        k: f64,
        /// c, 1/nm.
        c: f64,
    },
    /// q q' erfc(αr)/r.
    Ewald {
        /// α, 1/nm.
        alpha_per_nm: f64,
    },
}

/// ε of atoms with charges below this, kJ/mol, is nothing at any distance that is not a fault, and would only underflow.
const EPSILON_LEAST: f64 = 1e-16;

/// Coefficients without charges below this share of the largest one are nothing.
const LEAST: f64 = 1e-20;
/// Square of the least distance of atoms without charges, in the unit of length, of which the cutoff is 1 to 2: 1/r¹⁴ there is within f32's range.
const NEAREST2: f64 = 1.0 / 262_144.0;

/// The term. Kinds are those that the draft's `types` number.
#[derive(Clone, Debug, PartialEq)]
pub struct Nonbonded {
    /// Charge of each kind, e.
    pub charges_e: Vec<f64>,
    /// Lennard-Jones σ (nm) and ε (kJ/mol) of each kind.
    pub lennard_jones: Vec<[f64; 2]>,
    /// Cutoff radius, nm: no interaction at or beyond it.
    pub cutoff_nm: f64,
    /// Where Lennard-Jones begins to be switched off, nm.
    pub switch_nm: Option<f64>,
    /// Coulomb.
    pub coulomb: Coulomb,
}

impl Part for Nonbonded {
    fn contribute(&self, draft: &mut Draft) {
        draft.float("cutoff2", self.cutoff_nm.powi(2));
        draft.slot_forces();
        let charged = self.charges_e.iter().any(|charge| *charge != 0.0);
        let mut law = vec!["md/list/list_rows.wgsl", BoxFiles::of(draft).pairs, self.switch(draft)];
        law.extend(if charged { self.charged(draft) } else { self.uncharged(draft) });
        let files = [&law[..], &["md/terms/nonbonded/pair_forces.wgsl"]].concat();
        draft.kernel(Phase::Forces, Kernel::new("pair_forces", &files).over("slots"));
        let last = [
            "md/observe/fixed64.wgsl",
            "md/observe/fixed64_series.wgsl",
            "md/terms/nonbonded/pair_energies.wgsl",
        ];
        let files = [&law[..], &last].concat();
        let groups = draft.kernel(Phase::Observe, Kernel::new("pair_energies", &files).over("slots"));
        if charged {
            let [lennard_jones, coulomb, virial] = draft.sums("pair_sums", groups, ["Lennard-Jones", "Coulomb", "virial"]);
            let energy = Energy::of("NonbondedForce", lennard_jones).and(coulomb);
            draft.energy(energy.with_virial(virial));
            draft.column("lennard_jones", "kJ/mol", lennard_jones, 1.0);
            draft.column("coulomb_direct", "kJ/mol", coulomb, 1.0);
        } else {
            let [energy, at_cutoff, virial] = draft.sums("pair_sums", groups, ["Lennard-Jones", "at cutoff", "virial"]);
            let energy = Energy::of("NonbondedForce", energy).with_virial(virial);
            draft.energy(energy.with_jump_at_cutoff(at_cutoff));
        }
    }
}

impl Nonbonded {
    /// Files of pairs with charges, and their constants.
    fn charged(&self, draft: &mut Draft) -> Vec<&'static str> {
        let kinds = self.charges_e.iter().zip(&self.lennard_jones);
        let kinds = kinds.flat_map(|(charge, [sigma_nm, epsilon_kj_mol])| {
            let (size, depth) = match epsilon_kj_mol {
                // Without ε, σ means nothing.
                ..EPSILON_LEAST => (0.0, 0.0),
                epsilon => (0.5 * sigma_nm, 2.0 * epsilon.sqrt()),
            };
            [charge * COULOMB.sqrt(), size, depth, 0.0]
        });
        draft.constant_f32("pair_kinds", &["kinds_count", "4"], kinds);
        vec![self.coulomb(draft), "md/terms/nonbonded/pair.wgsl"]
    }

    /// Files of pairs without charges, and their constants.
    fn uncharged(&self, draft: &mut Draft) -> Vec<&'static str> {
        let rows = Rows::of(&self.lennard_jones);
        // A power of two, so that the unit costs no digit.
        let unit2 = (2.0 * self.cutoff_nm.log2().floor()).exp2();
        draft.float("lj_unit2", unit2);
        draft.float("lj_nearest2", unit2 * NEAREST2);
        let in_units = rows
            .coefficients()
            .into_iter()
            .map(|[c12, c6]| [c12 / unit2.powi(7), c6 / unit2.powi(4)]);
        let in_units: Vec<[f64; 2]> = in_units.collect();
        // What is far below all others would only underflow.
        let most = in_units.iter().flatten().fold(0.0, |most: f64, c| most.max(*c));
        let least = (LEAST * most).max(1e-30);
        let kept = in_units.iter().map(|pair| pair.map(|c| if c < least { 0.0 } else { c }));
        let kept: Vec<[f64; 2]> = kept.collect();
        let one = if let [[c12, c6]] = kept[..] {
            draft.float("lj_12", c12);
            draft.float("lj_6", c6);
            "md/terms/nonbonded/lennard_jones_one.wgsl"
        } else {
            rows.tables(&kept, draft);
            "md/terms/nonbonded/lennard_jones_table.wgsl"
        };
        vec![one, "md/terms/nonbonded/pair_lennard_jones.wgsl"]
    }

    fn switch(&self, draft: &mut Draft) -> &'static str {
        match self.switch_nm.filter(|start| *start < self.cutoff_nm) {
            None => "md/terms/nonbonded/switch_none.wgsl",
            Some(start) => {
                draft.float("switch_start", start);
                draft.float("switch_inverse", (self.cutoff_nm - start).recip());
                "md/terms/nonbonded/switch_quintic.wgsl"
            }
        }
    }

    fn coulomb(&self, draft: &mut Draft) -> &'static str {
        match self.coulomb {
            Coulomb::Field { k, c } => {
                draft.float("field_k", k);
                draft.float("field_c", c);
                "md/terms/nonbonded/coulomb_field.wgsl"
            }
            Coulomb::Ewald { alpha_per_nm } => {
                draft.float("ewald_t", 2.0 / self.cutoff_nm.powi(2));
                let [forces, energies] = ewald::polynomials(alpha_per_nm, self.cutoff_nm);
                for (name, powers) in [("force", &forces), ("energy", &energies)] {
                    for degree in [12, 13] {
                        draft.boolean(&format!("ewald_{name}_has_{degree}"), powers[degree] != 0.0);
                    }
                }
                for k in 0..ewald::COEFFICIENTS {
                    draft.float(&format!("ewald_force_{k}"), forces[k]);
                    draft.float(&format!("ewald_energy_{k}"), energies[k]);
                }
                "md/terms/nonbonded/coulomb_ewald.wgsl"
            }
        }
    }
}
