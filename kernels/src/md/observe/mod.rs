//! What is measured of a system beside its terms' own energies.

use super::draft::{Draft, Kernel, Part, Phase};
use super::motion::passes;
use crate::package::manifest::{Element, Number};

/// Kinetic energy at full steps: half-step velocities brought to the positions' time with half of the next kick, as OpenMM's Verlet integrator reports it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kinetic {
    /// Degrees of freedom N_f in T = 2 E_kin / (N_f k_B): 3 N less constraints and conserved momenta.
    pub degrees_of_freedom: f64,
}

impl Part for Kinetic {
    fn contribute(&self, draft: &mut Draft) {
        let files = [
            "md/observe/fixed64.wgsl",
            "md/motion/canonical.wgsl",
            "md/observe/kinetic.wgsl",
        ];
        let groups = draft.kernel(Phase::Observe, Kernel::new("kinetic", &files).over("atoms"));
        let [kinetic] = draft.sums("kinetic_sums", groups, ["kinetic"]);
        draft.kinetic(kinetic, self.degrees_of_freedom);
    }
}

/// The time at which velocities are evaluated for the kinetic energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// As stored: half a step behind the positions where the integrator keeps them there.
    AsStored,
    /// The positions' time: advanced by half of the next kick.
    HalfKickLater,
    /// The positions' time: advanced by half of the next kick, except in step 0, where they are at that time already.
    HalfKickLaterExceptFirst,
}

/// Kinetic energy of a system with constraints, virtual sites or a heat bath. Needs the parts of [`Integration`](super::motion::Integration).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KineticEnergy {
    /// Time at which velocities are evaluated.
    pub moment: Moment,
    /// Whether there are constraints: what is along them is taken off velocities that were brought to another time.
    pub constrained: bool,
    /// Degrees of freedom N_f in T = 2 E_kin / (N_f k_B).
    pub degrees_of_freedom: f64,
}

impl Part for KineticEnergy {
    fn contribute(&self, draft: &mut Draft) {
        let velocities = match self.moment {
            Moment::AsStored => "velocities",
            Moment::HalfKickLater | Moment::HalfKickLaterExceptFirst => {
                self.full_step(draft);
                "full_velocities"
            }
        };
        let files = [
            "md/observe/fixed64.wgsl",
            "md/motion/canonical.wgsl",
            "md/observe/kinetic_energy.wgsl",
        ];
        let kernel = Kernel::new("kinetic_energy", &files).over("atoms");
        let groups = draft.kernel(Phase::Observe, kernel.bind("velocities", velocities));
        let [kinetic] = draft.sums("kinetic_sums", groups, ["kinetic"]);
        draft.kinetic(kinetic, self.degrees_of_freedom);
    }
}

impl KineticEnergy {
    /// Velocities at the time of the positions, in a buffer of their own.
    fn full_step(&self, draft: &mut Draft) {
        draft.scratch("full_velocities", Element::F32, &["atoms", "4"]);
        let half = 0.5 * draft.head().dt_ps;
        let first = if self.moment == Moment::HalfKickLater { 1.0 } else { 0.0 };
        let files = ["md/motion/canonical.wgsl", "md/observe/full_step.wgsl"];
        let kernel = Kernel::new("full_step", &files).over("atoms");
        let kernel = kernel.set("full_step_dt", Number::Float(half));
        draft.kernel(Phase::Observe, kernel.set("full_step_first", Number::Float(first)));
        if self.constrained {
            passes::project(draft, Phase::Observe, "constrain_full_velocities", "full_velocities");
        }
    }
}
