//! The segment loop with its one way across a boundary, and the durable record of what comes out.
//!
//! | module | owns |
//! |---|---|
//! | [`plan`] | which commands a step consists of |
//! | [`executor`] | a package on a device: segments and the boundary between them |
//! | [`segments`] | the segment loop: computing, and writing beside it |
//! | [`journal`] | the durable record of boundaries: append, last good one, what has to come out again |
//! | [`chain`] | the record's file of lines, `chain.jsonl` |
//! | [`state`] | states in the standard layout: the initial one, and those in checkpoint files |
//! | [`finite`] | digests of a boundary, and the look for NaN and infinity |
//! | [`dir`] | the run directory: a journal's files in a folder of their own |
//! | [`local`] | a run directory's run, from where it is to where it is to end |
//! | [`outputs`] | the files that what a segment puts out goes to |
//! | [`frames`] | reading outputs back |
//! | [`verify`] | all that is recorded, held against the chain |
//! | [`replay`] | recorded segments computed again, and held against the chain |
//! | [`gather`] | a run directory out of what was computed elsewhere |
//! | [`generation`] | a package that begins where a run is, and names it as its parent |
//! | [`part`] | some frames or the table, out of what was computed elsewhere |
//! | [`disk`] | writing so that a crash leaves the old or the new |
//! | [`evaluate`](mod@evaluate) | energies and forces of single states |

mod chain;
pub mod dir;
pub mod disk;
mod error;
pub mod evaluate;
mod executor;
mod finite;
pub mod frames;
pub mod gather;
mod generation;
pub mod journal;
mod local;
pub mod outputs;
pub mod part;
mod plan;
pub mod replay;
mod segments;
mod state;
pub mod verify;

pub use crate::package::table::TABLE;
pub use chain::{Line, Placed, Root};
pub use dir::{RunConfig, RunDir};
pub use error::RunError;
pub use evaluate::{Evaluation, Evaluator, evaluate};
pub use executor::{Boundary, Executor};
pub use finite::{NonFinite, Place};
pub use gather::Gathering;
pub use journal::{Computed, Journal, Layout, Opened, Start};
pub use local::{Outcome, Prepared, Progress, RunOptions, run};
pub use part::Part;
pub use replay::Replay;
pub use segments::{Control, Pilot, Reached, compute};
pub use state::{initial_boundary, initial_state, read_checkpoint};

pub use verify::Verification;
