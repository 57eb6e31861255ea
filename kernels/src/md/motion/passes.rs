//! The passes that integrators are made of: files of `shaders/md/motion`, with what each of them always needs.

use crate::md::draft::{Draft, Kernel, Phase};
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
fn constrain_velocities(draft: &mut Draft, name: &str) -> Kernel {
    let files = [
        draft.cell_file(),
        CANONICAL,
        "md/motion/constraint.wgsl",
        "md/motion/constrain_velocities.wgsl",
    ];
    Kernel::new(name, &files).over("constraint_groups")
}

/// Of larger sets of constraints.
pub(super) fn constrain_sets(draft: &mut Draft, name: &str) -> Kernel {
    let last = "md/motion/constrain_sets.wgsl";
    let files = [draft.cell_file(), CANONICAL, "md/motion/set.wgsl", last];
    Kernel::new(name, &files).workgroups("constraint_sets")
}

/// Of larger sets of constraints, of the buffer `velocities`, or of what is bound instead of it.
fn constrain_velocity_sets(draft: &mut Draft, name: &str) -> Kernel {
    let last = "md/motion/constrain_velocity_sets.wgsl";
    let files = [draft.cell_file(), CANONICAL, "md/motion/set.wgsl", last];
    Kernel::new(name, &files).workgroups("constraint_sets")
}

/// Take what is along constraints off the velocities in a buffer.
pub(in crate::md) fn project(draft: &mut Draft, phase: Phase, name: &str, velocities: &str) {
    if draft.has("constraint_atoms") {
        let kernel = constrain_velocities(draft, name);
        draft.kernel(phase, kernel.bind("velocities", velocities));
    }
    if draft.has("set_atoms") {
        let kernel = constrain_velocity_sets(draft, &format!("{name}_of_sets"));
        draft.kernel(phase, kernel.bind("velocities", velocities));
    }
}

pub(super) fn move_atoms(draft: &mut Draft, name: &str) -> Kernel {
    let files = [draft.cell_file(), "md/motion/moved.wgsl", "md/motion/move_atoms.wgsl"];
    Kernel::new(name, &files).over("atoms")
}

/// A pass that draws the thermostat's numbers; the last file holds its entry point.
pub(super) fn with_noise(name: &str, last: &'static str) -> Kernel {
    let files = ["random/threefry.wgsl", "random/gaussian.wgsl", CANONICAL, last];
    let stream = Number::Integer(i64::from(Stream::Thermostat as u32));
    Kernel::new(name, &files).over("atoms").set("noise_stream", stream)
}
