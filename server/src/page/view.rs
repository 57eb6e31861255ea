//! Which part of the page is looked at, and the link to it: search, filters and the page of a list stand in the URL, so that a view can be bookmarked.
//!
//! Invariant: what comes out of [`View::read`] is within bounds; what was wrong in a URL is said on the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protocol::{HostId, JobId, JobState};

/// Rows of a list on one page.
pub(super) const ROWS: usize = 50;
/// Bytes of a search.
const TEXT_BYTES_MAX: usize = 100;
/// Last page of a list that can be asked for.
const PAGES_MAX: usize = 100_000;

/// What of the page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The list of jobs, with totals and queues.
    Jobs,
    /// The list of hosts.
    Hosts,
    /// Verified work by subject.
    Credit,
    /// One job.
    Job(JobId),
    /// One host.
    Host(HostId),
}

/// A subject with how it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// What is looked at.
    pub(super) subject: Subject,
    /// Only what has this text in its name.
    pub(super) text: String,
    /// Only jobs in this state.
    pub(super) state: Option<JobState>,
    /// Jobs of other people as well, where the caller may see them.
    pub(super) all: bool,
    /// Page of the list, from 1.
    pub(super) page: usize,
}

impl View {
    /// A subject without search and filters; other people's jobs as well, where they may be seen.
    pub(super) fn of(subject: Subject) -> Self {
        Self {
            subject,
            text: String::new(),
            state: None,
            all: true,
            page: 1,
        }
    }

    /// A subject as a query has it, and what of the query makes no sense.
    pub(super) fn read(subject: Subject, query: &BTreeMap<String, String>) -> (Self, Vec<String>) {
        let mut view = Self::of(subject);
        let mut wrong = Vec::new();
        for (key, value) in query {
            let shown: String = value.chars().take(40).collect();
            match key.as_str() {
                "q" if value.len() <= TEXT_BYTES_MAX => value.trim().clone_into(&mut view.text),
                "q" => wrong.push(format!(
                    "The search has {} bytes; expected at most {TEXT_BYTES_MAX}.",
                    value.len()
                )),
                "state" if value.is_empty() => {}
                "state" => match JobState::ALL.iter().find(|state| state.as_str() == value) {
                    Some(state) => view.state = Some(*state),
                    None => wrong.push(format!("There is no state “{shown}”; all are shown.")),
                },
                "whose" => match value.as_str() {
                    "mine" => view.all = false,
                    "all" => {}
                    _ => wrong.push(format!("“whose” is “{shown}”; expected mine or all.")),
                },
                "page" => match value.parse() {
                    Ok(page) if (1..=PAGES_MAX).contains(&page) => view.page = page,
                    _ => wrong.push(format!("There is no page “{shown}”; the first is shown.")),
                },
                _ => {}
            }
        }
        (view, wrong)
    }

    /// Rows before this page's first.
    pub(super) fn skip(&self) -> usize {
        (self.page - 1) * ROWS
    }

    /// The same with another page of the list.
    #[must_use]
    pub(super) fn at_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// The same with jobs of one state, or of all; from the first page on.
    #[must_use]
    pub(super) fn in_state(&self, state: Option<JobState>) -> Self {
        Self {
            state,
            page: 1,
            ..self.clone()
        }
    }

    /// Its path and query below the server's base.
    pub(super) fn link(&self) -> String {
        let path = match self.subject {
            Subject::Jobs => "/".to_owned(),
            Subject::Hosts => "/hosts".to_owned(),
            Subject::Credit => "/credit".to_owned(),
            Subject::Job(job) => format!("/jobs/{job}"),
            Subject::Host(host) => format!("/hosts/{host}"),
        };
        format!("{path}{}", self.query('?'))
    }

    /// Path and query of its stream of changes.
    pub(super) fn events(&self) -> String {
        let subject = match self.subject {
            Subject::Jobs => "jobs=1".to_owned(),
            Subject::Hosts => "hosts=1".to_owned(),
            Subject::Credit => "credit=1".to_owned(),
            Subject::Job(job) => format!("job={job}"),
            Subject::Host(host) => format!("host={host}"),
        };
        format!("/page/events?{subject}{}", self.query('&'))
    }

    /// The view whose stream is asked for; the list of jobs where nothing is named.
    pub(super) fn of_events(query: &BTreeMap<String, String>) -> Self {
        let number = |key: &str| query.get(key).and_then(|text| text.parse().ok());
        let subject = if let Some(job) = number("job") {
            Subject::Job(JobId(job))
        } else if let Some(host) = number("host") {
            Subject::Host(HostId(host))
        } else if query.contains_key("hosts") {
            Subject::Hosts
        } else if query.contains_key("credit") {
            Subject::Credit
        } else {
            Subject::Jobs
        };
        Self::read(subject, query).0
    }

    /// What differs from the plain view, behind this character.
    fn query(&self, mut before: char) -> String {
        let mut query = String::new();
        let mut add = |key: &str, value: &str| {
            let _ = write!(query, "{before}{key}={}", encoded(value));
            before = '&';
        };
        if !self.text.is_empty() {
            add("q", &self.text);
        }
        if let Some(state) = self.state {
            add("state", state.as_str());
        }
        if !self.all {
            add("whose", "mine");
        }
        if self.page != 1 {
            add("page", &self.page.to_string());
        }
        query
    }
}

/// A text as it stands in a query: everything but letters, digits and `-._~` as bytes in hexadecimal (RFC 3986).
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_link_leads_back_to_its_view() {
        let view = View {
            text: "a&b=é \"<x>".into(),
            state: Some(JobState::Held),
            all: false,
            page: 7,
            ..View::of(Subject::Jobs)
        };
        assert_eq!(view.link(), "/?q=a%26b%3D%C3%A9%20%22%3Cx%3E&state=held&whose=mine&page=7");
        let read = query(&[("q", "a&b=é \"<x>"), ("state", "held"), ("whose", "mine"), ("page", "7")]);
        assert_eq!(View::read(Subject::Jobs, &read), (view, Vec::new()));
        assert_eq!(View::of(Subject::Job(JobId(3))).events(), "/page/events?job=3");
        assert_eq!(
            View::of_events(&query(&[("host", "4"), ("page", "2")])),
            View::of(Subject::Host(HostId(4))).at_page(2)
        );
    }

    #[test]
    fn what_makes_no_sense_is_said_and_left_out() {
        let long = "x".repeat(200);
        for (key, value, part) in [
            ("state", "sleeping", "no state “sleeping”"),
            ("page", "0", "no page “0”"),
            ("page", "99999999999999999999", "no page"),
            ("whose", "bob's", "expected mine or all"),
            ("q", long.as_str(), "200 bytes"),
        ] {
            let (view, wrong) = View::read(Subject::Jobs, &query(&[(key, value)]));
            assert_eq!(view, View::of(Subject::Jobs), "{key}={value}");
            assert!(wrong.len() == 1 && wrong[0].contains(part), "{wrong:?}");
        }
    }
}
