//! The tables of the scheduler's state. Each guards the indexes over its own rows: a row changes only through its table, so that a row and its
//! places in the indexes cannot differ.
//!
//! | module | rows | indexes |
//! |---|---|---|
//! | [`jobs`] | jobs, and the accounts of their owners | queues of those that wait; those that wait for another job |
//! | [`attempts`] | attempts that are not over | those that may have to make room |
//! | [`hosts`] | hosts and their devices | free devices; devices of each class |
//! | [`drivers`] | drivers whose devices returned wrong results | – |
//! | [`credit`] | what hosts are credited with, what a segment of a package costs | – |
//! | [`timers`] | times at which something is due | by time and by subject |
//! | [`rows`] | – | rows by number, the map that each table keeps its own in |
//! | [`pool`] | – | the kind of index that free devices and yielding attempts stand in |
//!
//! Links between rows of two tables (a job's attempt, a device's line of attempts) are set and cleared together, by
//! [`Core::attach`](crate::Core::attach) and [`Core::detach`](crate::Core::detach) alone.

pub(crate) mod attempts;
mod blocks;
pub(crate) mod credit;
pub(crate) mod drivers;
pub(crate) mod hosts;
pub(crate) mod jobs;
pub(crate) mod pool;
pub(crate) mod rows;
pub(crate) mod timers;

pub(crate) use attempts::{Attempt, Attempts, Cause, Stage, Stop};
pub(crate) use credit::{Account, Costs, Credit};
pub(crate) use drivers::{Drivers, driver_of};
pub(crate) use hosts::{Device, DeviceId, Host, Hosts, Suspension};
pub(crate) use jobs::{
    Check, ERRORS_KEPT, Failure, Job, Jobs, Length, Need, Place, QueueKey, Safe, Span, SpanState, UserId, Vote,
};
pub(crate) use rows::Rows;
pub(crate) use timers::{Timer, Timers};

/// What an invariant says when it does not hold.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
