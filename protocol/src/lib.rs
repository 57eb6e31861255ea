//! What travels between machines, and what lasts on disk.
//!
//! | module | owns |
//! |---|---|
//! | [`digest`] | BLAKE3 digests as a type |
//! | [`class`] | tiers and hardware classes |
//! | [`chain`] | the digest chain: one entry a boundary |
//! | [`checkpoint`] | the checkpoint format |
//! | `codec` | bincode with limits, for small headers |
//! | `shuffle` | bytes of equal place side by side, before compression |
//! | [`bundle`] | named byte strings in one blob: packages and outputs on their way |
//! | [`outputs`] | what segments put out, as one blob |
//! | [`ids`] | numbers of jobs, attempts and hosts |
//! | [`keys`] | Ed25519 public keys and signatures as types |
//! | [`split_mix`] | numbers that a seed repeats |
//! | [`text`] | text from elsewhere, made safe to show |
//! | [`states`] | states of jobs and hosts, outcomes of attempts, as text |
//! | [`version`] | versions of programs |
//! | [`http`] | what a worker, a scientist and a server say to each other |

pub mod bundle;
pub mod chain;
pub mod checkpoint;
pub mod class;
mod codec;
pub mod digest;
pub mod http;
pub mod ids;
pub mod keys;
pub mod outputs;
mod shuffle;
pub mod split_mix;
pub mod states;
pub mod text;
pub mod version;

pub use chain::ChainEntry;
pub use checkpoint::{Checkpoint, CheckpointError, StateBuffer};
pub use class::{HardwareClass, Tier};
pub use digest::Digest;
pub use ids::{AttemptId, HostId, JobId};
pub use keys::{PublicKey, Signature};
pub use states::{ErrorCause, HostState, JobState, Outcome, Verify};
pub use version::Version;
