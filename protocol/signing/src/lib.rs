//! Who stands for what: statements under Ed25519 signatures, checked strictly (`verify_strict`: no weak keys, one encoding of each signature).
//!
//! | module | owns |
//! |---|---|
//! | [`secret`] | secret keys, and their files |
//! | `statement` | the bytes that a signature covers |
//! | [`list`] | the operator's list of keys that count |
//! | [`submission`] | a scientist's word for a job |
//! | [`commit`] | a host's word for a boundary |
//! | [`proof`] | who stands for each segment of a job, checked offline |
//! | [`refusal`] | why something signed does not count |
//!
//! Invariant: whether a statement counts is a function of its bytes, of keys that are trusted already, and of a time that is given: nothing is read
//! from a clock, a file or the network, except by [`secret`].

pub mod commit;
pub mod list;
pub mod proof;
pub mod refusal;
pub mod secret;
mod statement;
pub mod submission;

pub use refusal::Refusal;
pub use secret::SecretKey;
