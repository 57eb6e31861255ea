//! Springs to points.

pub mod part;
pub mod twin;
