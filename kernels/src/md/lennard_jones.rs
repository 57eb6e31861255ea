//! Lennard-Jones particles in a periodic box, at constant energy: the simplest system, made of the list, one term and one integrator.

use super::draft::{Atoms, Draft, FORCE_UNITS, Head};
use super::fixed::encode;
use super::fixed_cell::FixedCell;
use super::list::List;
use super::list::capacity::Capacity;
use super::motion::Leapfrog;
use super::observe::Kinetic;
use super::system::Cell;
use super::terms::nonbonded::{Coulomb, Nonbonded};
use super::{AtomType, GAS_CONSTANT, MdError, Plan, SORT_PERIOD, check};
use crate::package::Package;
use crate::package::manifest::Setting;

/// Density that the list has room for, in particles for each σ³ of the smallest type: that of a compressed liquid.
const DENSE: f64 = 1.2;

/// Lennard-Jones particles in a periodic, orthorhombic box: velocity Verlet at constant energy, forces truncated at the cutoff.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJonesSystem {
    /// The package's name: lower-case letters, digits and `-`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Edges of the box, nm. The package rounds them to f32.
    pub box_nm: [f64; 3],
    /// Kinds of atoms.
    pub types: Vec<AtomType>,
    /// Each atom's kind, an index into `types`.
    pub type_of: Vec<u32>,
    /// Positions, nm, `[n, 3]`; any image.
    pub positions_nm: Vec<[f64; 3]>,
    /// Velocities, nm/ps, `[n, 3]`, half a step before the positions.
    pub velocities_nm_ps: Vec<[f64; 3]>,
    /// Time step, ps.
    pub dt_ps: f64,
    /// Cutoff radius, nm: no interaction at or beyond it.
    pub cutoff_nm: f64,
    /// The list holds pairs up to cutoff and skin, nm. Decides speed alone.
    pub skin_nm: f64,
    /// Length of a run.
    pub plan: Plan,
}

impl LennardJonesSystem {
    /// The system as a kernel package.
    ///
    /// # Errors
    /// The system is not one that can be run; see [`check`].
    pub fn package(&self) -> Result<Package, MdError> {
        check::system(self)?;
        let head = Head {
            name: self.name.clone(),
            description: self.description.clone(),
            dt_ps: self.dt_ps,
            plan: self.plan,
        };
        let cell = FixedCell::new(Cell::rectangular(self.box_nm)).map_err(MdError::System)?;
        let atoms = Atoms {
            cell,
            positions: self.positions(),
            velocities_nm_ps: self.velocities_nm_ps.clone(),
            kind_of: self.type_of.clone(),
            masses_u: self.types.iter().map(|kind| kind.mass_u).collect(),
        };
        let mut draft = Draft::new(head, &atoms);
        draft.add(&self.list(&atoms));
        draft.force_units(self.force_units());
        draft.add(&Nonbonded {
            charges_e: vec![0.0; self.types.len()],
            lennard_jones: self.types.iter().map(|kind| [kind.sigma_nm, kind.epsilon_kj_mol]).collect(),
            cutoff_nm: self.cutoff_nm,
            switch_nm: None,
            coulomb: Coulomb::Field { k: 0.0, c: 0.0 },
        });
        let degrees_of_freedom = 3.0 * self.atoms() as f64;
        draft.add(&Kinetic { degrees_of_freedom });
        draft.add(&Leapfrog);
        draft.frames("positions", self.plan.positions_every);
        let kelvin = self.start_temperature_k();
        if kelvin > 0.0 && kelvin.is_finite() {
            let setting = Setting::temperature(kelvin, "velocities", "of the starting velocities");
            draft.setting("start_temperature", setting);
        }
        draft.finish()
    }

    /// T = Σ m v² / (3 N R) of the starting velocities, K.
    fn start_temperature_k(&self) -> f64 {
        let twice_kinetic = |(v, kind): (&[f64; 3], &u32)| {
            let mass_u = self.types.get(*kind as usize).map_or(0.0, |kind| kind.mass_u);
            mass_u * v.iter().map(|x| x * x).sum::<f64>()
        };
        let twice_kinetic: f64 = self.velocities_nm_ps.iter().zip(&self.type_of).map(twice_kinetic).sum();
        twice_kinetic / (3.0 * self.atoms() as f64 * GAS_CONSTANT)
    }

    /// Positions as the package holds them.
    pub fn positions(&self) -> Vec<[u32; 3]> {
        let place = |p: &[f64; 3]| [0, 1, 2].map(|axis| encode(p[axis], self.box_nm[axis]));
        self.positions_nm.iter().map(place).collect()
    }

    fn list(&self, atoms: &Atoms) -> List {
        let interacting = self.types.iter().filter(|kind| kind.epsilon_kj_mol > 0.0);
        let sigmas = interacting.map(|kind| kind.sigma_nm).filter(|sigma| *sigma > 0.0);
        let dense_per_nm3 = sigmas.min_by(f64::total_cmp).map_or(0.0, |sigma| DENSE / sigma.powi(3));
        let edges_nm = atoms.cell.cell().diagonal_nm();
        let reach_nm = self.cutoff_nm + self.skin_nm;
        List {
            cutoff_nm: self.cutoff_nm,
            skin_nm: self.skin_nm,
            capacity: Capacity::of(&atoms.positions, edges_nm, reach_nm, dense_per_nm3),
            lead_steps: self.lead_steps(),
            sort_period: SORT_PERIOD,
            lead_by_forces: true,
            exclusions: vec![Vec::new(); self.atoms()],
            lennard_jones: self
                .type_of
                .iter()
                .map(|kind| self.types[*kind as usize].epsilon_kj_mol > 0.0)
                .collect(),
        }
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.type_of.len()
    }

    /// Units of integer forces in 1 kJ/mol/nm: a power of two, such that a pair may push with one to two times what [`Self::hardest_push`] says. Rounding then costs
    /// some 3·10⁻⁷ of the forces of a liquid.
    fn force_units(&self) -> f64 {
        let pushes = self.types.iter().map(|kind| self.hardest_push(kind));
        match pushes.filter(|push| push.is_finite() && *push > 0.0).max_by(f64::total_cmp) {
            // A pair pushes with 2^30 units at most (`pair_forces.wgsl`).
            Some(most) => (30.0 - most.log2().ceil()).clamp(-100.0, 100.0).exp2(),
            None => FORCE_UNITS,
        }
    }

    /// What two atoms of a kind may push each other with, kJ/mol/nm: 1,250 ε/σ, where they are 0.78 σ apart and 66 ε up, or as much as at 40 k T of the starting
    /// velocities, where u = 4ε (σ/r)¹² and F = 12 u / r.
    fn hardest_push(&self, kind: &AtomType) -> f64 {
        let (epsilon, sigma_nm) = (kind.epsilon_kj_mol, kind.sigma_nm);
        let energy = 40.0 * GAS_CONSTANT * self.start_temperature_k();
        let r_nm = sigma_nm * (4.0 * epsilon / energy).powf(1.0 / 12.0);
        let hot = 12.0 * energy / r_nm;
        let cold = 1250.0 * epsilon / sigma_nm;
        if hot.is_finite() { cold.max(hot) } else { cold }
    }

    /// How far ahead of itself a new list takes an atom to be (`predict.wgsl`), steps: a 25th of σ √(m / ε) of the type that has the least of it.
    /// In the melt, lists live 7.5 steps without, 12.9 with 5 steps, 14.3 with these 8, 14.0 with 10. Atoms that feel
    /// nothing fly straight as long as one likes: a thousand steps are enough.
    fn lead_steps(&self) -> f64 {
        let time = |kind: &AtomType| kind.sigma_nm * (kind.mass_u / kind.epsilon_kj_mol).sqrt();
        let times = self.types.iter().map(time).filter(|time| *time > 0.0);
        times
            .min_by(f64::total_cmp)
            .map_or(0.0, |time| (time / 25.0 / self.dt_ps).round().min(1000.0))
    }

    /// A skin that suits a cutoff: 0.3 σ for 2.5 σ.
    pub fn usual_skin_nm(cutoff_nm: f64) -> f64 {
        0.12 * cutoff_nm
    }
}
