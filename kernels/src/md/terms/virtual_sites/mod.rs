//! Virtual sites.

pub mod twin;
