//! The Lennard-Jones term.
//!
//! | module | owns |
//! |---|---|
//! | [`pairs`] | coefficients of pairs of types, in double precision |

pub mod pairs;
