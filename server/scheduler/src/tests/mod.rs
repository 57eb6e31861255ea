//! Tests of the core: scenarios a person can follow, and random events against the invariants.

mod checks;
mod departures;
mod driver;
mod edges;
mod fairness;
mod making_room;
mod offers;
mod random;
mod replay;
mod retired;
mod scale;
mod scenarios;
mod steering;
mod strangers;
