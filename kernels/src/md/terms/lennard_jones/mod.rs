//! The Lennard-Jones term.
//!
//! | module | owns |
//! |---|---|
//! | [`pairs`] | coefficients of pairs of types, in double precision |
//! | `from_system` | what of a general system it can run |

mod from_system;
pub mod pairs;
