//! Lennard-Jones and Coulomb between all atoms within a cutoff, each pair's force an integer of its own.
//!
//! | module | owns |
//! |---|---|
//! | [`ewald`] | the direct part of Ewald's sum as polynomials |
//! | [`twin`] | the term in double precision |
//!
//! Invariant: forces and energies are functions of the set of pairs within the cutoff, not of list, skin, sort, capacity or workgroup order.
//! Needs a list of [`Kind::Half`](crate::md::list::Kind).
//!
//! Exceptions (excluded pairs with numbers of their own), the reciprocal part of PME and what it counts too much are terms of their own.

pub mod ewald;
pub mod twin;

use super::lennard_jones::pairs::Pair;
use crate::md::AtomType;
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

/// Coefficients below these, kJ/mol nm⁶ and nm¹², are nothing at any distance that is not a fault, and would only underflow.
const C6_LEAST: f64 = 1e-18;
const C12_LEAST: f64 = 1e-25;

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
        self.tables(draft);
        draft.float("cutoff2", self.cutoff_nm.powi(2));
        draft.slot_forces();
        let cell = BoxFiles::of(draft).pairs;
        let (switch, coulomb) = (self.switch(draft), self.coulomb(draft));
        let files = [
            "md/list/list_rows.wgsl",
            cell,
            coulomb,
            switch,
            "md/terms/nonbonded/pair.wgsl",
            "md/terms/nonbonded/pair_forces.wgsl",
        ];
        draft.kernel(Phase::Forces, Kernel::new("pair_forces", &files).over("slots"));
        let files = [
            "md/list/list_rows.wgsl",
            cell,
            coulomb,
            switch,
            "md/terms/nonbonded/pair.wgsl",
            "md/observe/fixed64.wgsl",
            "md/terms/nonbonded/pair_energies.wgsl",
        ];
        let groups = draft.kernel(Phase::Observe, Kernel::new("pair_energies", &files).over("slots"));
        let [lennard_jones, coulomb, virial] = draft.sums("pair_sums", groups, ["Lennard-Jones", "Coulomb", "virial"]);
        let energy = Energy::of("NonbondedForce", lennard_jones).and(coulomb);
        draft.energy(energy.with_virial(virial));
        draft.column("lennard_jones", "kJ/mol", lennard_jones, 1.0);
        draft.column("coulomb_direct", "kJ/mol", coulomb, 1.0);
    }
}

impl Nonbonded {
    /// Kinds by charge and row, and the table of rows: one for each (σ, ε) that occurs, and one without interaction.
    fn tables(&self, draft: &mut Draft) {
        let mut rows: Vec<[f64; 2]> = Vec::new();
        let row_of = self.lennard_jones.iter().map(|pair| {
            // Without ε, σ means nothing.
            let pair = if pair[1] == 0.0 { [0.0; 2] } else { *pair };
            rows.iter().position(|row| *row == pair).unwrap_or_else(|| {
                rows.push(pair);
                rows.len() - 1
            })
        });
        let row_of: Vec<usize> = row_of.collect();
        rows.push([0.0; 2]);
        let kinds = self.charges_e.iter().zip(&row_of);
        let kinds: Vec<u32> = kinds
            .flat_map(|(charge, row)| [((charge * COULOMB.sqrt()) as f32).to_bits(), *row as u32])
            .collect();
        draft.integer("pair_rows", rows.len() as u64);
        draft.integer("pair_table_rows", (rows.len() * rows.len()) as u64);
        draft.constant_u32("pair_kinds", &["kinds_count", "2"], kinds);
        let types: Vec<AtomType> = rows
            .iter()
            .map(|[sigma_nm, epsilon_kj_mol]| AtomType {
                mass_u: 1.0,
                sigma_nm: *sigma_nm,
                epsilon_kj_mol: *epsilon_kj_mol,
            })
            .collect();
        let at_least = |x: f64, least: f64| if x < least { 0.0 } else { x };
        let table = types.iter().flat_map(|a| types.iter().map(|b| Pair::mix(a, b)));
        let table = table.flat_map(|pair| [12.0 * at_least(pair.c12, C12_LEAST), 6.0 * at_least(pair.c6, C6_LEAST)]);
        draft.constant_f32("pair_table", &["pair_table_rows", "2"], table.collect::<Vec<_>>());
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
                for k in 0..ewald::COEFFICIENTS {
                    draft.float(&format!("ewald_force_{k}"), forces[k]);
                    draft.float(&format!("ewald_energy_{k}"), energies[k]);
                }
                "md/terms/nonbonded/coulomb_ewald.wgsl"
            }
        }
    }
}
