//! Bodies as workers of protocol 1 send them, frozen, and the same from a newer worker with fields that this program does not know: both are read.

use protocol::http::{
    Commit, EndAttempt, Heartbeat, IssueToken, LeaveNotice, Orders, RegisterHost, Registered, Reprioritize, SubmitJob,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn frozen() -> Value {
    serde_json::from_str(include_str!("golden/http-1.json")).expect("the golden file is JSON")
}

/// The value with one more field in each of its objects.
fn newer(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: serde_json::Map<_, _> = fields.iter().map(|(name, value)| (name.clone(), newer(value))).collect();
            fields.insert("field_of_a_later_version".to_owned(), json!({"nested": [1, "two"]}));
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.iter().map(newer).collect()),
        other => other.clone(),
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, serde_json::Error> {
    T::deserialize(value)
}

/// As it was frozen and as a newer worker sends it, it says the same.
fn report<T: DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str) -> T {
    let body = &frozen()[name];
    let old: T = read(body).unwrap_or_else(|error| panic!("{name} of protocol 1 is refused: {error}"));
    let new: T = read(&newer(body)).unwrap_or_else(|error| panic!("{name} of a newer worker is refused: {error}"));
    assert_eq!(old, new, "{name}");
    old
}

#[test]
fn reports_of_older_and_newer_workers_are_read() {
    let register: RegisterHost = report("RegisterHost");
    assert_eq!((register.devices.len(), register.protocol), (1, 1));
    report::<Registered>("Registered");
    let beat: Heartbeat = report("Heartbeat");
    assert!(beat.accepting && beat.jobs.len() == 1);
    report::<LeaveNotice>("LeaveNotice");
    report::<Commit>("Commit");
    let end: EndAttempt = report("EndAttempt");
    assert_eq!(end.cause, protocol::ErrorCause::Host, "what those mean who do not say");
    report::<Orders>("Orders");
}

#[test]
fn what_a_person_asks_for_is_refused_with_a_field_that_is_not_known() {
    fn request<T: DeserializeOwned>(name: &str) {
        let body = &frozen()[name];
        assert!(read::<T>(body).is_ok(), "{name}");
        assert!(
            read::<T>(&newer(body)).is_err(),
            "{name}: what is not known would not be done"
        );
    }
    request::<SubmitJob>("SubmitJob");
    request::<Reprioritize>("Reprioritize");
    request::<IssueToken>("IssueToken");
}
