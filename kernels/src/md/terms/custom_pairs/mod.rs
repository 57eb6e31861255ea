//! Pair potentials by tables of types.

pub mod twin;
