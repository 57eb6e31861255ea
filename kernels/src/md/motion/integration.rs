//! Integrators with constraints, as a part of a package.
//!
//! Invariant: velocities of the state follow a whole kick and precede the next one by half a step; those of Brownian motion are displacement over time.
//! Where they should belong to positions (VRORV), the half of a kick that is missing is the next step's first pass, but in step 0.

use super::constraint_sets::ConstraintSets;
use super::constraints::ConstraintBuffers;
use super::masses::Masses;
use super::momentum::RemoveMotion;
use super::passes;
use super::whole::Whole;
use crate::md::GAS_CONSTANT;
use crate::md::draft::{Draft, Kernel, Part, Phase};
use crate::md::observe::{KineticEnergy, Moment};
use crate::md::system::{Bath, Constraints, Dynamics, Integrator};
use crate::package::manifest::{Element, Number, Setting};
use crate::random::gaussian_table;

/// An integrator with the constraints that it keeps, and the kinetic energy as OpenMM reports it for this integrator.
#[derive(Clone, Copy, Debug)]
pub struct Integration<'a> {
    /// Integrator, step and seed.
    pub dynamics: Dynamics,
    /// Masses of all particles.
    pub masses: &'a Masses,
    /// Distances to be held.
    pub constraints: &'a Constraints,
    /// Removal of the motion of the centre of mass.
    pub remove_motion: Option<RemoveMotion<'a>>,
    /// Degrees of freedom N_f in T = 2 E_kin / (N_f k_B).
    pub degrees_of_freedom: f64,
}

impl Part for Integration<'_> {
    fn contribute(&self, draft: &mut Draft) {
        draft.fault(
            2,
            "an atom moved a quarter of the box or more in one step, or its velocity is not a number: the system has exploded; use a smaller time step, or a starting state without overlaps",
        );
        self.masses.declare(draft);
        draft.integer_forces();
        if !self.is_whole() {
            draft.scratch("displacements", Element::F32, &["atoms", "4"]);
        }
        if self.constrained() {
            self.constraints(draft);
        }
        if self.dynamics.integrator.bath().is_some() && self.dynamics.seed.is_none() {
            draft.refuse("the integrator needs random numbers and there is no seed: choose a number, --seed 7".into());
        }
        self.kinetic_energy(draft);
        match self.dynamics.integrator {
            Integrator::Verlet => self.verlet(draft),
            Integrator::ReversibleVerlet => self.reversible_verlet(draft),
            Integrator::LangevinMiddle(bath) => self.langevin_middle(bath, draft),
            Integrator::Baoab(bath) => self.vrorv(bath, draft),
            Integrator::Brownian(bath) => self.brownian(bath, draft),
        }
    }
}

impl Integration<'_> {
    pub(super) fn constrained(&self) -> bool {
        !self.constraints.is_empty()
    }

    /// Whether a step's motion is one pass.
    fn is_whole(&self) -> bool {
        self.constraints.larger.is_empty()
    }

    fn constraints(&self, draft: &mut Draft) {
        draft.fault(
            5,
            "constraints of a group of atoms cannot be held: the system has exploded, or the starting state is far from the lengths asked for; use a smaller time step, or minimise the energy of the starting state",
        );
        draft.without_pressure();
        if !self.constraints.larger.is_empty() {
            let inverse: Vec<f64> = self.masses.inverse().collect();
            match ConstraintSets::new(&self.constraints.larger, &inverse) {
                Ok(sets) => Self::sets(sets, draft),
                Err(obstacle) => draft.refuse(obstacle),
            }
        }
        match ConstraintBuffers::new(self.constraints) {
            Ok(buffers) if buffers.groups() > 0 => self.groups(buffers, draft),
            Ok(_) => {}
            Err(obstacle) => draft.refuse(obstacle),
        }
    }

    fn sets(sets: ConstraintSets, draft: &mut Draft) {
        draft.integer("constraint_sets", sets.sets());
        draft.integer("set_colors", sets.colors);
        let [atoms, rows] = [sets.atoms.len(), sets.rows.len() / 4].map(|count| count.to_string());
        draft.constant_u32("set_ranges", &["constraint_sets", "20"], sets.ranges);
        draft.constant_u32("set_atoms", &[&atoms], sets.atoms);
        draft.constant_u32("set_rows", &[&rows, "4"], sets.rows);
    }

    fn groups(&self, buffers: ConstraintBuffers, draft: &mut Draft) {
        if self.is_whole() {
            let inverse: Vec<f64> = self.masses.inverse().collect();
            let groups = buffers.motion_groups(&inverse);
            draft.integer("motion_groups_count", groups.len() as u64 / 16);
            draft.constant_u32("motion_groups", &["motion_groups_count", "16"], groups);
        }
        draft.integer("constraint_groups", buffers.groups());
        draft.constant_u32("constraint_atoms", &["constraint_groups", "8"], buffers.atoms);
        let squares = buffers.squares.into_iter().map(f64::from);
        draft.constant_f32("constraint_squares", &["constraint_groups", "4"], squares);
    }

    fn kinetic_energy(&self, draft: &mut Draft) {
        let moment = match self.dynamics.integrator {
            Integrator::Verlet | Integrator::ReversibleVerlet => Moment::HalfKickLater,
            Integrator::Baoab(_) => Moment::HalfKickLaterExceptFirst,
            Integrator::LangevinMiddle(_) | Integrator::Brownian(_) => Moment::AsStored,
        };
        draft.add(&KineticEnergy {
            moment,
            constrained: self.constrained(),
            degrees_of_freedom: self.degrees_of_freedom,
        });
    }

    /// v += F dt / m over `time_ps`; over the share `first` of it in step 0.
    fn kick(draft: &mut Draft, name: &str, time_ps: f64, first: f64) {
        let kernel = passes::kick(name)
            .set("kick_dt", Number::Float(time_ps))
            .set("kick_first", Number::Float(first));
        draft.kernel(Phase::Kick, kernel);
    }

    fn remove_motion(&self, draft: &mut Draft) {
        if let Some(removal) = &self.remove_motion {
            draft.add(removal);
        }
    }

    /// A step's motion as one pass, where that can be: whether it was.
    fn whole(&self, draft: &mut Draft, last: &'static str, constants: &[(&str, f64)]) -> bool {
        if !self.is_whole() {
            return false;
        }
        // Brownian motion has no momentum. In other steps than all, and where the pass has no binding left, a pass of its own removes it.
        let removal = self
            .remove_motion
            .filter(|_| !matches!(self.dynamics.integrator, Integrator::Brownian(_)));
        let momentum_share = match removal {
            Some(removal) if removal.every == 1 && !draft.is_box_moving() => removal.sums(draft),
            Some(removal) => {
                draft.add(&removal);
                None
            }
            None => None,
        };
        let whole = Whole {
            last,
            noise: self.dynamics.integrator.bath().is_some(),
            momentum_share,
        };
        let kernel = whole.kernel(draft);
        let set = |kernel: Kernel, (name, value): &(&str, f64)| kernel.set(name, Number::Float(*value));
        draft.kernel(Phase::Drift, constants.iter().fold(kernel, set));
        true
    }

    /// Take what is along constraints off the velocities.
    fn project(&self, draft: &mut Draft, name: &str) {
        if self.constrained() {
            passes::project(draft, Phase::Drift, name, "velocities");
        }
    }

    /// Constrain displacements that took `time_ps`, and move.
    fn displace(&self, draft: &mut Draft, turn: &str, time_ps: f64) {
        let rate = Number::Float(time_ps.recip());
        if draft.has("constraint_atoms") {
            let kernel = passes::constrain(draft, &format!("constrain{turn}"));
            draft.kernel(Phase::Drift, kernel.set("constraint_rate", rate));
        }
        if draft.has("set_atoms") {
            let kernel = passes::constrain_sets(draft, &format!("constrain_sets{turn}"));
            draft.kernel(Phase::Drift, kernel.set("constraint_rate", rate));
        }
        let kernel = passes::move_atoms(draft, &format!("move_atoms{turn}"));
        draft.kernel(Phase::Drift, kernel);
    }

    /// What a pass with noise of these widths binds. They are proportional to the square root of the bath's temperature.
    fn noise(&self, bath: Bath, draft: &mut Draft, width_of: impl Fn(f64) -> f64) {
        let seed = self.dynamics.seed.unwrap_or(0);
        draft.integer("seed_low", seed & 0xffff_ffff);
        draft.integer("seed_high", seed >> 32);
        draft.constant_f32("noise_widths", &["atoms"], self.masses.inverse().map(width_of));
        let seed = Setting {
            about: "seed of the random forces: another seed is another history".into(),
            constants: vec!["seed_low".into(), "seed_high".into()],
            ..Setting::default()
        };
        draft.setting("seed", seed);
        if bath.temperature_k > 0.0 {
            draft.setting(
                "temperature",
                Setting::temperature(bath.temperature_k, "noise_widths", "of the heat bath"),
            );
        }
        let table = gaussian_table();
        let numbers = table.iter().flatten().map(|number| f64::from(*number));
        draft.constant_f32("gaussian_table", &[&table.len().to_string(), "4"], numbers);
    }

    /// Noise of the Ornstein-Uhlenbeck process over a step, √(kT (1 - a²) / m). Returns a = exp(-friction dt).
    fn bath(&self, bath: Bath, draft: &mut Draft) -> f64 {
        let exponent = bath.friction_per_ps * self.dynamics.step_ps;
        let rest = -libm::expm1(-2.0 * exponent);
        let kt = GAS_CONSTANT * bath.temperature_k;
        self.noise(bath, draft, |inverse| libm::sqrt(kt * rest * inverse));
        libm::exp(-exponent)
    }

    fn verlet(&self, draft: &mut Draft) {
        let dt_ps = self.dynamics.step_ps;
        let constants = [("kick_dt", dt_ps), ("constraint_rate", dt_ps.recip())];
        if self.whole(draft, "md/motion/whole/whole_verlet.wgsl", &constants) {
            return;
        }
        self.remove_motion(draft);
        Self::kick(draft, "kick", dt_ps, 1.0);
        draft.kernel(Phase::Drift, passes::drift("drift", dt_ps));
        self.displace(draft, "", dt_ps);
    }

    fn langevin_middle(&self, bath: Bath, draft: &mut Draft) {
        let dt_ps = self.dynamics.step_ps;
        let keep = self.bath(bath, draft);
        let constants = [
            ("kick_dt", dt_ps),
            ("drift_dt", 0.5 * dt_ps),
            ("friction_keep", keep),
            ("constraint_rate", dt_ps.recip()),
        ];
        if self.whole(draft, "md/motion/whole/whole_middle.wgsl", &constants) {
            return;
        }
        let keep = Number::Float(keep);
        self.remove_motion(draft);
        Self::kick(draft, "kick", dt_ps, 1.0);
        self.project(draft, "constrain_velocities");
        let middle = passes::with_noise("middle", "md/motion/middle.wgsl");
        let middle = middle.set("drift_dt", Number::Float(0.5 * dt_ps)).set("friction_keep", keep);
        draft.kernel(Phase::Drift, middle);
        self.displace(draft, "", dt_ps);
    }

    fn vrorv(&self, bath: Bath, draft: &mut Draft) {
        let half_ps = 0.5 * self.dynamics.step_ps;
        let keep = self.bath(bath, draft);
        // The second half of the last step's kick, which step 0 has behind it; projections commute with what is linear in velocities.
        Self::kick(draft, "kick_1", half_ps, 0.0);
        let constants = [
            ("kick_dt", half_ps),
            ("friction_keep", keep),
            ("constraint_rate", half_ps.recip()),
        ];
        if self.whole(draft, "md/motion/whole/whole_vrorv.wgsl", &constants) {
            return;
        }
        let keep = Number::Float(keep);
        self.remove_motion(draft);
        Self::kick(draft, "kick_2", half_ps, 1.0);
        self.project(draft, "constrain_velocities_1");
        draft.kernel(Phase::Drift, passes::drift("drift_1", half_ps));
        self.displace(draft, "_1", half_ps);
        self.project(draft, "constrain_velocities_2");
        let thermostat = passes::with_noise("thermostat", "md/motion/thermostat.wgsl");
        draft.kernel(Phase::Drift, thermostat.set("friction_keep", keep));
        self.project(draft, "constrain_velocities_3");
        draft.kernel(Phase::Drift, passes::drift("drift_2", half_ps));
        self.displace(draft, "_2", half_ps);
        self.project(draft, "constrain_velocities_4");
    }

    fn brownian(&self, bath: Bath, draft: &mut Draft) {
        let dt_ps = self.dynamics.step_ps;
        if bath.friction_per_ps <= 0.0 {
            return draft.refuse(format!(
                "Brownian motion with friction {} per ps, expected above 0",
                bath.friction_per_ps
            ));
        }
        let square = 2.0 * GAS_CONSTANT * bath.temperature_k * dt_ps / bath.friction_per_ps;
        self.noise(bath, draft, |inverse| libm::sqrt(square * inverse));
        let push = dt_ps / bath.friction_per_ps;
        let rate = dt_ps.recip();
        let constants = [("brownian_push", push), ("brownian_rate", rate), ("constraint_rate", rate)];
        if self.whole(draft, "md/motion/whole/whole_brownian.wgsl", &constants) {
            return;
        }
        let kernel = passes::with_noise("brownian", "md/motion/brownian.wgsl")
            .set("brownian_push", Number::Float(push))
            .set("brownian_rate", Number::Float(rate));
        draft.kernel(Phase::Drift, kernel);
        self.displace(draft, "", dt_ps);
    }
}
