//! What is counted, for Prometheus.

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use scheduler::views::Counts;

type Labels = Vec<(&'static str, String)>;

/// All counters and gauges.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    jobs: Family<Labels, Gauge>,
    hosts: Family<Labels, Gauge>,
    attempts: Gauge,
    events: Gauge,
    blob_bytes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("baton");
        let metrics = Self {
            requests: Family::default(),
            jobs: Family::default(),
            hosts: Family::default(),
            attempts: Gauge::default(),
            events: Gauge::default(),
            blob_bytes: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register("jobs", "Jobs in each state", metrics.jobs.clone());
        registry.register("hosts", "Hosts in each state", metrics.hosts.clone());
        registry.register("attempts", "Leases and offers that live", metrics.attempts.clone());
        registry.register("events", "Events taken in since the start", metrics.events.clone());
        registry.register("blob_bytes", "Bytes of blobs that came in", metrics.blob_bytes.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn count(&self, method: &Method, path: &str, status: StatusCode) {
        let labels = vec![
            ("method", method.to_string()),
            ("route", path.to_owned()),
            ("status", status.as_u16().to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
    }

    /// Bytes of a blob came in.
    pub fn count_bytes(&self, bytes: u64) {
        self.blob_bytes.inc_by(bytes);
    }

    /// The text that Prometheus reads.
    pub fn text(&self, counts: &Counts, events: u64) -> String {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for state in protocol::JobState::ALL {
            let value = counts.jobs.get(state).copied().unwrap_or(0);
            self.jobs
                .get_or_create(&vec![("state", state.to_string())])
                .set(signed(value));
        }
        for state in protocol::HostState::ALL {
            let value = counts.hosts.get(state).copied().unwrap_or(0);
            self.hosts
                .get_or_create(&vec![("state", state.to_string())])
                .set(signed(value));
        }
        self.attempts.set(signed(counts.attempts));
        self.events.set(signed(events));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}
