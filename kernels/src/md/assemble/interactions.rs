//! Force terms of a system: those within the cutoff share one list, which reaches as far as the longest cutoff; then terms of given particles; then the
//! reciprocal part of PME.

use super::super::SORT_PERIOD;
use super::super::draft::Draft;
use super::super::list::List;
use super::super::list::capacity::Capacity;
use super::super::system::nonbonded::reaction_field;
use super::super::system::{ForceClass, Improper, Kinds, Method, Nonbonded, System};
use super::super::terms::angles::part::Angles;
use super::super::terms::bonds::part::Bonds;
use super::super::terms::cmap::part::Cmap;
use super::super::terms::custom_pairs::part::PairTable;
use super::super::terms::custom_pairs::twin::correction;
use super::super::terms::exceptions::part::Exceptions;
use super::super::terms::gb_obc::part::ImplicitSolvent;
use super::super::terms::nonbonded::twin::dispersion_correction;
use super::super::terms::nonbonded::{Coulomb, Nonbonded as Pairs};
use super::super::terms::pair_bonds::part::PairBonds;
use super::super::terms::pme::driver::Pme;
use super::super::terms::pme::part::Reciprocal;
use super::super::terms::restraints::part::Restraints;
use super::super::terms::torsions::part::{Impropers, PeriodicTorsions, RbTorsions};

/// The list reaches this much further than the cutoff, as a share of it.
const SKIN: f64 = 0.12;
/// The same where hydrogens turn ([`System::is_stiff`]), whose lists are short-lived: what is beyond the cutoff costs little while it stays there.
const SKIN_STIFF: f64 = 0.22;
/// Steps from one sort to the next where hydrogens turn: clusters of four atoms grow as they move apart.
const SORT_STIFF: u64 = 40;
/// Steps that a list looks ahead.
const LEAD_STEPS: f64 = 8.0;
/// The same where hydrogens turn, ps.
const LEAD_STIFF_PS: f64 = 0.005;

impl System {
    /// The list and all terms that act within the cutoff or on given particles: all but the reciprocal part of PME.
    /// Returns how far the list reaches, and the cutoff, nm; none without a list.
    pub fn interactions(&self, draft: &mut Draft) -> Option<[f64; 2]> {
        let terms = &self.terms;
        let between_all = terms.nonbonded.is_some() || !terms.custom_pairs.is_empty() || terms.gb_obc.is_some();
        let list_nm = if between_all { self.list(draft) } else { None };
        if let Some([_, cutoff_nm]) = list_nm {
            self.pairs(cutoff_nm, draft);
        }
        self.bonded(draft);
        if !terms.pair_bonds.is_empty() {
            draft.add(&PairBonds(&terms.pair_bonds));
        }
        if !terms.restraints.is_empty() {
            let cell = self.cell.unwrap_or(draft.cell().cell());
            let at = terms.restraints.iter().map(|spring| self.fixed_position(cell, spring.at_nm));
            draft.add(&Restraints {
                springs: &terms.restraints,
                points: &at.collect::<Vec<_>>(),
            });
        }
        list_nm
    }

    /// The list of all pairs within the longest cutoff. Returns how far it reaches with its skin, and that cutoff, nm; none where the box is too small
    /// for it, or exclusions differ.
    fn list(&self, draft: &mut Draft) -> Option<[f64; 2]> {
        let cell = draft.cell().cell();
        let edges_nm = cell.diagonal_nm();
        let half_nm = 0.5 * edges_nm.into_iter().fold(f64::INFINITY, f64::min);
        let terms = &self.terms;
        let cutoffs = terms.nonbonded.iter().filter_map(|nonbonded| nonbonded.method.cutoff());
        let cutoffs = cutoffs.chain(terms.custom_pairs.iter().filter_map(|pairs| pairs.cutoff));
        let radii = cutoffs.map(|cutoff| cutoff.radius_nm);
        let radii = radii.chain(terms.gb_obc.iter().filter_map(|gb| gb.cutoff_nm));
        // Without a cutoff every pair counts: nothing may come near half the box.
        let reach_nm = match self.cell {
            None => 0.99 * half_nm,
            Some(_) => radii.fold(0.0, f64::max),
        };
        let stiff = self.is_stiff();
        let skin = if stiff { SKIN_STIFF } else { SKIN };
        let skin_nm = (skin * reach_nm).min(half_nm - reach_nm);
        if skin_nm.is_nan() || skin_nm <= 1e-4 {
            draft.refuse(format!(
                "the cutoff is {reach_nm} nm in a box whose shortest height is {} nm: expected a box that is wider than twice the cutoff",
                2.0 * half_nm
            ));
            return None;
        }
        let excluded = self.exclusions(draft)?;
        let mut exclusions = vec![Vec::new(); self.atoms()];
        for [a, b] in excluded {
            exclusions[*a as usize].push(*b);
            exclusions[*b as usize].push(*a);
        }
        let positions = self.fixed_positions(cell);
        let dt_ps = draft.head().dt_ps;
        draft.add(&List {
            cutoff_nm: reach_nm,
            skin_nm,
            capacity: Capacity::of(&positions, edges_nm, reach_nm + skin_nm, 0.0),
            lead_steps: if stiff {
                LEAD_STEPS.min(LEAD_STIFF_PS / dt_ps)
            } else {
                LEAD_STEPS
            },
            sort_period: if stiff { SORT_STIFF } else { SORT_PERIOD },
            lead_by_forces: !stiff,
            exclusions,
            lennard_jones: self.particles.iter().map(|particle| particle.epsilon_kj_mol != 0.0).collect(),
        });
        Some([reach_nm + skin_nm, reach_nm])
    }

    /// The excluded pairs, which all terms between all particles must share: a list knows one set of them.
    fn exclusions(&self, draft: &mut Draft) -> Option<&[[u32; 2]]> {
        let nonbonded = self.terms.nonbonded.iter().map(|nonbonded| &nonbonded.exclusions);
        let mut all = nonbonded.chain(self.terms.custom_pairs.iter().map(|pairs| &pairs.exclusions));
        let Some(first) = all.next() else { return Some(&[]) };
        if let Some(other) = all.find(|other| *other != first) {
            draft.refuse(format!(
                "a CustomNonbondedForce excludes {} pairs and another force between all particles {}: expected the same pairs (as OpenMM's CUDA and OpenCL platforms do)",
                other.len(),
                first.len()
            ));
            return None;
        }
        Some(first)
    }

    /// Terms between all particles within a list's reach.
    fn pairs(&self, reach_nm: f64, draft: &mut Draft) {
        let kinds = self.kinds();
        if let Some(nonbonded) = &self.terms.nonbonded {
            self.lennard_jones_and_coulomb(nonbonded, &kinds, reach_nm, draft);
        }
        for (number, pairs) in self.terms.custom_pairs.iter().enumerate() {
            draft.add(&PairTable {
                number,
                pairs,
                type_of_kind: &kinds
                    .first
                    .iter()
                    .map(|particle| pairs.type_of[*particle])
                    .collect::<Vec<_>>(),
                cutoff_nm: pairs.cutoff.map_or(reach_nm, |cutoff| cutoff.radius_nm),
                correction_kj_mol: correction(self, pairs),
            });
        }
        if let Some(gb) = &self.terms.gb_obc {
            draft.add(&ImplicitSolvent {
                gb,
                kinds: &kinds.first.iter().map(|particle| gb.particles[*particle]).collect::<Vec<_>>(),
                cutoff_nm: gb.cutoff_nm.unwrap_or(reach_nm),
            });
        }
    }

    fn lennard_jones_and_coulomb(&self, nonbonded: &Nonbonded, kinds: &Kinds, reach_nm: f64, draft: &mut Draft) {
        let cutoff = nonbonded.method.cutoff();
        let coulomb = match nonbonded.method {
            Method::NoCutoff => Coulomb::Field { k: 0.0, c: 0.0 },
            Method::ReactionField { cutoff, dielectric } => {
                let [k, c] = reaction_field(cutoff.radius_nm, dielectric);
                Coulomb::Field { k, c }
            }
            Method::Pme { alpha_per_nm, .. } => Coulomb::Ewald { alpha_per_nm },
        };
        let particles = kinds.kinds.iter().map(|kind| kind.particle);
        draft.add(&Pairs {
            charges_e: particles.clone().map(|particle| particle.charge_e).collect(),
            lennard_jones: particles
                .map(|particle| [particle.sigma_nm, particle.epsilon_kj_mol])
                .collect(),
            cutoff_nm: cutoff.map_or(reach_nm, |cutoff| cutoff.radius_nm),
            switch_nm: cutoff.and_then(|cutoff| cutoff.switch_nm),
            coulomb,
        });
        draft.add(&Exceptions {
            nonbonded,
            particles: &self.particles,
        });
        let correction = dispersion_correction(self);
        if correction != 0.0 {
            draft.volume_energy(ForceClass::Nonbonded.name(), correction);
        }
    }

    /// Terms of two to eight given particles.
    fn bonded(&self, draft: &mut Draft) {
        let terms = &self.terms;
        if !terms.bonds.is_empty() {
            draft.add(&Bonds(&terms.bonds));
        }
        if !terms.angles.is_empty() {
            draft.add(&Angles(&terms.angles));
        }
        if !terms.torsions.is_empty() {
            draft.add(&PeriodicTorsions(&terms.torsions));
        }
        if !terms.rb_torsions.is_empty() {
            draft.add(&RbTorsions(&terms.rb_torsions));
        }
        if !terms.impropers.is_empty() {
            // The kernel wraps differences of angles; around 0 that changes nothing.
            let unwrapped = |improper: &&Improper| improper.period_rad.is_none() && improper.angle_rad != 0.0;
            if let Some(improper) = terms.impropers.iter().find(unwrapped) {
                draft.refuse(format!(
                    "the harmonic improper of particles {:?} has the angle {} rad and an expression that does not wrap differences by 2 pi: its energy jumps where the torsion passes 180 degrees; write it with min(dtheta, 2*pi-dtheta)",
                    improper.atoms, improper.angle_rad
                ));
            }
            draft.add(&Impropers(&terms.impropers));
        }
        if !terms.cmap_torsions.is_empty() {
            draft.add(&Cmap {
                grids: &terms.cmap_grids,
                torsions: &terms.cmap_torsions,
            });
        }
    }

    /// Whether forces say little about where atoms will be some steps on: constraints and bonds turn them around within a few steps.
    fn is_stiff(&self) -> bool {
        !(self.constraints.is_empty() && self.terms.bonds.is_empty() && self.sites.is_empty())
    }

    /// The reciprocal part of PME.
    pub(super) fn reciprocal(&self, draft: &mut Draft) {
        let Some(Method::Pme { alpha_per_nm, grid, .. }) = self.terms.nonbonded.as_ref().map(|nonbonded| nonbonded.method)
        else {
            return;
        };
        let charges: Vec<f64> = self.particles.iter().map(|particle| particle.charge_e).collect();
        match Pme::new(draft.cell().cell(), alpha_per_nm, grid) {
            Ok(pme) => {
                let pme = if draft.is_box_moving() {
                    pme.with_all_frequencies()
                } else {
                    pme
                };
                draft.add(&Reciprocal {
                    pme: &pme,
                    charges_e: &charges,
                });
            }
            Err(error) => draft.refuse(error),
        }
    }
}
