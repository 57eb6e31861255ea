//! Tiers and hardware classes: where a job may continue.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Which arithmetic a package asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Exact everywhere: one class for every device that passes the probes.
    Portable,
    /// Stock compilation: a job moves only inside one hardware class.
    ClassBound,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::ClassBound => "class-bound",
        })
    }
}

/// The equivalence that a scheduler matches on: a job's checkpoint continues only where this is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HardwareClass {
    /// The tier that this class is of.
    pub tier: Tier,
    /// What decides: identity and behaviour (`class-bound`), or behaviour under strict compilation alone (`portable`).
    pub key: Digest,
}

impl fmt::Display for HardwareClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.tier, self.key.short())
    }
}
