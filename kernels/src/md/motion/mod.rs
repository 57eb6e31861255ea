//! What moves atoms: constraints, thermostat, integrators.
//!
//! | module | owns |
//! |---|---|
//! | [`leapfrog`] | the leapfrog form of velocity Verlet, a part |
//! | [`constraints`] | groups of constraints, as the solver's buffers |
//! | [`twin`] | constraints and integrators in double precision, for tests |
//!
//! A step of motion is a sequence of small passes over all atoms or all groups, WGSL files of `shaders/md/motion`:
//! `kick` changes velocities, `constrain_velocities` projects them, `drift` or `middle` starts displacements, `constrain` corrects them and the
//! velocities, `move_atoms` adds them to the positions.
//!
//! Invariant: velocities are never taken from differences of positions.

pub mod constraints;
pub mod leapfrog;
pub mod twin;

pub use leapfrog::Leapfrog;
