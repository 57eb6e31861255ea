//! The rules: what follows from an event, as functions over the tables.
//!
//! | module | owns |
//! |---|---|
//! | [`presence`] | what hosts report, their silence, timers that fire |
//! | [`quiet`] | heartbeats that change nothing: noted, not logged |
//! | [`register`], [`departure`] | hosts that register, and that leave as planned |
//! | [`access`] | hosts that are banned, or have no token any more |
//! | [`restored`] | a state that comes from a backup |
//! | [`steer`] | what scientists do to jobs, and how jobs conclude |
//! | [`waiting`], [`matching`] | into a queue and out of it; which job goes to which device; preemption; batches |
//! | [`grant`] | offers, at once or ahead |
//! | [`leases`], [`ending`] | attempts: taken, progressing, committed; and how they end |
//! | [`checks`] | what a second host computes again, and what follows from what it finds |
//! | [`errors`] | errors of hosts with a job: whose they are, when they hold it, and another try |
//! | [`notices`] | jobs that ended, of which a URL is told |
//! | [`retire`] | finished jobs leave memory |
//!
//! A rule first decides whether it refuses, and only then changes anything. What follows for other jobs and hosts is noted in
//! [`Pending`](crate::Pending) and settled once, at the end of the event.

mod access;
mod checks;
mod departure;
mod ending;
mod errors;
mod grant;
mod leases;
mod matching;
mod notices;
mod presence;
mod quiet;
mod register;
mod restored;
mod retire;
mod steer;
mod waiting;

pub(crate) use checks::PROBATION;
#[cfg(test)]
pub(crate) use checks::share_ppm;
pub(crate) use ending::MESSAGE_CHARS_MAX;
pub use notices::Notice;
pub(crate) use presence::REASON_CHARS_MAX;
pub use quiet::Note;
pub use retire::Finished;

use protocol::JobState;

/// What becomes of a job when its attempt is over.
pub(crate) enum Then {
    /// It waits again; in the state it has when none is named.
    Requeue(Option<JobState>, String),
    /// It is kept back.
    Hold(String),
    /// Nothing of it is computed any more, but checks of it go on.
    Verify(String),
    /// Nothing more.
    Final(JobState, String),
    /// It is a check that is closed.
    Drop,
}
