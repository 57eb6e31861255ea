//! Exceptions and excluded pairs: what the sum over neighbors leaves out, and what the reciprocal sum counts for them taken back.
//!
//! | module | owns |
//! |---|---|
//! | [`part`] | the term as a part of a package |
//! | [`series`] | Ewald's smooth functions as series |

pub mod part;
pub mod series;
