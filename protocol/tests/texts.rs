//! Every text of every body is cleaned as it is read: no field is forgotten.

use protocol::http::job::ClassPresence;
use protocol::http::{
    BanHost, Change, EndAttempt, Heartbeat, HostView, IdleDevice, IssueToken, JobError, JobView, Lease, LeaveNotice, Orders,
    Problem, RegisterHost, Registered, ServerView, SubmitJob, TokenView, Why,
};
use protocol::text::is_plain;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// An escape that clears the screen, a line of its own, an override of direction, and what has no width.
const NASTY: &str = "\u{1b}[2J\u{7}a\r\nb\u{202e}c\u{200b}d\u{2028}";

/// Identities that a reader matches and never shows.
const IDENTITIES: [&str; 1] = ["/devices/0/id"];

fn digest() -> String {
    "0123456789abcdef".repeat(4)
}

fn class() -> Value {
    json!({"tier": "portable", "key": digest()})
}

fn entry() -> Value {
    json!({"segment": 0, "step": 0, "parent": digest(), "content": digest(), "outputs": digest(), "digest": digest()})
}

/// The places of all texts, as JSON pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| texts(item, &format!("{at}/{index}"), found)),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, field)| texts(field, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

fn holds<T: DeserializeOwned + Serialize>(good: Value) {
    let name = std::any::type_name::<T>();
    let read = T::deserialize(&good).unwrap_or_else(|error| panic!("{name}: {error}"));
    // What it writes has every field there is.
    let whole = serde_json::to_value(read).expect("a body is JSON");
    let mut places = Vec::new();
    texts(&whole, "", &mut places);
    let mut tried = 0;
    for place in places.iter().filter(|place| !IDENTITIES.contains(&place.as_str())) {
        let mut body = whole.clone();
        *body.pointer_mut(place).expect("a place of this body") = json!(NASTY);
        // Digests and words of enums are refused.
        let Ok(read) = T::deserialize(&body) else { continue };
        tried += 1;
        let shown = serde_json::to_value(read).expect("a body is JSON");
        let text = shown.pointer(place).and_then(Value::as_str).expect("a text");
        assert!(is_plain(text), "{name}{place} is read as {text:?}");
    }
    assert!(tried > 0, "{name} has no text that was tried");
}

#[test]
fn no_text_of_a_body_is_read_raw() {
    let device = json!({"id": "cpu", "name": "CPU", "classes": [class()], "attempt": null, "idle": "no job"});
    let error = json!({"host": 1, "name": "desk", "at_ms": 1, "outcome": "client-error", "message": "lost"});
    let change = json!({"at_ms": 1, "state": "held", "reason": "why"});
    let lease = json!({"job": 1, "attempt": 1, "epoch": 1, "batch": 1, "device": "cpu", "action": "run", "reason": "why", "name": "argon",
        "package": digest(), "archive": digest(), "checkpoint": {"blob": digest(), "entry": entry()}, "class": class(), "until_segment": 1,
        "commit_every_s": 1});
    let idle = json!({"device": "cpu", "why": "no job"});
    holds::<Lease>(lease.clone());
    holds::<IdleDevice>(idle.clone());
    holds::<Orders>(
        json!({"host": 1, "sequence": 1, "server": "abc", "life": 1, "offers": 0, "leases": [lease], "idle": [idle], "heartbeat_s": 1}),
    );
    holds::<EndAttempt>(json!({"epoch": 1, "outcome": "aborted", "message": "said"}));
    holds::<RegisterHost>(json!({"name": "desk", "version": "1", "devices": [device.clone()], "instance": "abc"}));
    holds::<Registered>(json!({"host": 1, "token": "secret", "heartbeat_s": 1, "server": "abc", "life": 1}));
    holds::<Heartbeat>(json!({"clock_ms": 1, "why": "on battery", "instance": "abc"}));
    holds::<LeaveNotice>(json!({"in_s": 1, "reason": "shutdown"}));
    holds::<BanHost>(json!({"reason": "wrong results"}));
    holds::<HostView>(
        json!({"host": 1, "name": "desk", "state": "online", "reason": "why", "first_seen_ms": 1, "last_seen_ms": 1,
        "devices": [device], "night": null, "departs_ms": null, "chance_ppm": [1, 1, 1], "reliability": "new", "reliability_why": "why", "backoff_until_ms": null,
        "addresses": 1, "rtt_min_ms": null, "rtt_mean_ms": null, "clock_skew_ms": 0, "hours_percent": [], "hours_per_day_tenths": 0,
        "planned_stops": 0, "unplanned_stops": 0, "losses": 0, "boundaries": 0, "boundaries_per_hour_hundredths": 0, "successes": 0, "errors": 0,
        "banned": "wrong results"}),
    );
    holds::<SubmitJob>(
        json!({"name": "argon", "package": digest(), "archive": digest(), "tier": "portable", "segments": 1, "tags": ["a"]}),
    );
    holds::<JobError>(error.clone());
    holds::<JobView>(
        json!({"job": 1, "name": "argon", "owner": "ann", "state": "held", "reason": "why", "since_ms": 1, "submitted_ms": 1,
        "priority": 3, "package": digest(), "archive": digest(), "tier": "portable", "class": class(), "segment": 0, "segments": 1, "progress": 0,
        "step": 0, "checkpoint": digest(), "chain": digest(), "left_ms": null, "deadline_ms": null, "after": null, "tags": ["a"], "host": null,
        "errors": [error], "epoch": 1, "stays": [], "computed_ms": 0, "moved_bytes": 0, "minutes_per_mb": null}),
    );
    holds::<Change>(change.clone());
    let presence = json!({"class": class(), "devices": 1, "online": 1, "waiting": 0, "last_seen_ms": 1, "quarantined": "why"});
    holds::<ClassPresence>(presence.clone());
    holds::<Why>(json!({"job": 1, "state": "held", "sentence": "why", "class": presence, "changes": [change]}));
    holds::<IssueToken>(json!({"scope": "host", "subject": "ann"}));
    holds::<TokenView>(json!({"id": "abc", "scope": "host", "subject": "ann", "issued_ms": 1, "revoked_ms": null}));
    holds::<ServerView>(json!({"server": "abc", "life": 1, "protocol": 1, "version": "0.1.0"}));
    holds::<Problem>(json!({"type": "/problems/x", "status": 400, "title": "t", "detail": "d", "field": "f"}));
}
