//! Exceptions and excluded pairs as a part of a package.

use super::series::{SERIES_TERMS, ewald_series};
use crate::md::draft::{Draft, Energy, Kernel, Part, Phase};
use crate::md::system::nonbonded::COULOMB;
use crate::md::system::{ForceClass, Method, Nonbonded, Particle};

/// The term: pairs with numbers of their own, and with PME every excluded pair, from which what the reciprocal sum counts is taken back.
#[derive(Clone, Copy, Debug)]
pub struct Exceptions<'a> {
    /// Which pairs.
    pub nonbonded: &'a Nonbonded,
    /// Their charges.
    pub particles: &'a [Particle],
}

impl Exceptions<'_> {
    /// Atoms of each pair, and C (kJ nm/mol), sigma (nm), 4 epsilon (kJ/mol), Q (kJ nm/mol) as `exception.wgsl` names them.
    fn rows(&self, ewald: bool) -> Vec<([u32; 2], [f64; 4])> {
        let own = |atoms: &[u32; 2]| {
            let found = self
                .nonbonded
                .exceptions
                .binary_search_by_key(atoms, |exception| exception.atoms);
            found.map(|index| self.nonbonded.exceptions[index])
        };
        let charge = |atom: u32| self.particles[atom as usize].charge_e;
        let rows = self.nonbonded.exclusions.iter().map(|atoms| {
            let far = if ewald {
                COULOMB * charge(atoms[0]) * charge(atoms[1])
            } else {
                0.0
            };
            let [c, sigma, epsilon] = own(atoms).map_or([0.0; 3], |exception| {
                [
                    COULOMB * exception.charge_product_e2,
                    exception.sigma_nm,
                    4.0 * exception.epsilon_kj_mol,
                ]
            });
            (*atoms, [c, sigma, epsilon, far])
        });
        // Pairs that feel nothing are left out.
        rows.filter(|(_, [c, _, epsilon, far])| *c != 0.0 || *epsilon != 0.0 || *far != 0.0)
            .collect()
    }
}

impl Part for Exceptions<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let alpha_per_nm = match self.nonbonded.method {
            Method::Pme { alpha_per_nm, .. } => Some(alpha_per_nm),
            Method::NoCutoff | Method::ReactionField { .. } => None,
        };
        let rows = self.rows(alpha_per_nm.is_some());
        if rows.is_empty() {
            return;
        }
        draft.integer("exceptions", rows.len() as u64);
        draft.constant_u32(
            "exception_atoms",
            &["exceptions", "2"],
            rows.iter().flat_map(|(atoms, _)| *atoms),
        );
        let parameters = rows.iter().flat_map(|(_, row)| *row);
        draft.constant_f32("exception_parameters", &["exceptions", "4"], parameters);
        draft.float("ewald_alpha", alpha_per_nm.unwrap_or(1.0));
        let [near, far] = SERIES_TERMS;
        draft.integer("ewald_terms_near", near as u64);
        draft.integer("ewald_terms_far", far as u64);
        let series = ewald_series();
        draft.constant_f32(
            "ewald_series",
            &[&series.len().to_string()],
            series.into_iter().map(f64::from),
        );
        draft.integer_forces();
        let exception = ["md/terms/exceptions/exception.wgsl"];
        let last = "md/terms/exceptions/exception_forces.wgsl";
        let kernel = Kernel::tagged_forces(draft, "exception_forces", &exception, last);
        draft.bonded(kernel.over("exceptions"), "exception_forces_of");
        let last = "md/terms/exceptions/exception_energies.wgsl";
        let kernel = Kernel::tagged_energies(draft, "exception_energies", &exception, last);
        let groups = draft.kernel(Phase::Observe, kernel.over("exceptions"));
        let [energy] = draft.sums("exception_sums", groups, ["exceptions"]);
        draft.energy(Energy::of(ForceClass::Nonbonded.name(), energy));
    }
}
