//! Why something signed does not count.

use protocol::PublicKey;

/// Why something signed does not count: each reason by itself, since each has another remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature where one is needed.
    #[error("{what} is not signed: {fix}")]
    Unsigned {
        /// What should be.
        what: &'static str,
        /// What to do.
        fix: &'static str,
    },
    /// The signature is not the key's under these bytes.
    #[error(
        "{what}: the signature is not that of key {key}: something in it was changed after it was signed, or another key signed it"
    )]
    Wrong {
        /// What is signed.
        what: String,
        /// By whom it should be.
        key: PublicKey,
    },
    /// What was signed is not what it is used for.
    #[error("{what}: {field} is {found} where the signature is for {expected}")]
    Differs {
        /// What is signed.
        what: &'static str,
        /// The field.
        field: &'static str,
        /// What it is used with.
        found: String,
        /// What was signed.
        expected: String,
    },
    /// It was signed too long ago.
    #[error("{what} expired at {expired_ms} (Unix milliseconds), it is {now_ms}: sign it anew")]
    Expired {
        /// What.
        what: &'static str,
        /// Its end.
        expired_ms: u64,
        /// The time at which it was to count.
        now_ms: u64,
    },
    /// Its times do not fit.
    #[error("{what}: signed at {signed_ms} and to expire at {expires_ms}, it is {now_ms} (Unix milliseconds): {expected}")]
    Times {
        /// What.
        what: &'static str,
        /// When it was signed.
        signed_ms: u64,
        /// Its end.
        expires_ms: u64,
        /// The time at which it was to count.
        now_ms: u64,
        /// What is expected.
        expected: &'static str,
    },
    /// The key is on no list for this.
    #[error("key {key} is not on the operator's list (number {number}) as a {role}'s: ask the operator to list it")]
    NotListed {
        /// The key.
        key: PublicKey,
        /// As what.
        role: &'static str,
        /// The list's number.
        number: u64,
    },
    /// The key is somebody else's.
    #[error("key {key} is {owner}'s on the operator's list, and {subject} uses it")]
    OtherSubject {
        /// The key.
        key: PublicKey,
        /// Whose it is.
        owner: String,
        /// Who uses it.
        subject: String,
    },
    /// The key counted until then.
    #[error(
        "key {key} of {subject} expired at {until_ms} (Unix milliseconds), before what it signed at {signed_ms}: make a new key and have it listed"
    )]
    KeyExpired {
        /// The key.
        key: PublicKey,
        /// Whose it is.
        subject: String,
        /// Until when it counted.
        until_ms: u64,
        /// When it signed.
        signed_ms: u64,
    },
    /// The list is an older one.
    #[error(
        "the key list has number {found}, and number {known} was seen before: an older list may hold keys that were taken off since"
    )]
    OlderList {
        /// Its number.
        found: u64,
        /// The newest one seen.
        known: u64,
    },
    /// The list is another operator's.
    #[error("the key list is signed by root {found}, expected {expected}")]
    OtherRoot {
        /// Its root.
        found: PublicKey,
        /// The one that is trusted.
        expected: PublicKey,
    },
    /// A part of a proof does not fit the others.
    #[error("{0}")]
    Inconsistent(String),
}
