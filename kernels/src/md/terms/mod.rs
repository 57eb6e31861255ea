//! Force terms, one folder each.

pub mod lennard_jones;
