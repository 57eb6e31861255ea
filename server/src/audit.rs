//! Who did what: actions of people, as rows that outlive the events that caused them.
//!
//! Invariant: an accepted event of a person is kept in one transaction with its row; a change of tokens or keys is made only once its row is kept. What hosts do by themselves
//! is no action of a person. Of each topic the last [`KEPT_MAX`] rows are kept, so that one who submits many jobs does not push out what operators did.

use protocol::http::AuditView;
use scheduler::{Event, Reply};

/// Rows of a topic that are kept. More may be there until the next snapshot.
pub const KEPT_MAX: u32 = 100_000;

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// A job, by its owner or an operator.
    Jobs,
    /// Hosts, classes, tokens and keys, by an operator.
    Service,
}

impl Topic {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Jobs, Self::Service];

    /// As it is kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Service => "service",
        }
    }
}

/// An action of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// What tells it from others of the same time.
    pub key: String,
    /// What it is about.
    pub topic: Topic,
    /// Subject of the token.
    pub subject: String,
    /// What was done, in a word.
    pub action: String,
    /// To what: `job 7`, `host 3`, `token abc`.
    pub object: String,
    /// What else was said.
    pub detail: String,
}

impl Audited {
    /// The action that an accepted event is, of the number that it has in the log; none for what no person did.
    pub(crate) fn of_event(number: u64, at_ms: u64, event: &Event, reply: &Reply) -> Option<Self> {
        use Topic::{Jobs, Service};
        let none = String::new;
        let (topic, subject, action, object, detail) = match event {
            Event::Submit { user, job, .. } => {
                let Reply::Job(number) = reply else { return None };
                (Jobs, user, "submit", format!("job {number}"), job.name.clone())
            }
            Event::Hold { job, by } => (Jobs, by, "hold", format!("job {job}"), none()),
            Event::Release { job, by } => (Jobs, by, "release", format!("job {job}"), none()),
            Event::Retry { job, by } => (Jobs, by, "retry", format!("job {job}"), none()),
            Event::Cancel { job, by } => (Jobs, by, "cancel", format!("job {job}"), none()),
            Event::Prioritize { job, priority, now, by } => {
                let detail = format!("{priority}{}", if *now { ", at once" } else { "" });
                (Jobs, by, "priority", format!("job {job}"), detail)
            }
            Event::Ban { host, reason, by } => (Service, by, "ban", format!("host {host}"), reason.clone()),
            Event::Unban { host, by } => (Service, by, "unban", format!("host {host}"), none()),
            Event::Drain { host, reason, by } => (Service, by, "drain", format!("host {host}"), reason.clone()),
            Event::Forgive { host, by } => (Service, by, "forgive", format!("host {host}"), none()),
            Event::ForgiveClass { class, by } => (Service, by, "forgive", format!("class {class}"), none()),
            _ => return None,
        };
        Some(Self {
            at_ms,
            key: format!("event {number:020}"),
            topic,
            subject: subject.clone(),
            action: action.to_owned(),
            object,
            detail,
        })
    }

    /// Something that an operator does to a token or the list of keys.
    pub(crate) fn of_service(at_ms: u64, subject: &str, action: &str, object: String, detail: String) -> Self {
        Self {
            at_ms,
            key: format!("{action} {object}"),
            topic: Topic::Service,
            subject: subject.to_owned(),
            action: action.to_owned(),
            object,
            detail,
        }
    }

    /// As people see it.
    pub fn view(self) -> AuditView {
        AuditView {
            at_ms: self.at_ms,
            subject: self.subject,
            action: self.action,
            object: self.object,
            detail: self.detail,
        }
    }
}
