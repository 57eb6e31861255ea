//! Checks: stretches of jobs that a second host computes again, and what follows from what it finds.
//!
//! | module | owns |
//! |---|---|
//! | [`choose`] | which committed spans are checked, decided after the commit |
//! | [`place`] | which host checks, and when; room for a check on busy devices |
//! | [`judge`] | results held against each other; a third host decides |
//! | [`referee`] | the operator's hosts: what they decide, and which agreements they compute once more |
//! | [`credit`] | what verified work is worth |
//! | [`withheld`] | checks and jobs that a host holds without bringing anything home |
//! | [`quarantine`] | a fault that several hosts of one driver share |
//! | [`undo`] | a wrong result: its host is suspended, what rests on its word is void |
//!
//! Invariants: a span passes only if two hosts that are not alike gave one digest for it, neither of which was given the boundary at its end, or a
//! referee did; a host learns neither that what it computes is a check, nor what others found.

mod choose;
mod credit;
mod judge;
mod place;
mod quarantine;
mod referee;
mod undo;
mod withheld;

pub(crate) use choose::PROBATION;
#[cfg(test)]
pub(crate) use choose::share_ppm;
