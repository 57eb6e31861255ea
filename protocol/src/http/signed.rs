//! Signed statements: what a scientist submits, what a host commits, which keys count, and the proof of a job.
//!
//! What exactly a signature covers, and how it is checked, is in the crate `signing`.

use serde::{Deserialize, Serialize};

use crate::keys::{PublicKey, Signature};
use crate::{AttemptId, ChainEntry, Digest, HostId, JobId};

/// Most keys in a [`KeyList`].
pub const KEYS_MAX: usize = 4096;
/// Longest time between the signing of a submission and its expiry, milliseconds: the server remembers for longer what it took.
pub const SUBMISSION_MS_MAX: u64 = 12 * 3_600_000;

/// A scientist's word for a submission: this package, so many segments, on this server, until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignedSubmission {
    /// The server's own name, as in [`super::ServerView::server`].
    #[serde(deserialize_with = "crate::text::read")]
    pub server: String,
    /// Identity of the package.
    pub package: Digest,
    /// Blob that holds the package's archive.
    pub archive: Digest,
    /// Most segments.
    pub segments: u64,
    /// The job from whose final checkpoint it starts.
    #[serde(default)]
    pub after: Option<JobId>,
    /// When it was signed, Unix milliseconds.
    pub signed_ms: u64,
    /// No job is made of it from then on, Unix milliseconds; at most 12 h later.
    pub expires_ms: u64,
    /// Drawn anew for each submission: the same number makes no second job.
    pub number: Digest,
    /// Who signs.
    pub key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

/// What a listed key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeyRole {
    /// Submissions.
    Scientist,
    /// Proofs.
    Server,
}

impl KeyRole {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scientist => "scientist",
            Self::Server => "server",
        }
    }
}

/// A key that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ListedKey {
    /// The key.
    pub key: PublicKey,
    /// What it may sign.
    pub role: KeyRole,
    /// Whose it is: a scientist's subject, as in tokens.
    #[serde(deserialize_with = "crate::text::read")]
    pub subject: String,
    /// It counts for nothing that is signed later, Unix milliseconds.
    pub until_ms: u64,
}

/// Which keys count, by the word of the operator's root key, which is kept offline. `GET` and `PUT /v1/keys`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeyList {
    /// Rises with every list: one with a lower number than was seen is refused.
    pub number: u64,
    /// The list counts until then, Unix milliseconds.
    pub expires_ms: u64,
    /// At most 4096.
    pub keys: Vec<ListedKey>,
    /// The root key.
    pub root: PublicKey,
    /// The root's signature over all of it.
    pub signature: Signature,
}

/// `GET /v1/keys`: which keys count on a server. `PUT` takes a newer list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Keys {
    /// The server's own key, which signs proofs.
    pub server: PublicKey,
    /// The list in force; none before the operator publishes one.
    pub list: Option<KeyList>,
}

/// A host's signature under a boundary that it committed, for work or as a check. What it signs, beside these: server, host, segment and digest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostSignature {
    /// Under which attempt.
    pub attempt: AttemptId,
    /// The lease's epoch.
    pub epoch: u64,
    /// The host's key, which it registered.
    pub key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

/// A stretch of segments in a [`Proof`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofSpan {
    /// First segment, counted from 1.
    pub first: u64,
    /// Last segment: the boundary that was signed.
    pub last: u64,
    /// Host that brought it home.
    pub host: HostId,
    /// Its signature; none of a host that registered no key.
    pub commit: Option<HostSignature>,
    /// Host that computed it, too, to the same digest.
    pub confirmed_by: Option<HostId>,
    /// Its signature.
    pub confirmation: Option<HostSignature>,
}

/// `GET /v1/jobs/{job}/proof`: who stands for each segment of a job, in a form that is checked without a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proof {
    /// Version of the form: 1.
    pub proof: u32,
    /// The server's own name.
    #[serde(deserialize_with = "crate::text::read")]
    pub server: String,
    /// The job.
    pub job: JobId,
    /// Identity of the package.
    pub package: Digest,
    /// The scientist's word; none where the submission was not signed.
    pub submission: Option<SignedSubmission>,
    /// Every boundary that is safe, in order. The first is C0, or follows the last one of the job that this one starts from.
    pub chain: Vec<ChainEntry>,
    /// Who stands for which segments, in order. Empty where nothing is checked.
    pub spans: Vec<ProofSpan>,
    /// The keys that counted; none where the operator has no root key.
    pub keys: Option<KeyList>,
    /// When the server signed it, Unix milliseconds.
    pub made_ms: u64,
    /// The server's key.
    pub key: PublicKey,
    /// Its signature over all of it.
    pub signature: Signature,
}
