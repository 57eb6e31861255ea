//! Tests of the core: scenarios a person can follow, and random events against the invariants.

mod canary;
mod checks;
mod credit;
mod departures;
mod done;
mod driver;
mod edges;
mod fairness;
mod hostile;
mod indistinguishable;
mod making_room;
mod offers;
mod quiet;
mod random;
mod referee;
mod replay;
mod retired;
mod scale;
mod scenarios;
mod steering;
mod strangers;
mod trust;
mod withheld;
