//! Springs to points.

pub mod twin;
