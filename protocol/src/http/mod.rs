//! What a worker, a scientist and a server say to each other: the bodies of every request and response, as JSON.
//!
//! | module | owns |
//! |---|---|
//! | [`job`] | what a scientist submits and sees |
//! | [`host`] | what a worker registers and reports |
//! | [`lease`] | what a worker is told to do, and what it commits |
//! | [`admin`] | tokens and blobs |
//! | [`problem`] | errors (RFC 9457) |
//!
//! Orders are a level, not an edge: [`Orders`] always lists *everything* that a host should be doing now, so a lost, repeated or
//! overtaken message changes nothing; a worker compares the list with what it does and acts on the difference.

pub mod admin;
pub mod host;
pub mod job;
pub mod lease;
pub mod problem;

pub use admin::{BlobView, IssueToken, IssuedToken, Scope, TokenView};
pub use host::{DeviceReport, Heartbeat, HostView, JobProgress, LeaveNotice, Night, RegisterHost, Registered};
pub use job::{Change, JobView, Listed, Reprioritize, Stay, SubmitJob, Submitted, Why};
pub use lease::{Action, CheckpointRef, Commit, Committed, EndAttempt, IdleDevice, Lease, Orders};
pub use problem::Problem;
