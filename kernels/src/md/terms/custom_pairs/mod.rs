//! Pair potentials by tables of types.

pub mod part;
pub mod twin;
