//! What is measured of a system beside its terms' own energies.

use super::draft::{Draft, Kernel, Part, Phase};

/// Kinetic energy at full steps: half-step velocities brought to the positions' time with half of the next kick, as OpenMM's Verlet integrator reports it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kinetic {
    /// What the temperature divides twice the kinetic energy by: 3 N less constraints and conserved momenta.
    pub degrees_of_freedom: f64,
}

impl Part for Kinetic {
    fn contribute(&self, draft: &mut Draft) {
        draft.fault(
            3,
            "an atom's energy is beyond 524,288 kJ/mol or not a number: atoms overlap; use a smaller time step, or a starting state without overlaps",
        );
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
