//! What moves atoms: constraints, thermostat, integrators.
//!
//! | module | owns |
//! |---|---|
//! | [`integration`] | integrators with constraints, a part |
//! | `whole` | a step's motion as one pass |
//! | `passes` | the passes that it is made of, for larger sets of constraints and for velocities alone |
//! | [`constraints`] | groups of up to four constraints, as the solver's buffers |
//! | [`constraint_sets`] | larger connected sets of constraints, as theirs |
//! | [`sites`] | virtual sites, a part |
//! | [`barostat`] | Monte Carlo moves of the volume, a part |
//! | [`momentum`] | removal of the motion of the centre of mass, a part |
//! | [`masses`] | masses by tag |
//! | [`reversible`] | leapfrog that can be taken back bit for bit |
//! | [`leapfrog`] | Verlet for Lennard-Jones alone, with forces in f32 |
//! | [`twin`] | constraints and integrators in double precision, for tests |
//!
//! A step of motion is one pass over all groups of atoms that share constraints, `shaders/md/motion/whole`. Where sets of constraints are larger than a group, it is
//! a sequence of small passes over all atoms or all groups, WGSL files of `shaders/md/motion`, with the same bits: `kick` changes velocities,
//! `constrain_velocities` projects them, `drift` or `middle` starts displacements, `constrain` corrects them and the velocities, `move_atoms` adds them to the
//! positions.
//!
//! Invariant: velocities are never taken from differences of positions.

pub mod barostat;
pub mod constraint_sets;
pub mod constraints;
pub mod integration;
pub mod leapfrog;
pub mod masses;
pub mod momentum;
pub(super) mod passes;
pub mod reversible;
pub mod sites;
pub mod twin;
mod whole;

pub use barostat::VolumeMoves;
pub use integration::Integration;
pub use leapfrog::Leapfrog;
pub use masses::Masses;
pub use momentum::RemoveMotion;
pub use sites::VirtualSites;
