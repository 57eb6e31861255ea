//! Who stands for each segment of a job: chain, host-signed commits and checks, the scientist's word, under the server's signature, whose key the
//! operator's root lists. Checked offline: [`check`] asks nothing of a server.
//!
//! What it proves: that the named hosts signed exactly these boundaries, that this server says so, and that the operator's root stands behind the
//! server. Not that hosts are different people: that is the server's word (`docs/proof.md`).

use protocol::http::{HostSignature, KeyList, KeyRole, Proof, ProofSpan};
use protocol::{PublicKey, Signature};

use crate::commit::Boundary;
use crate::statement::Statement;
use crate::{Refusal, SecretKey, list, submission};

/// The form that this version writes and reads.
pub const FORM: u32 = 1;

/// What a checked proof shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Segments that are in the chain.
    pub segments: u64,
    /// Those whose host signed them.
    pub signed: u64,
    /// Those that a second host computed to the same digest, where both signed.
    pub confirmed: u64,
    /// Whether a root that the reader trusts stands behind it.
    pub anchored: bool,
    /// Whether a scientist's listed key signed the submission.
    pub submitted: bool,
}

/// What the reader trusts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust {
    /// The operator's root key.
    pub root: Option<PublicKey>,
    /// The newest number of a key list that was seen.
    pub least_list: u64,
}

fn statement(proof: &Proof) -> Statement {
    let signature = |signed: &Option<HostSignature>| signed.as_ref().map(|signed| signed.signature);
    let submission = proof.submission.as_ref();
    let head = Statement::new("proof")
        .field("proof", proof.proof)
        .field("server", &proof.server)
        .field("job", proof.job)
        .field("package", proof.package)
        .option("submission", submission.map(|signed| signed.signature))
        .field("boundaries", proof.chain.len())
        .option("first", proof.chain.first().map(|entry| entry.digest))
        .option("last", proof.chain.last().map(|entry| entry.digest))
        .option("keys", proof.keys.as_ref().map(|list| list.signature))
        .field("made", proof.made_ms)
        .field("key", proof.key)
        .field("spans", proof.spans.len());
    proof.spans.iter().fold(head, |statement, span| {
        statement
            .field("first", span.first)
            .field("last", span.last)
            .field("host", span.host)
            .option("commit", signature(&span.commit))
            .option("confirmed by", span.confirmed_by)
            .option("confirmation", signature(&span.confirmation))
    })
}

/// The server signs a proof that is complete but for key and signature.
pub fn sign(key: &SecretKey, proof: &mut Proof) {
    (proof.proof, proof.key) = (FORM, key.public());
    proof.signature = Signature([0; 64]);
    proof.signature = statement(proof).sign(key);
}

/// Checks a proof.
///
/// # Errors
/// The first thing in it that does not hold: each has its own message.
pub fn check(proof: &Proof, trust: Trust) -> Result<Shown, Refusal> {
    if proof.proof != FORM {
        let found = proof.proof;
        return Err(Refusal::Inconsistent(format!(
            "the proof has form {found}, this version reads form {FORM}"
        )));
    }
    check_chain(proof)?;
    let anchored = match (trust.root, &proof.keys) {
        (Some(root), Some(keys)) => {
            list::check(keys, root, trust.least_list, proof.made_ms)?;
            list::entry(keys, proof.key, KeyRole::Server, proof.made_ms)?;
            true
        }
        (Some(_), None) => {
            return Err(Refusal::Unsigned {
                what: "the server's key",
                fix: "the proof has no key list, so that no root stands behind it; check it without --root to see what else it shows",
            });
        }
        (None, _) => false,
    };
    let mut shown = Shown {
        segments: proof.chain.last().map_or(0, |entry| entry.segment) - first_segment(proof),
        anchored,
        ..Shown::default()
    };
    check_submission(proof, &mut shown)?;
    let mut end = first_segment(proof);
    for span in &proof.spans {
        check_span(proof, span, &mut end, &mut shown)?;
    }
    if !statement(proof).is_signed(proof.key, proof.signature) {
        return Err(Refusal::Wrong {
            what: "the proof".to_owned(),
            key: proof.key,
        });
    }
    Ok(shown)
}

fn first_segment(proof: &Proof) -> u64 {
    proof.chain.first().map_or(0, |entry| entry.segment)
}

/// Each boundary has the digest of its own fields, and follows the one before.
fn check_chain(proof: &Proof) -> Result<(), Refusal> {
    let wrong = |line: usize, what: String| Err(Refusal::Inconsistent(format!("line {} of the chain: {what}", line + 1)));
    if proof.chain.is_empty() {
        return Err(Refusal::Inconsistent("the proof has no boundary".to_owned()));
    }
    for (line, entry) in proof.chain.iter().enumerate() {
        let computed = entry.computed(proof.package);
        if entry.digest != computed {
            let what = format!(
                "its digest is {}, its contents give {}",
                entry.digest.short(),
                computed.short()
            );
            return wrong(line, what);
        }
        let before = line.checked_sub(1).and_then(|before| proof.chain.get(before));
        let follows = match before {
            Some(before) => entry.follows(proof.package, Some(before)),
            None => entry.segment > 0 || entry.follows(proof.package, None),
        };
        if !follows {
            let place = before.map_or("the start of a run".to_owned(), |before| {
                format!("segment {}", before.segment)
            });
            return wrong(
                line,
                format!(
                    "segment {} does not follow {place}: lines are out of order, or one is missing",
                    entry.segment
                ),
            );
        }
    }
    Ok(())
}

fn check_submission(proof: &Proof, shown: &mut Shown) -> Result<(), Refusal> {
    let Some(signed) = &proof.submission else { return Ok(()) };
    submission::check_signature(signed)?;
    if signed.package != proof.package || signed.server != proof.server {
        return Err(Refusal::Inconsistent(format!(
            "the submission is for package {} on server {}, the proof is of package {} on server {}",
            signed.package.short(),
            signed.server,
            proof.package.short(),
            proof.server
        )));
    }
    if let (true, Some(keys)) = (shown.anchored, &proof.keys) {
        list::entry(keys, signed.key, KeyRole::Scientist, signed.signed_ms)?;
        shown.submitted = true;
    }
    Ok(())
}

/// A stretch follows the one before, and who signed its end signed that digest.
fn check_span(proof: &Proof, span: &ProofSpan, end: &mut u64, shown: &mut Shown) -> Result<(), Refusal> {
    let wrong = |what: String| {
        Err(Refusal::Inconsistent(format!(
            "segments {} to {}: {what}",
            span.first, span.last
        )))
    };
    if end.checked_add(1) != Some(span.first) || span.last < span.first {
        return wrong(format!(
            "expected a stretch that begins with segment {}",
            end.saturating_add(1)
        ));
    }
    let at = usize::try_from(span.last - first_segment(proof))
        .ok()
        .and_then(|at| proof.chain.get(at));
    let Some(entry) = at else {
        return wrong("the chain ends before".to_owned());
    };
    *end = span.last;
    let count = span.last - span.first + 1;
    let boundary = |host| Boundary::of(&proof.server, host, entry);
    if let Some(signed) = &span.commit {
        boundary(span.host).check(signed)?;
        shown.signed += count;
    }
    if let (Some(host), Some(signed)) = (span.confirmed_by, &span.confirmation) {
        boundary(host).check(signed)?;
        if host == span.host || span.commit.is_some_and(|commit| commit.key == signed.key) {
            return wrong(format!("host {host} confirms what has the same key: that is no second word"));
        }
        shown.confirmed += if span.commit.is_some() { count } else { 0 };
    }
    Ok(())
}

/// The list in a proof, where there is one: what a reader may remember of it.
pub fn list_number(proof: &Proof) -> Option<u64> {
    let number = |list: &KeyList| list.number;
    proof.keys.as_ref().map(number)
}
