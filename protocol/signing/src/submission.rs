//! A scientist's word for a job: this package, so many segments at most, on this server, once, until then.

use protocol::http::signed::SUBMISSION_MS_MAX;
use protocol::http::{KeyList, KeyRole, SignedSubmission, SubmitJob};
use protocol::{Digest, Signature};

use crate::statement::Statement;
use crate::{Refusal, SecretKey, list};

const WHAT: &str = "the submission";
/// How far a scientist's clock may be ahead of the server's.
const SKEW_MS: u64 = 5 * 60_000;

fn statement(signed: &SignedSubmission) -> Statement {
    Statement::new("submission")
        .field("server", &signed.server)
        .field("package", signed.package)
        .field("archive", signed.archive)
        .field("segments", signed.segments)
        .option("after", signed.after)
        .field("signed", signed.signed_ms)
        .field("expires", signed.expires_ms)
        .field("number", signed.number)
        .field("key", signed.key)
}

/// Signs a submission to a server. `number` is drawn at random for it.
pub fn sign(
    key: &SecretKey,
    server: &str,
    job: &SubmitJob,
    (signed_ms, expires_ms): (u64, u64),
    number: Digest,
) -> SignedSubmission {
    let mut signed = SignedSubmission {
        server: server.to_owned(),
        package: job.package,
        archive: job.archive,
        segments: job.segments,
        after: job.after,
        signed_ms,
        expires_ms,
        number,
        key: key.public(),
        signature: Signature([0; 64]),
    };
    signed.signature = statement(&signed).sign(key);
    signed
}

/// Whether the key that it names signed it.
///
/// # Errors
/// It did not.
pub fn check_signature(signed: &SignedSubmission) -> Result<(), Refusal> {
    match statement(signed).is_signed(signed.key, signed.signature) {
        true => Ok(()),
        false => Err(Refusal::Wrong {
            what: WHAT.to_owned(),
            key: signed.key,
        }),
    }
}

/// Checks a submission as it arrives at a server: whether it is signed, for this job, on this server, by a key of `subject` in a list that was
/// checked, and not too long ago. Whether its number was used before is for the server to know.
///
/// # Errors
/// The first reason why not.
pub fn check(job: &SubmitJob, server: &str, subject: &str, keys: &KeyList, now_ms: u64) -> Result<(), Refusal> {
    let signed = job.signed.as_ref().ok_or(Refusal::Unsigned {
        what: WHAT,
        fix: "this server takes signed submissions alone (`baton key new`, have the operator list the key, `baton submit --key FILE`)",
    })?;
    check_signature(signed)?;
    is_for("server", server, &signed.server)?;
    is_for("package", job.package, signed.package)?;
    is_for("archive", job.archive, signed.archive)?;
    is_for("segments", job.segments, signed.segments)?;
    let after = |job: Option<protocol::JobId>| job.map_or("none".to_owned(), |job| job.to_string());
    is_for("after", after(job.after), after(signed.after))?;
    let listed = list::entry(keys, signed.key, KeyRole::Scientist, signed.signed_ms)?;
    if listed.subject != subject {
        return Err(Refusal::OtherSubject {
            key: signed.key,
            owner: listed.subject.clone(),
            subject: subject.to_owned(),
        });
    }
    let (signed_ms, expires_ms) = (signed.signed_ms, signed.expires_ms);
    if expires_ms <= now_ms {
        return Err(Refusal::Expired {
            what: WHAT,
            expired_ms: expires_ms,
            now_ms,
        });
    }
    if signed_ms > now_ms.saturating_add(SKEW_MS) || expires_ms.saturating_sub(signed_ms) > SUBMISSION_MS_MAX {
        return Err(Refusal::Times {
            what: WHAT,
            signed_ms,
            expires_ms,
            now_ms,
            expected: "signed in the past, at most 12 h before it expires",
        });
    }
    Ok(())
}

/// What a host has for itself to check before it computes a job for which a scientist is said to have signed: that a listed key signed this package,
/// this archive and at least so many segments, on this server.
///
/// # Errors
/// The first reason why not.
pub fn check_lease(
    signed: Option<&SignedSubmission>,
    (server, package, archive, until_segment): (&str, Digest, Digest, u64),
    keys: &KeyList,
) -> Result<(), Refusal> {
    let signed = signed.ok_or(Refusal::Unsigned {
        what: WHAT,
        fix: "this host takes signed work alone (`signed_only` in its preferences)",
    })?;
    check_signature(signed)?;
    is_for("server", server, &signed.server)?;
    is_for("package", package, signed.package)?;
    is_for("archive", archive, signed.archive)?;
    // Segments of a job that goes on from another one are counted from that one's first.
    if signed.after.is_none() && until_segment > signed.segments {
        is_for("segments", until_segment, signed.segments)?;
    }
    list::entry(keys, signed.key, KeyRole::Scientist, signed.signed_ms).map(drop)
}

fn is_for<T: ToString, U: ToString>(field: &'static str, found: T, expected: U) -> Result<(), Refusal> {
    let (found, expected) = (found.to_string(), expected.to_string());
    match found == expected {
        true => Ok(()),
        false => Err(Refusal::Differs {
            what: WHAT,
            field,
            found,
            expected,
        }),
    }
}
