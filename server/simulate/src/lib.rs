//! Volunteers' machines in virtual time, around the code that serves: the scheduler's core and the agent's planner.
//!
//! | module | owns |
//! |---|---|
//! | [`parameters`] | what a simulation is of: population, jobs, network, policies; read from TOML and checked |
//! | [`trace`] | hosts as they were recorded: a CSV file |
//! | `random` | numbers as a function of seed, stream, host and draw; the distributions |
//! | `population` | hosts: when each is up, leaves, and how fast it is |
//! | `timeline` | the queue of events in virtual time |
//! | `grid` | where a run stands at a moment, from its boundaries alone |
//! | `policy` | who computes what: batch, checkpoint on the same host, moving (the serving core) |
//! | `world` | one server's hosts and jobs under one policy, from the first event to the last |
//! | `side_by_side` | worlds that know nothing of each other, on threads |
//! | [`comparison`] | the policies side by side over one population, on one server or several |
//! | [`variations`] | the comparison again, with one thing different at a time |
//! | [`calibration`] | the paper's figures, measured in the simulated population |
//! | [`page`] | the report as one self-contained HTML file |
//! | [`faults`] | small worlds of the real core and real planners, with messages lost, repeated, late, and crashes |
//!
//! Invariant: one seed gives one outcome, byte for byte. No clock, no file; threads only for worlds that know nothing of each other; all random numbers are functions of the seed.

pub mod calibration;
pub mod comparison;
pub mod faults;
mod grid;
pub mod page;
pub mod parameters;
mod policy;
mod population;
mod random;
mod side_by_side;
mod timeline;
pub mod trace;
pub mod variations;
mod world;

pub use comparison::{Comparison, compare};
pub use parameters::Parameters;
