//! Force terms, one folder each: its driver (constants, tables, passes) and its twin in double precision.

pub mod exceptions;
pub mod lennard_jones;
