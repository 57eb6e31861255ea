//! Each thing that can be wrong with a proof or a submission is found, and said in words of its own.

use protocol::http::{HostSignature, KeyList, KeyRole, ListedKey, Proof, ProofSpan, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, HostId, JobId, Signature, Tier};
use signing::commit::Boundary;
use signing::proof::{Shown, Trust, check};
use signing::{Refusal, SecretKey, list, proof, submission};

const SERVER: &str = "00112233445566778899aabbccddeeff";
const DAY: u64 = 24 * 3_600_000;
const NOW: u64 = 1_800_000_000_000;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed([seed; 32])
}

fn listed(seed: u8, role: KeyRole, subject: &str, until_ms: u64) -> ListedKey {
    let key = key(seed).public();
    ListedKey {
        key,
        role,
        subject: subject.to_owned(),
        until_ms,
    }
}

/// Root 1, server 2, scientist 3.
fn keys(number: u64) -> KeyList {
    let keys = vec![
        listed(2, KeyRole::Server, "baton", NOW + DAY),
        listed(3, KeyRole::Scientist, "ann", NOW + DAY),
    ];
    list::sign(&key(1), number, NOW + 2 * DAY, keys)
}

fn job() -> SubmitJob {
    let json = serde_json::json!({"name": "argon", "package": Digest::of(b"package"), "archive": Digest::of(b"archive"),
        "tier": Tier::Portable, "segments": 4});
    serde_json::from_value(json).expect("a submission")
}

fn signed(job: &mut SubmitJob) {
    let number = Digest::of(b"drawn at random");
    job.signed = Some(submission::sign(&key(3), SERVER, job, (NOW - 1000, NOW + 1000), number));
}

fn chain() -> Vec<ChainEntry> {
    let mut chain: Vec<ChainEntry> = Vec::new();
    for segment in 0..5_u64 {
        let content = Digest::of(&segment.to_le_bytes());
        let entry = ChainEntry::next(job().package, chain.last(), segment * 10, content, content);
        chain.push(entry);
    }
    chain
}

fn word(seed: u8, host: u64, entry: &ChainEntry) -> HostSignature {
    let (attempt, epoch) = (AttemptId(host), 1);
    let boundary = Boundary::of(SERVER, HostId(host), entry);
    HostSignature {
        attempt,
        epoch,
        key: key(seed).public(),
        signature: boundary.sign(&key(seed), attempt, epoch),
    }
}

/// Host 7 computed four segments, host 8 the first two of them a second time.
fn good() -> Proof {
    let chain = chain();
    let mut job = job();
    signed(&mut job);
    let span = |first, last: usize, confirmed: bool| ProofSpan {
        first,
        last: last as u64,
        host: HostId(7),
        commit: Some(word(17, 7, &chain[last])),
        confirmed_by: confirmed.then_some(HostId(8)),
        confirmation: confirmed.then(|| word(18, 8, &chain[last])),
    };
    let mut made = Proof {
        proof: 0,
        server: SERVER.to_owned(),
        job: JobId(1),
        package: job.package,
        submission: job.signed,
        spans: vec![span(1, 2, true), span(3, 4, false)],
        chain,
        keys: Some(keys(5)),
        made_ms: NOW,
        key: key(2).public(),
        signature: Signature([0; 64]),
    };
    proof::sign(&key(2), &mut made);
    made
}

fn trust() -> Trust {
    Trust {
        root: Some(key(1).public()),
        least_list: 5,
    }
}

/// Why a proof is refused that was changed, and signed again by the server where `again`.
fn said(again: bool, change: impl FnOnce(&mut Proof)) -> String {
    let mut proof = good();
    change(&mut proof);
    if again {
        proof::sign(&key(2), &mut proof);
    }
    check(&proof, trust()).expect_err("it was changed").to_string()
}

#[test]
fn a_good_proof_shows_what_is_signed_and_confirmed() {
    let shown = check(&good(), trust()).unwrap();
    let expected = Shown {
        segments: 4,
        signed: 4,
        confirmed: 2,
        anchored: true,
        submitted: true,
    };
    assert_eq!(shown, expected);
    let shown = check(&good(), Trust::default()).unwrap();
    assert!(!shown.anchored && !shown.submitted && shown.confirmed == 2);
    let text = serde_json::to_string(&good()).unwrap();
    assert_eq!(serde_json::from_str::<Proof>(&text).unwrap(), good());
}

#[test]
fn each_thing_that_is_wrong_has_its_own_message() {
    let found = [
        (
            "one changed byte of the chain",
            said(true, |proof| proof.chain[2].content.0[0] ^= 1),
        ),
        ("one reordered line", said(true, |proof| proof.chain.swap(2, 3))),
        (
            "a swapped signature",
            said(true, |proof| {
                let other = proof.spans[1].commit;
                proof.spans[0].commit = other;
            }),
        ),
        (
            "a key that expired",
            said(true, |proof| {
                let mut keys = keys(5);
                keys.keys[1].until_ms = NOW - DAY;
                proof.keys = Some(list::sign(&key(1), 5, NOW + DAY, keys.keys));
            }),
        ),
        ("an older key list", said(true, |proof| proof.keys = Some(keys(4)))),
        (
            "a key list that ended",
            said(true, |proof| proof.keys = Some(list::sign(&key(1), 5, NOW, keys(5).keys))),
        ),
        (
            "a key list of another root",
            said(true, |proof| {
                proof.keys = Some(list::sign(&key(9), 5, NOW + DAY, keys(5).keys))
            }),
        ),
        (
            "a changed key list",
            said(true, |proof| proof.keys.as_mut().unwrap().number = 6),
        ),
        ("no key list", said(true, |proof| proof.keys = None)),
        (
            "a changed submission",
            said(true, |proof| proof.submission.as_mut().unwrap().segments = 9),
        ),
        (
            "a span that is left out",
            said(true, |proof| {
                proof.spans.remove(0);
            }),
        ),
        (
            "a host that confirms itself",
            said(true, |proof| {
                let (entry, span) = (proof.chain[2].clone(), &mut proof.spans[0]);
                span.confirmation = Some(word(17, 8, &entry));
            }),
        ),
        ("what the server did not sign", said(false, |proof| proof.job = JobId(2))),
        ("a stretch beyond the chain", said(true, |proof| proof.spans[1].last = 9)),
        ("a server that is not listed", {
            let mut proof = good();
            proof::sign(&key(4), &mut proof);
            check(&proof, trust()).expect_err("it is not listed").to_string()
        }),
    ];
    for (index, (what, text)) in found.iter().enumerate() {
        for (other, text_of_other) in &found[..index] {
            assert_ne!(text, text_of_other, "{what} and {other}");
        }
    }
    let words = [
        "line 3 of the chain: its digest is",
        "line 3 of the chain: segment 3 does not follow segment 1: lines are out of order",
        "host 7's commit of segment 2: the signature is not that of key",
        "of ann expired at",
        "number 4, and number 5 was seen before",
        "the key list expired",
        "signed by root",
        "the key list: the signature is not that of key",
        "no key list",
        "the submission: the signature is not that of key",
        "expected a stretch that begins with segment 1",
        "that is no second word",
        "the proof: the signature is not that of key",
        "the chain ends before",
        "is not on the operator's list (number 5) as a server's",
    ];
    for ((what, text), part) in found.iter().zip(words) {
        assert!(text.contains(part), "{what}: {text}");
    }
}

/// Every byte of a proof's text that is changed to another digit makes it refused: nothing in it is not covered.
#[test]
fn no_digit_of_a_proof_can_be_changed() {
    let text = serde_json::to_string(&good()).unwrap();
    let mut tried = 0;
    for (at, byte) in text.bytes().enumerate() {
        let digit = byte.is_ascii_digit() || matches!(byte, b'a'..=b'f') && text.as_bytes()[at + 1].is_ascii_hexdigit();
        if !digit || at % 7 != 0 {
            continue;
        }
        let mut changed = text.clone().into_bytes();
        changed[at] = if byte == b'1' { b'2' } else { b'1' };
        let Ok(changed) = serde_json::from_slice::<Proof>(&changed) else {
            continue;
        };
        if changed == good() {
            continue;
        }
        tried += 1;
        let shown = check(&changed, trust());
        assert!(
            shown.is_err(),
            "byte {at}, in …{}…",
            &text[at.saturating_sub(40)..(at + 40).min(text.len())]
        );
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn a_submission_counts_on_its_server_for_its_owner_until_its_end() {
    let mut good = job();
    signed(&mut good);
    let check = |job: &SubmitJob, subject: &str, now_ms| submission::check(job, SERVER, subject, &keys(5), now_ms);
    assert_eq!(check(&good, "ann", NOW), Ok(()));
    let with = |change: fn(&mut SubmitJob)| {
        let mut job = good.clone();
        change(&mut job);
        check(&job, "ann", NOW).expect_err("it was changed")
    };
    let differs = |refusal: Refusal, name: &str| matches!(refusal, Refusal::Differs { field, .. } if field == name);
    assert!(matches!(with(|job| job.signed = None), Refusal::Unsigned { .. }));
    assert!(differs(with(|job| job.segments = 5), "segments"));
    assert!(differs(with(|job| job.archive = Digest::of(b"another")), "archive"));
    assert!(differs(with(|job| job.package = Digest::of(b"another")), "package"));
    assert!(differs(with(|job| job.after = Some(JobId(3))), "after"));
    assert!(matches!(
        with(|job| job.signed.as_mut().unwrap().segments = 5),
        Refusal::Wrong { .. }
    ));
    assert!(matches!(
        with(|job| job.signed.as_mut().unwrap().expires_ms += 1),
        Refusal::Wrong { .. }
    ));
    assert!(matches!(check(&good, "bob", NOW), Err(Refusal::OtherSubject { .. })));
    assert!(matches!(check(&good, "ann", NOW + 1000), Err(Refusal::Expired { .. })));
    assert!(matches!(check(&good, "ann", NOW - DAY), Err(Refusal::Times { .. })));
    assert!(submission::check(&good, "another server", "ann", &keys(5), NOW).is_err());
    let none = list::sign(&key(1), 6, NOW + DAY, Vec::new());
    assert!(matches!(
        submission::check(&good, SERVER, "ann", &none, NOW),
        Err(Refusal::NotListed { .. })
    ));
    let mut long = job();
    long.signed = Some(submission::sign(
        &key(3),
        SERVER,
        &long,
        (NOW, NOW + 2 * DAY),
        Digest::of(b"number"),
    ));
    assert!(matches!(check(&long, "ann", NOW), Err(Refusal::Times { .. })));
}

#[test]
fn a_host_computes_what_was_signed_and_no_segment_more() {
    let mut good = job();
    signed(&mut good);
    let signed = good.signed.as_ref();
    let lease = (SERVER, good.package, good.archive, 4);
    let check = |signed, lease| submission::check_lease(signed, lease, &keys(5));
    assert_eq!(check(signed, lease), Ok(()));
    assert_eq!(
        check(signed, (lease.0, lease.1, lease.2, 1)),
        Ok(()),
        "a check of its first segment"
    );
    assert!(check(signed, (lease.0, lease.1, lease.2, 5)).is_err());
    assert!(check(signed, (lease.0, lease.2, lease.2, 4)).is_err());
    assert!(check(signed, ("another", lease.1, lease.2, 4)).is_err());
    assert!(matches!(check(None, lease), Err(Refusal::Unsigned { .. })));
}

#[test]
fn a_commit_of_a_host_with_a_key_counts_only_under_its_signature() {
    let chain = chain();
    let boundary = Boundary::of(SERVER, HostId(7), &chain[2]);
    let signature = boundary.sign(&key(17), AttemptId(3), 2);
    let check = |key, attempt, epoch, signature| boundary.check_commit(key, AttemptId(attempt), epoch, signature);
    let own = Some(key(17).public());
    assert_eq!(check(own, 3, 2, Some(signature)), Ok(()));
    assert_eq!(check(None, 3, 2, None), Ok(()), "it registered none");
    assert!(matches!(check(own, 3, 2, None), Err(Refusal::Unsigned { .. })));
    for (attempt, epoch) in [(4, 2), (3, 3)] {
        assert!(matches!(
            check(own, attempt, epoch, Some(signature)),
            Err(Refusal::Wrong { .. })
        ));
    }
    assert!(check(Some(key(18).public()), 3, 2, Some(signature)).is_err());
    let others = [
        Boundary::of(SERVER, HostId(7), &chain[3]),
        Boundary::of(SERVER, HostId(8), &chain[2]),
        Boundary::of("another server", HostId(7), &chain[2]),
    ];
    for other in others {
        assert!(
            other.check_commit(own, AttemptId(3), 2, Some(signature)).is_err(),
            "{other:?}"
        );
    }
}
