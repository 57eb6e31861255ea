//! Removal of the motion of the centre of mass, as a part of a package.
//!
//! Invariant: it comes before the kick, where OpenMM's comes before the forces: forces do not depend on velocities, and what is observed of a step is
//! in both what was there before the removal.

use super::masses::Masses;
use crate::md::draft::{Draft, Kernel, Part, Phase};
use crate::package::manifest::{Element, Number};

/// Units of momentum sums in 1 u nm/ps, see `momentum_sum.wgsl`.
const MOMENTUM_UNITS: f64 = 16_384.0;

/// Atoms of a workgroup of `momentum_sum.wgsl` and `remove_momentum.wgsl`.
const ATOMS: u64 = 1024;

/// As OpenMM's CMMotionRemover.
#[derive(Clone, Copy, Debug)]
pub struct RemoveMotion<'a> {
    /// Masses of all particles, u.
    pub masses: &'a Masses,
    /// Steps between two removals.
    pub every: u64,
    /// Steps made before the package's first: removals happen in steps whose number from the beginning is a multiple of `every`.
    pub steps_before: u64,
}

impl Part for RemoveMotion<'_> {
    fn contribute(&self, draft: &mut Draft) {
        let Some(share) = self.sums(draft) else { return };
        let files = ["md/motion/canonical.wgsl", "md/motion/remove_momentum.wgsl"];
        let remove = Kernel::new("remove_momentum", &files).workgroups("momentum_groups");
        draft.kernel(
            Phase::Kick,
            remove.set("momentum_share", share).every(self.every, self.offset()),
        );
    }
}

impl RemoveMotion<'_> {
    /// The pass that sums up momentum. Returns what makes the velocity of the centre of the sums; nothing where none can be removed, which is refused.
    pub(super) fn sums(&self, draft: &mut Draft) -> Option<Number> {
        let total_u = self.masses.total_u();
        if total_u <= 0.0 || self.every == 0 {
            draft.refuse(format!(
                "motion of the centre of mass is to be removed every {} steps from particles of {total_u} u, expected at least 1 and a mass",
                self.every
            ));
            return None;
        }
        draft.fault(
            7,
            "an atom's momentum is beyond 131,072 u nm/ps or not a number: the system has exploded; use a smaller time step, or a starting state without overlaps",
        );
        self.masses.declare(draft);
        draft.integer("momentum_groups", (self.masses.0.len() as u64).div_ceil(ATOMS));
        let sum = Kernel::new("momentum_sum", &["md/motion/momentum_sum.wgsl"]).workgroups("momentum_groups");
        draft.kernel(Phase::Kick, sum.every(self.every, self.offset()));
        draft.scratch("momentum_sums", Element::I32, &["momentum_groups", "4"]);
        Some(Number::Float(1.0 / (MOMENTUM_UNITS * total_u)))
    }

    /// The first step with a removal.
    fn offset(&self) -> u64 {
        (self.every - self.steps_before % self.every) % self.every
    }
}
