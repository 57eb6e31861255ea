//! Tokens and blobs.

use serde::{Deserialize, Serialize};

use crate::{Digest, HostId};

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Enrol hosts; a host's own token speaks for that host alone.
    Host,
    /// Enrol referees: the operator's hosts, whose results decide where others differ.
    Referee,
    /// Submit jobs and steer its own.
    Scientist,
    /// Everything.
    Operator,
}

impl Scope {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Referee => "referee",
            Self::Scientist => "scientist",
            Self::Operator => "operator",
        }
    }
}

/// `POST /v1/tokens` (operator).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct IssueToken {
    /// What it may do.
    pub scope: Scope,
    /// Who holds it: jobs submitted with it belong to this name. 1 to 64 of `a–z 0–9 . _ -`.
    #[serde(deserialize_with = "crate::text::read")]
    pub subject: String,
    /// An invitation: a host token that enrols one host and is used up by that.
    #[serde(default)]
    pub invitation: bool,
}

/// Answer to [`IssueToken`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IssuedToken {
    /// Name to revoke it by.
    #[serde(deserialize_with = "crate::text::read")]
    pub id: String,
    /// The secret. Said once; the server keeps its digest alone.
    #[serde(deserialize_with = "crate::text::read")]
    pub token: String,
}

/// One of `GET /v1/tokens`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenView {
    /// Name to revoke it by.
    #[serde(deserialize_with = "crate::text::read")]
    pub id: String,
    /// What it may do.
    pub scope: Scope,
    /// Who holds it.
    #[serde(deserialize_with = "crate::text::read")]
    pub subject: String,
    /// When it was issued, Unix milliseconds.
    pub issued_ms: u64,
    /// When it was revoked, Unix milliseconds.
    pub revoked_ms: Option<u64>,
    /// It enrols one host and no more.
    #[serde(default)]
    pub invitation: bool,
    /// The host that it speaks for, or that it enrolled as an invitation.
    #[serde(default)]
    pub host: Option<HostId>,
}

/// One of `GET /v1/audit`: something that a person did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditView {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Subject of the token with which it was done.
    #[serde(deserialize_with = "crate::text::read")]
    pub subject: String,
    /// What was done, in a word.
    #[serde(deserialize_with = "crate::text::read")]
    pub action: String,
    /// To what: `job 7`, `host 3`, `token abc`.
    #[serde(deserialize_with = "crate::text::read")]
    pub object: String,
    /// What else was said: a job's name, a priority, a reason.
    #[serde(deserialize_with = "crate::text::read")]
    pub detail: String,
}

/// `GET /v1/server`, without a token: which server this is, whatever the URL under which it is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerView {
    /// The server's own name: 32 hexadecimal digits, made at random with its first data and kept ever after, through moves, other URLs and restored
    /// backups.
    #[serde(deserialize_with = "crate::text::read")]
    pub server: String,
    /// Which life of it: random, below 2^53, never 0; another one from each restoration of a backup on. In a new life numbers begin far above
    /// those of the old one, and what happened after the backup is unknown: tokens that were issued since then, hosts, jobs, boundaries.
    pub life: u64,
    /// Version of the protocol that it speaks.
    pub protocol: u32,
    /// Version of the program.
    #[serde(deserialize_with = "crate::text::read")]
    pub version: String,
    /// Of a server that follows another one: for how many milliseconds what it shows may be out of date. None from the one that leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_ms: Option<u64>,
    /// Of such a server: the URL of the one that leads, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leader: Option<String>,
}

/// State of a blob or of an upload that is not whole yet.
///
/// Upload: `PUT /v1/blobs/{digest}?offset=N&size=TOTAL` with the bytes from `N` on. After a cut, `GET /v1/blobs/{digest}/upload` tells how many
/// bytes arrived; go on from there. The blob exists once all bytes are there and their digest is the one in the path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlobView {
    /// Which blob.
    pub digest: Digest,
    /// Bytes that are there.
    pub received: u64,
    /// Whether it is whole and checked.
    pub whole: bool,
}
