//! The leapfrog form of velocity Verlet, at constant energy, in a rectangular box without constraints.

use crate::md::draft::{Draft, Kernel, Part, Phase};

/// v += F dt / m, then x += v dt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leapfrog;

impl Part for Leapfrog {
    fn contribute(&self, draft: &mut Draft) {
        draft.fault(
            2,
            "an atom moved a quarter of the box or more in one step, or its velocity is not a number: the system has exploded; use a smaller time step, or a starting state without overlaps",
        );
        let files = ["md/motion/canonical.wgsl", "md/motion/leapfrog.wgsl"];
        draft.kernel(Phase::Drift, Kernel::new("leapfrog", &files).over("atoms"));
    }
}
