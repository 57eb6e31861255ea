//! Hosts as people see them, and as one sees itself.

use std::collections::BTreeMap;

use protocol::http::{CreditView, HostView};
use protocol::{HostId, PublicKey};

use crate::reliability::{self, Trust};
use crate::rules::PROBATION;
use crate::tables::Host;
use crate::tables::hosts::HOUR_MS;
use crate::{Core, Refusal};

impl Core {
    /// A host.
    ///
    /// # Errors
    /// No such host.
    pub fn host(&self, id: HostId) -> Result<HostView, Refusal> {
        self.hosts.get(id).map(|host| self.host_view(host)).ok_or(Refusal::NoHost(id))
    }

    /// The key that a host registered.
    pub fn key(&self, id: HostId) -> Option<PublicKey> {
        self.hosts.get(id).and_then(|host| host.key)
    }

    /// Whether a host enrolled as a referee.
    ///
    /// # Errors
    /// No such host.
    pub fn is_referee(&self, id: HostId) -> Result<bool, Refusal> {
        let host = self.hosts.get(id).ok_or(Refusal::NoHost(id))?;
        Ok(host.origin().referee)
    }

    /// A host as it may see itself: without what checks have shown of it. From that it would know how often it is checked, and when it may lie.
    ///
    /// # Errors
    /// No such host.
    pub fn host_for_itself(&self, id: HostId) -> Result<HostView, Refusal> {
        let host = self.hosts.get(id).ok_or(Refusal::NoHost(id))?;
        let credit = host.credit.this_morning(self.now_ms);
        Ok(HostView {
            reason: host.closed(self.now_ms).unwrap_or_else(|| host.reason().to_owned()),
            standing: String::new(),
            checks_passed: 0,
            faults: 0,
            credit_segments: credit.segments,
            credit_s: credit.cost_ms / 1000,
            ..self.host_view(host)
        })
    }

    /// Hosts numbered above `after`, at most `limit`.
    pub fn hosts(&self, after: HostId, limit: usize) -> (Vec<HostView>, Option<HostId>) {
        let from = HostId(after.0.saturating_add(1));
        let mut hosts = self.hosts.rows().range(from..).map(|(_, host)| host);
        let found: Vec<HostView> = hosts.by_ref().take(limit).map(|host| self.host_view(host)).collect();
        let next = hosts.next().map(|host| HostId(host.id.0 - 1));
        (found, next)
    }

    pub(super) fn host_view(&self, host: &Host) -> HostView {
        let host = &self.host_with_note(host);
        let mut counted = host.clone();
        counted.count(self.now_ms);
        let hazard = host.hazard_ppm(self.now_ms);
        let age = self.now_ms.saturating_sub(host.first_seen_ms);
        let (reliability, reliability_why) = reliability_of(host, self.now_ms);
        let devices = host.devices().iter().filter(|device| !device.classes().is_empty());
        HostView {
            host: host.id,
            name: host.name.clone(),
            state: host.state(),
            reason: self.reason_of(host),
            first_seen_ms: host.first_seen_ms,
            last_seen_ms: host.heard_ms,
            devices: devices
                .map(|device| protocol::http::host::DeviceView {
                    id: device.id.clone(),
                    name: device.name.clone(),
                    classes: device.classes().to_vec(),
                    attempt: device.line().first().copied(),
                    idle: device.line().is_empty().then(|| self.why_idle(host, device)),
                })
                .collect(),
            night: host.night,
            departs_ms: host.departs_ms,
            chance_ppm: [1, 24, 168].map(|hours| reliability::chance_ppm(hazard, hours)),
            reliability: reliability.to_owned(),
            reliability_why,
            backoff_until_ms: host.backoff_until_ms.filter(|until| *until > self.now_ms),
            addresses: u32::try_from(host.addresses.len()).unwrap_or(u32::MAX),
            rtt_min_ms: host.rtt_min_ms,
            rtt_mean_ms: host
                .rtt_sum_ms
                .checked_div(host.rtt_count)
                .and_then(|mean| u32::try_from(mean).ok()),
            clock_skew_ms: host.clock_skew_ms,
            hours_percent: counted
                .hours
                .iter()
                .map(|(_, online_ms)| u8::try_from(u64::from(*online_ms) * 100 / HOUR_MS).unwrap_or(100))
                .collect(),
            hours_per_day_tenths: u32::try_from(counted.online_ms.saturating_mul(240).checked_div(age).unwrap_or(0))
                .unwrap_or(240),
            planned_stops: host.planned_stops,
            unplanned_stops: host.unplanned_stops,
            losses: host.losses,
            boundaries: host.boundaries,
            boundaries_per_hour_hundredths: host
                .boundaries
                .saturating_mul(100 * HOUR_MS)
                .checked_div(counted.online_ms)
                .unwrap_or(0),
            successes: host.successes,
            errors: host.errors,
            banned: host.banned().map(str::to_owned),
            standing: self.standing(host).to_owned(),
            checks_passed: host.records.iter().map(|record| record.passed).sum(),
            faults: host.faults,
            credit_segments: host.credit.now().segments,
            credit_s: host.credit.now().cost_ms / 1000,
        }
    }

    /// Verified work by subject: the most first. Looks at all hosts. With `for_all` as it was when the UTC day began, as hosts may know it.
    pub fn credits(&self, for_all: bool) -> Vec<CreditView> {
        let mut rows: BTreeMap<Option<&str>, (u64, u64, u64)> = BTreeMap::new();
        for host in self.hosts.values() {
            let credit = match for_all {
                true => host.credit.this_morning(self.now_ms),
                false => host.credit.now(),
            };
            if credit.segments > 0 {
                let row = rows.entry(host.origin().subject.as_deref()).or_default();
                let sum = |one: u64, other: u64| one.saturating_add(other);
                *row = (row.0 + 1, sum(row.1, credit.segments), sum(row.2, credit.cost_ms));
            }
        }
        let mut views: Vec<CreditView> = rows
            .into_iter()
            .map(|(subject, (hosts, segments, cost_ms))| CreditView {
                subject: subject.map(str::to_owned),
                hosts,
                segments,
                cost_s: cost_ms / 1000,
            })
            .collect();
        // Equal ones stay in the order of their names: pages of the list fit together.
        views.sort_by_key(|view| std::cmp::Reverse((view.cost_s, view.segments)));
        views
    }

    /// Why a host is as it is, with what others found of it: for people.
    fn reason_of(&self, host: &Host) -> String {
        let suspended = host.suspended.as_ref().filter(|suspended| suspended.until_ms > self.now_ms);
        match (suspended, host.closed(self.now_ms)) {
            (Some(suspended), _) => format!("{}: {}", suspended.word(), suspended.reason),
            (None, Some(reason)) => reason,
            (None, None) => host.reason().to_owned(),
        }
    }

    /// What checks of a host's work have shown.
    fn standing(&self, host: &Host) -> &'static str {
        if let Some(suspended) = host.suspended.as_ref().filter(|suspended| suspended.until_ms > self.now_ms) {
            return suspended.word();
        }
        if host.origin().referee {
            return "referee";
        }
        match host.records.iter().any(|record| record.passed >= PROBATION) {
            true => "proven",
            false => "probation",
        }
    }
}

/// How far a host is trusted in one word, and what that rests on.
fn reliability_of(host: &Host, now_ms: u64) -> (&'static str, String) {
    let age_ms = now_ms.saturating_sub(host.first_seen_ms);
    let counted = [
        (host.failures_in_row, "error in a row", "errors in a row"),
        (host.losses, "time given up", "times given up"),
        (host.unplanned_stops, "time silent", "times silent"),
    ];
    let marks = counted.iter().filter(|(count, ..)| *count > 0);
    let marks: Vec<String> = marks
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    let days = age_ms / (24 * HOUR_MS);
    let why = match marks.is_empty() {
        true => format!("known for {days} days"),
        false => format!("{}, known for {days} days", marks.join(", ")),
    };
    let word = match host.trust(now_ms) {
        Trust::Reliable => "reliable",
        Trust::Fair => "fair",
        Trust::Leaving => "leaving",
        Trust::Flaky if host.failures_in_row == 0 && host.leaves_soon(now_ms) => "leaving",
        Trust::Flaky if marks.is_empty() => "new",
        Trust::Flaky => "flaky",
    };
    (word, why)
}
