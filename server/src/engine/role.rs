//! What a server is among those that share a database: the leader, which alone writes, or a standby, which follows its log and takes over.

use std::time::{Duration, Instant};

/// What a server is.
#[derive(Clone, Debug)]
pub enum Role {
    /// It alone writes.
    Leader,
    /// It follows another one's log, and answers what changes nothing.
    Standby {
        /// The leader's URL, as far as it is known.
        leader: Option<String>,
        /// When all of the log that was there was followed last.
        seen: Instant,
    },
}

impl Role {
    /// A standby that is up to date.
    pub(super) fn standby(leader: Option<String>) -> Self {
        Self::Standby {
            leader,
            seen: Instant::now(),
        }
    }

    /// For how long what it shows may be out of date; none for the leader.
    pub fn behind(&self) -> Option<Duration> {
        match self {
            Self::Leader => None,
            Self::Standby { seen, .. } => Some(seen.elapsed()),
        }
    }
}
