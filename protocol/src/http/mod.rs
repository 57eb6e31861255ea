//! What a worker, a scientist and a server say to each other: the bodies of every request and response, as JSON.
//!
//! | module | owns |
//! |---|---|
//! | [`job`] | what a scientist submits and sees |
//! | [`host`] | what a worker registers and reports |
//! | [`lease`] | what a worker is told to do, and what it commits |
//! | [`admin`] | tokens, blobs, which server this is |
//! | [`signed`] | signed submissions and commits, key lists, proofs |
//! | [`problem`] | errors (RFC 9457) |
//!
//! **Compatibility.** Servers and workers of different ages work together as long as [`PROTOCOL`] is the same:
//! - A reader of a report (what a worker sends, what a server answers) ignores fields that it does not know; a new field has a default that
//!   means what its absence meant before. So bodies of reports never refuse unknown fields.
//! - What a person asks for ([`SubmitJob`], [`Reprioritize`], [`IssueToken`]) is refused with a field that the server does not know: to ignore it would
//!   be to do something else than was asked.
//! - A new word of an enum, or a field without which something else would be done, is a new protocol version.
//!
//! **Texts** are cleaned as they are read ([`crate::text`]), on both sides: what a body holds is one line of visible characters.
//!
//! **Which server.** [`ServerView`] (`GET /v1/server`, no token), [`Registered`] and [`Orders`] say the server's own name and its life. A worker knows the
//! server by that name, not by its URL; and takes a new life for a server that was restored from a backup: it is to be obeyed, though it may not know this
//! worker, or what was committed since the backup.
//!
//! Every response of a server, errors included, has its name in the header [`SERVER_ID`]: a redirect, a proxy's page or another server at the same
//! address has another name or none, and so says nothing about a worker's leases. It identifies, it does not authenticate; TLS does that.
//!
//! **Which agent.** [`Heartbeat::instance`] tells two agents apart that speak under one number, from a copied state folder.
//!
//! Orders are the full desired state, not a change of it: [`Orders`] always lists *everything* that a host should be doing now, so a lost, repeated or
//! overtaken message changes nothing; a worker compares the list with what it does and acts on the difference.

/// Version of this protocol. A host says its own when it registers, and is told the server's.
pub const PROTOCOL: u32 = 1;

/// Response header with the server's own name.
pub const SERVER_ID: &str = "baton-server";

/// Response header with the version of the server's program.
pub const SERVER_VERSION: &str = "baton-version";

/// Response header with the oldest version of an agent that gets new work; absent where any does.
pub const MIN_AGENT: &str = "baton-min-agent";

/// What an agent's `User-Agent` begins with; its version follows.
pub const AGENT: &str = "baton/";

/// Response header of a server that follows another one: for how many milliseconds its answer may be out of date.
pub const SERVER_BEHIND: &str = "baton-behind-ms";

/// Response header with the URL of the server that leads, where it is known: it alone changes anything.
pub const SERVER_LEADER: &str = "baton-leader";

/// On a request for a blob: its sender can follow a link. On the answer to it, with status 204: the URL from which the blob can be read for some minutes, without a
/// token; as the bytes of any server, it is taken for the blob only when its digest is right.
pub const BLOB_LINK: &str = "baton-blob-link";

/// Kind of problem with which a server answers that follows another one: nothing was done, and the leader does it.
pub const NOT_LEADER: &str = "not-leader";

/// What those speak who do not say.
pub(crate) fn first_protocol() -> u32 {
    1
}

pub mod admin;
pub mod host;
pub mod job;
pub mod lease;
pub mod problem;
pub mod signed;

pub use admin::{AuditView, BlobView, IssueToken, IssuedToken, Scope, ServerView, TokenView};
pub use host::{
    BanHost, CreditView, DeviceReport, Heartbeat, HostView, JobProgress, LeaveNotice, Night, RegisterHost, Registered,
};
pub use job::{Change, JobError, JobSummary, JobView, Listed, Reprioritize, Stay, SubmitJob, Submitted, Why};
pub use lease::{Action, CheckpointRef, Commit, Committed, EndAttempt, IdleDevice, Lease, Orders};
pub use problem::Problem;
pub use signed::{HostSignature, KeyList, KeyRole, ListedKey, Proof, ProofSpan, SignedSubmission};
