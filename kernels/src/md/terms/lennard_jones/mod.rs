//! Lennard-Jones without charges, cut off and not shifted.
//!
//! | module | owns |
//! |---|---|
//! | [`pairs`] | coefficients of pairs of types, in double precision |
//! | `from_system` | what of a general system [`LennardJonesSystem`](crate::md::LennardJonesSystem) can run |
//!
//! The kernels are those of [`nonbonded`](super::nonbonded).

mod from_system;
pub mod pairs;
