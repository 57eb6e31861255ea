//! What a volunteer's agent does next: a pure function of (state, input, time), without clocks, files, sockets or threads.
//!
//! [`Planner::step`] takes one [`Input`] and the [`Time`], changes the state, and returns [`Effect`]s to be carried out in order. The `baton`
//! command carries them out with files, HTTP and threads; the test world (`tests/world`) carries them out in virtual time.
//!
//! | module | owns |
//! |---|---|
//! | [`time`] | milliseconds by a clock that never goes back |
//! | [`input`] | everything that can come in: orders, answers, notes of compute threads, facts, a person's requests |
//! | [`effect`] | everything that can go out: computing, errands over the network, writes to the state folder, messages |
//! | [`reason`] | why the agent does not compute, leaves, or failed: typed, rendered to sentences elsewhere |
//! | [`policy`] | the volunteer's preferences, and which of them forbids computing now |
//! | [`shares`] | several projects in one agent: whose the next lease is |
//! | [`week`] | the hours of the week in which to compute |
//! | [`boundaries`] | the boundaries of one job on disk: what to commit, what may be deleted |
//! | [`job`] | one lease: where it stands, what it needs |
//! | [`plan`] | the state, one step of it, and a view of it |
//!
//! Orders are the full desired state, not a change of it: the planner always compares *everything* that it should be doing with what it does, so a lost, repeated or
//! overtaken message changes nothing. A boundary is deleted only when the server has it or its lease is gone.

pub mod boundaries;
pub mod effect;
pub mod input;
pub mod job;
pub mod plan;
pub mod policy;
pub mod reason;
pub mod shares;
pub mod time;
pub mod week;

pub use boundaries::Boundary;
pub use effect::{Beat, Contributed, Control, Effect, Ending, Errand, ErrandId, Message, RunId};
pub use input::{Answer, Device, Facts, Fetched, Input, Request, Server, Setup, Stop, Trouble, Turn};
pub use job::Stage;
pub use plan::Planner;
pub use plan::devices::{HANDOVER_MS, LOSSES_MAX};
pub use plan::view::JobView;
pub use policy::Policy;
pub use reason::{Cause, Declined, Failure, Idle, Leaving, Presence, Reason};
pub use shares::{Account, Demand, Project};
pub use time::Time;
pub use week::Week;
