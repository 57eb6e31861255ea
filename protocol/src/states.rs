//! States and outcomes: the words on the wire, in the database and before people. A state and an outcome are two things.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every one of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        // Derived, it would list the variants' names: the words are macro fragments, which the derive does not read.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(concat!($($doc, "\n"),*).trim()))
                    .enum_values(Some(Self::ALL.iter().map(|word| word.as_str())))
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words!(
    /// Where a job stands.
    JobState {
        /// Waits for a host, for another job, or for its turn.
        Queued = "queued",
        /// A host has a lease for it.
        Running = "running",
        /// Was preempted and waits to go on.
        Suspended = "suspended",
        /// Leaves a host, or has left it, and waits for the next.
        Migrating = "migrating",
        /// Its last boundary is committed; segments of it are still being checked.
        Verifying = "verifying",
        /// Kept back: by its owner, after errors on several hosts, or because what it depends on failed.
        Held = "held",
        /// Its last boundary is committed.
        Completed = "completed",
        /// Given up after errors on several hosts.
        Failed = "failed",
        /// Stopped for good by its owner.
        Cancelled = "cancelled",
    }
);

impl JobState {
    /// Whether nothing will happen to the job any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words!(
    /// How an attempt ended.
    Outcome {
        /// The job's last boundary is committed.
        Success = "success",
        /// Stopped at a boundary, to go on elsewhere.
        Migrated = "migrated",
        /// Stopped for a more urgent job.
        Preempted = "preempted",
        /// The host was not heard of in time.
        Expired = "expired",
        /// The host could not compute it.
        ClientError = "client-error",
        /// The host's class or result was not what it had to be.
        Mismatch = "mismatch",
        /// Stopped by the owner, or given back before it began.
        Aborted = "aborted",
    }
);

words!(
    /// What an attempt that ends as `client-error` failed on.
    ErrorCause {
        /// The host: its device, memory, disk or network. The job goes on elsewhere.
        Host = "host",
        /// The package: it does not load, or it faults at the same step on every host. No host can go on.
        Package = "package",
    }
);

impl Default for ErrorCause {
    /// What a worker means that does not say.
    fn default() -> Self {
        Self::Host
    }
}

words!(
    /// How much of a job is computed a second time, by other hosts.
    Verify {
        /// Nothing: what hosts return is believed, and nothing is taken back.
        None = "none",
        /// Some of it, chosen by the server after it was committed; less of hosts that passed before.
        Sampled = "sampled",
        /// All of it.
        Full = "full",
    }
);

impl Default for Verify {
    /// What a client means that does not say.
    fn default() -> Self {
        Self::None
    }
}

impl Verify {
    /// Whether nothing is checked.
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

words!(
    /// Where a host stands.
    HostState {
        /// Heard of in time.
        Online = "online",
        /// Silent: a network fault to wait out.
        Unreachable = "unreachable",
        /// Away as announced.
        Offline = "offline",
        /// Silent too long: given up.
        Lost = "lost",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_on_the_wire() {
        for state in JobState::ALL {
            assert_eq!(serde_json::to_string(state).unwrap(), format!("\"{state}\""));
        }
        assert_eq!(Outcome::ClientError.to_string(), "client-error");
    }
}
