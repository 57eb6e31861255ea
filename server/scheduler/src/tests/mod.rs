//! Tests of the core: scenarios a person can follow, and random events against the invariants.

mod driver;
mod edges;
mod fairness;
mod random;
mod replay;
mod retired;
mod scale;
mod scenarios;
mod steering;
mod strangers;
