//! Checks: stretches of jobs that a second host computes again, and what follows from what it finds.
//!
//! | module | owns |
//! |---|---|
//! | [`choose`] | which committed spans are checked, decided after the commit |
//! | [`place`] | which host checks, and when; room for a check on busy devices |
//! | [`judge`] | results held against each other; a third host decides |
//! | [`undo`] | a wrong result: its host is suspended, what rests on its word is void |
//!
//! Invariants: a span passes only if two hosts that are not alike gave one digest for it, or a referee did; a host learns neither that what it
//! computes is a check, nor what others found.

mod choose;
mod judge;
mod place;
mod undo;

pub(crate) use choose::PROBATION;
