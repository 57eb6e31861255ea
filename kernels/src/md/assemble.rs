//! A general system as a package: which parts it is made of, and by name what cannot be run.

use super::draft::{Atoms, Draft, Head};
use super::fixed_cell::FixedCell;
use super::list::capacity::Capacity;
use super::list::{Kind, List};
use super::motion::{Integration, Masses, RemoveMotion, VirtualSites};
use super::system::nonbonded::reaction_field;
use super::system::particle::Kinds;
use super::system::{Action, Cell, ForceClass, Improper, Method, Nonbonded, System, Vector, check};
use super::terms::angles::part::Angles;
use super::terms::bonds::part::Bonds;
use super::terms::cmap::part::Cmap;
use super::terms::exceptions::part::Exceptions;
use super::terms::nonbonded::twin::dispersion_correction;
use super::terms::nonbonded::{Coulomb, Nonbonded as Pairs};
use super::terms::pair_bonds::part::PairBonds;
use super::terms::pme::driver::Pme;
use super::terms::pme::part::Reciprocal;
use super::terms::restraints::part::Restraints;
use super::terms::torsions::part::{Impropers, PeriodicTorsions, RbTorsions};
use super::{MdError, Plan};
use crate::package::Package;

/// Edge of the box that stands for none, nm: no difference may reach half of it.
const OPEN_EDGE_NM: f64 = 64.0;
/// The list reaches this much further than the cutoff, as a share of it.
const SKIN: f64 = 0.12;
/// Steps that a list looks ahead.
const LEAD_STEPS: f64 = 8.0;

impl System {
    /// The system as a kernel package. Without dynamics, one that can be evaluated and does not move.
    ///
    /// # Errors
    /// Everything that is wrong with the system, or that cannot be run.
    pub fn package(&self, plan: Plan) -> Result<Package, MdError> {
        let mut draft = self.draft(plan)?;
        for class in [ForceClass::CustomNonbonded, ForceClass::GbsaObc] {
            if self.terms.classes().contains(&class) {
                draft.refuse(format!("terms of {} cannot be run yet", class.name()));
            }
        }
        self.interactions(&mut draft);
        self.reciprocal(&mut draft);
        self.motion(&mut draft);
        draft.frames("positions", plan.positions_every);
        draft.finish()
    }

    /// A draft that holds the particles.
    ///
    /// # Errors
    /// What is wrong with the system.
    pub fn draft(&self, plan: Plan) -> Result<Draft, MdError> {
        let problems = check::problems(self);
        if !problems.is_empty() {
            return Err(MdError::System(problems.join("\n")));
        }
        let head = Head {
            name: self.name.clone(),
            description: self.description.clone(),
            dt_ps: self.dynamics.map_or(0.001, |dynamics| dynamics.step_ps),
            plan,
        };
        let open = Cell::rectangular([OPEN_EDGE_NM; 3]);
        let cell = FixedCell::new(self.cell.unwrap_or(open)).map_err(MdError::System)?;
        let kinds = Kinds::of(&self.particles);
        let atoms = Atoms {
            cell,
            positions: self.fixed_positions(cell.cell()),
            velocities_nm_ps: self.velocities_nm_ps.clone(),
            kind_of: kinds.of.clone(),
            masses_u: kinds.kinds.iter().map(|kind| kind.particle.mass_u).collect(),
        };
        Ok(Draft::new(head, &atoms))
    }

    /// Positions as fractions of the box of the source, not of the rounded one; without a box, around the middle of the one that stands for it.
    fn fixed_positions(&self, rounded: Cell) -> Vec<[u32; 3]> {
        let cell = self.cell.unwrap_or(rounded);
        self.positions_nm
            .iter()
            .map(|point| self.fixed_position(cell, *point))
            .collect()
    }

    fn fixed_position(&self, cell: Cell, point_nm: Vector) -> [u32; 3] {
        let shift = if self.cell.is_some() { 0.0 } else { 0.5 * OPEN_EDGE_NM };
        let word = |fraction: f64| (fraction.rem_euclid(1.0) * 4_294_967_296.0).round() as u64 as u32;
        cell.fractions(point_nm.map(|x| x + shift)).map(word)
    }

    /// The list and all terms that act within the cutoff or on given particles: all but the reciprocal part of PME.
    pub fn interactions(&self, draft: &mut Draft) {
        if let Some(nonbonded) = &self.terms.nonbonded {
            self.pairs(nonbonded, draft);
        } else {
            draft.refuse("a system without a NonbondedForce cannot be run yet: its list has no cutoff".into());
        }
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
    }

    fn pairs(&self, nonbonded: &Nonbonded, draft: &mut Draft) {
        let cell = draft.cell().cell();
        let edges_nm = cell.diagonal_nm();
        let half_nm = 0.5 * edges_nm.into_iter().fold(f64::INFINITY, f64::min);
        let cutoff = nonbonded.method.cutoff();
        // Without a cutoff every pair counts: nothing may come near half the box.
        let cutoff_nm = cutoff.map_or(0.99 * half_nm, |cutoff| cutoff.radius_nm);
        let skin_nm = (SKIN * cutoff_nm).min(half_nm - cutoff_nm);
        if skin_nm.is_nan() || skin_nm <= 1e-4 {
            draft.refuse(format!(
                "the cutoff is {cutoff_nm} nm in a box whose shortest height is {} nm: expected a box that is wider than twice the cutoff",
                2.0 * half_nm
            ));
            return;
        }
        let mut exclusions = vec![Vec::new(); self.atoms()];
        for [a, b] in &nonbonded.exclusions {
            exclusions[*a as usize].push(*b);
            exclusions[*b as usize].push(*a);
        }
        let positions = self.fixed_positions(cell);
        draft.add(&List {
            cutoff_nm,
            skin_nm,
            capacity: Capacity::of(&positions, edges_nm, cutoff_nm + skin_nm, 0.0),
            lead_steps: if self.is_stiff() { 0.0 } else { LEAD_STEPS },
            kind: Kind::Half {
                exclusions,
                lennard_jones: self.particles.iter().map(|particle| particle.epsilon_kj_mol != 0.0).collect(),
            },
            distance: None,
        });
        let kinds = Kinds::of(&self.particles).kinds;
        let coulomb = match nonbonded.method {
            Method::NoCutoff => Coulomb::Field { k: 0.0, c: 0.0 },
            Method::ReactionField { cutoff, dielectric } => {
                let [k, c] = reaction_field(cutoff.radius_nm, dielectric);
                Coulomb::Field { k, c }
            }
            Method::Pme { alpha_per_nm, .. } => Coulomb::Ewald { alpha_per_nm },
        };
        draft.add(&Pairs {
            charges_e: kinds.iter().map(|kind| kind.particle.charge_e).collect(),
            lennard_jones: kinds
                .iter()
                .map(|kind| [kind.particle.sigma_nm, kind.particle.epsilon_kj_mol])
                .collect(),
            cutoff_nm,
            switch_nm: cutoff.and_then(|cutoff| cutoff.switch_nm),
            coulomb,
        });
        draft.add(&Exceptions {
            nonbonded,
            particles: &self.particles,
        });
        let correction = dispersion_correction(self);
        if correction != 0.0 {
            draft.constant_energy(ForceClass::Nonbonded.name(), correction);
        }
    }

    /// Whether forces say little about where atoms will be some steps on: constraints and bonds turn them around within a few steps.
    fn is_stiff(&self) -> bool {
        !(self.constraints.is_empty() && self.terms.bonds.is_empty() && self.sites.is_empty())
    }

    /// The reciprocal part of PME.
    fn reciprocal(&self, draft: &mut Draft) {
        let Some(Method::Pme { alpha_per_nm, grid, .. }) = self.terms.nonbonded.as_ref().map(|nonbonded| nonbonded.method)
        else {
            return;
        };
        let charges: Vec<f64> = self.particles.iter().map(|particle| particle.charge_e).collect();
        match Pme::new(draft.cell().cell(), alpha_per_nm, grid) {
            Ok(pme) => {
                draft.add(&Reciprocal {
                    pme: &pme,
                    charges_e: &charges,
                });
            }
            Err(error) => draft.refuse(error),
        }
    }

    /// What moves the particles.
    fn motion(&self, draft: &mut Draft) {
        if !self.sites.is_empty() {
            draft.add(&VirtualSites(&self.sites));
        }
        let Some(dynamics) = self.dynamics else { return };
        let masses = Masses(self.particles.iter().map(|particle| particle.mass_u).collect());
        let mut remove_motion = None;
        for action in &self.actions {
            match action {
                Action::RemoveMotion { every } => {
                    let removal = RemoveMotion {
                        masses: &masses,
                        every: *every,
                        steps_before: self.step,
                    };
                    if remove_motion.replace(removal).is_some() {
                        draft.refuse("two CMMotionRemovers, expected one at most".into());
                    }
                }
                Action::Barostat(_) => draft.refuse("a MonteCarloBarostat cannot be run yet".into()),
            }
        }
        draft.add(&Integration {
            dynamics: dynamics.from_step(self.step),
            masses: &masses,
            constraints: &self.constraints,
            remove_motion,
            degrees_of_freedom: self.degrees_of_freedom() as f64,
        });
    }
}
