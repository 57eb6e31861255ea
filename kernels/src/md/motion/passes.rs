//! The passes that integrators are made of: files of `shaders/md/motion`, with what each of them always needs.

use crate::md::draft::{Draft, Kernel};
use crate::package::manifest::Number;
use crate::random::Stream;

const CANONICAL: &str = "md/motion/canonical.wgsl";

pub(super) fn kick(name: &str) -> Kernel {
    Kernel::new(name, &[CANONICAL, "md/motion/kick.wgsl"]).over("atoms")
}

/// Displacements of `time_ps`.
pub(super) fn drift(name: &str, time_ps: f64) -> Kernel {
    let kernel = Kernel::new(name, &[CANONICAL, "md/motion/drift.wgsl"]).over("atoms");
    kernel.set("drift_dt", Number::Float(time_ps))
}

pub(super) fn constrain(draft: &mut Draft, name: &str) -> Kernel {
    let files = [
        draft.cell_file(),
        CANONICAL,
        "md/motion/constraint.wgsl",
        "md/motion/constrain.wgsl",
    ];
    Kernel::new(name, &files).over("constraint_groups")
}

/// Of the buffer `velocities`, or of what is bound instead of it.
pub(in crate::md) fn constrain_velocities(draft: &mut Draft, name: &str) -> Kernel {
    let files = [
        draft.cell_file(),
        CANONICAL,
        "md/motion/constraint.wgsl",
        "md/motion/constrain_velocities.wgsl",
    ];
    Kernel::new(name, &files).over("constraint_groups")
}

pub(super) fn move_atoms(draft: &mut Draft, name: &str) -> Kernel {
    let files = [draft.cell_file(), "md/motion/move_atoms.wgsl"];
    Kernel::new(name, &files).over("atoms")
}

/// A pass that draws the thermostat's numbers; the last file holds its entry point.
pub(super) fn with_noise(name: &str, last: &'static str) -> Kernel {
    let files = ["random/threefry.wgsl", "random/gaussian.wgsl", CANONICAL, last];
    let stream = Number::Integer(i64::from(Stream::Thermostat as u32));
    Kernel::new(name, &files).over("atoms").set("noise_stream", stream)
}
