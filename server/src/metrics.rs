//! What is counted, for Prometheus.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use scheduler::views::Counts;

/// Names and values, both from closed sets: nothing that a client makes up becomes a label.
type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// A method as a label: those that HTTP defines by name, all others together.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// All counters and gauges.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    jobs: Family<Labels, Gauge>,
    hosts: Family<Labels, Gauge>,
    attempts: Gauge,
    quarantined_classes: Gauge,
    events: Gauge,
    blob_bytes: Counter,
    leader: Gauge,
    behind_ms: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("baton");
        let metrics = Self {
            requests: Family::default(),
            jobs: Family::default(),
            hosts: Family::default(),
            attempts: Gauge::default(),
            quarantined_classes: Gauge::default(),
            events: Gauge::default(),
            blob_bytes: Counter::default(),
            leader: Gauge::default(),
            behind_ms: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("jobs", "Jobs in each state", metrics.jobs.clone());
        registry.register("hosts", "Hosts in each state", metrics.hosts.clone());
        registry.register("attempts", "Leases and offers that live", metrics.attempts.clone());
        registry.register(
            "quarantined_classes",
            "Hardware classes whose devices have no work, since hosts were wrong alike on them",
            metrics.quarantined_classes.clone(),
        );
        registry.register("events", "Events taken in since the start", metrics.events.clone());
        registry.register("blob_bytes", "Bytes of blobs that came in", metrics.blob_bytes.clone());
        registry.register(
            "leader",
            "1 where this server leads, 0 where it follows another one",
            metrics.leader.clone(),
        );
        registry.register(
            "behind_ms",
            "For how long what this server shows may be out of date; 0 where it leads",
            metrics.behind_ms.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// A request was answered. `route` is the text of one of the server's routes, never a path that came in.
    pub fn count(&self, method: &Method, route: &str, status: StatusCode) {
        let labels = vec![
            ("method", method_label(method).into()),
            ("route", route.to_owned().into()),
            ("status", status.as_u16().to_string().into()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    /// Bytes of a blob came in.
    pub fn count_bytes(&self, bytes: u64) {
        self.blob_bytes.inc_by(bytes);
    }

    /// The text that Prometheus reads. `behind`: for how long what is shown may be out of date, of a server that follows another one.
    pub fn text(&self, counts: &Counts, events: u64, behind: Option<Duration>) -> String {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for state in protocol::JobState::ALL {
            let value = counts.jobs.get(state).copied().unwrap_or(0);
            self.jobs
                .get_or_create(&vec![("state", state.as_str().into())])
                .set(signed(value));
        }
        for state in protocol::HostState::ALL {
            let value = counts.hosts.get(state).copied().unwrap_or(0);
            self.hosts
                .get_or_create(&vec![("state", state.as_str().into())])
                .set(signed(value));
        }
        self.attempts.set(signed(counts.attempts));
        self.quarantined_classes.set(signed(counts.quarantined_classes));
        self.events.set(signed(events));
        self.leader.set(i64::from(behind.is_none()));
        let behind_ms = behind.unwrap_or_default().as_millis();
        self.behind_ms.set(i64::try_from(behind_ms).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn invented_methods_share_one_label(names in proptest::collection::vec("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}", 1..200)) {
            let metrics = Metrics::default();
            for name in &names {
                let method = Method::from_bytes(name.as_bytes()).expect("a token");
                metrics.count(&method, "/v1/jobs", StatusCode::UNAUTHORIZED);
            }
            let text = metrics.text(&Counts::default(), 0, None);
            let series = text.lines().filter(|line| line.starts_with("baton_requests_total{")).count();
            prop_assert!(series <= 8, "{series} series of {} methods", names.len());
        }
    }
}
