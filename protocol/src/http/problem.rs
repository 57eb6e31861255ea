//! Errors as problem details (RFC 9457), served as `application/problem+json`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Stable name to act on: `/problems/stale-epoch`.
    #[serde(rename = "type", deserialize_with = "crate::text::read")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// The same for every problem of this type.
    #[serde(deserialize_with = "crate::text::read")]
    pub title: String,
    /// What was found and what was expected, this time.
    #[serde(deserialize_with = "crate::text::read")]
    pub detail: String,
    /// The field of the request at fault.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::text::read_option"
    )]
    pub field: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)?;
        match &self.field {
            Some(field) => write!(f, " (field {field})"),
            None => Ok(()),
        }
    }
}
