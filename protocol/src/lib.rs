//! What travels between machines, and what lasts on disk.
//!
//! | module | owns |
//! |---|---|
//! | [`digest`] | BLAKE3 digests as a type |
//! | [`class`] | tiers and hardware classes |

pub mod class;
pub mod digest;

pub use class::{HardwareClass, Tier};
pub use digest::Digest;
