//! A host and its devices, with all that is kept about it. What an index is over can be changed by the table alone.

use std::collections::{BTreeSet, VecDeque};

use protocol::http::Night;
use protocol::{AttemptId, HardwareClass, HostId, HostState};
use serde::{Deserialize, Serialize};

use super::Free;
use crate::Origin;
use crate::reliability::{self, Trust};
use crate::tables::Account;

pub(crate) const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const MINUTE_MS: u64 = 60_000;
const ADDRESSES_MAX: usize = 256;

/// One device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Empty when the host no longer has it.
    pub(super) classes: Vec<HardwareClass>,
    /// Attempts in the order to compute.
    pub(super) line: Vec<AttemptId>,
    /// Its place among the free ones.
    pub(super) free: Option<Free>,
}

impl Device {
    /// What it was measured to be; nothing when the host no longer has it.
    pub(crate) fn classes(&self) -> &[HardwareClass] {
        &self.classes
    }

    /// Attempts in the order to compute.
    pub(crate) fn line(&self) -> &[AttemptId] {
        &self.line
    }

    /// How far its host was trusted when it was listed as free; none when it is not free.
    pub(crate) fn trust(&self) -> Option<Trust> {
        self.free.map(|(trust, ..)| trust)
    }

    /// When its host departs, for one that is free until then.
    pub(crate) fn leaves_ms(&self) -> Option<u64> {
        let (trust, departs_ms, _) = self.free?;
        (trust == Trust::Leaving).then_some(departs_ms)
    }

    /// Whether it is listed among the free ones.
    pub(crate) fn is_free(&self) -> bool {
        self.free.is_some()
    }
}

/// A registered worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) id: HostId,
    pub(crate) name: String,
    pub(super) state: HostState,
    pub(super) reason: String,
    pub(super) devices: Vec<Device>,
    pub(crate) sequence: u64,
    pub(crate) accepting: bool,
    pub(crate) why_not: String,
    pub(crate) night: Option<Night>,
    /// Jobs leave it: it departs, or it is night.
    pub(crate) draining: Option<String>,
    pub(crate) departs_ms: Option<u64>,
    pub(crate) back_ms: Option<u64>,
    /// Goes offline as soon as its last attempt is over.
    pub(crate) leaving: bool,
    pub(crate) backoff_until_ms: Option<u64>,
    pub(crate) backoff_reason: String,
    pub(crate) failures_in_row: u32,
    pub(crate) first_seen_ms: u64,
    pub(crate) heard_ms: u64,
    pub(crate) addresses: BTreeSet<u64>,
    pub(crate) rtt_min_ms: Option<u32>,
    pub(crate) rtt_sum_ms: u64,
    pub(crate) rtt_count: u64,
    pub(crate) clock_skew_ms: i64,
    /// Time up to which availability is counted.
    pub(crate) counted_ms: u64,
    pub(crate) online_ms: u64,
    /// (hour of Unix time, online in it), the last 24.
    pub(crate) hours: VecDeque<(u64, u32)>,
    pub(crate) planned_stops: u32,
    pub(crate) unplanned_stops: u32,
    pub(crate) losses: u32,
    pub(crate) boundaries: u64,
    pub(crate) successes: u32,
    pub(crate) errors: u32,
    #[serde(default)]
    pub(super) origin: Origin,
    /// Why it is banned.
    #[serde(default)]
    pub(super) banned: Option<String>,
    /// The agent that registered last.
    #[serde(default)]
    pub(crate) instance: Option<String>,
    /// With it, it signs what it commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<protocol::PublicKey>,
    /// It did not take its last offer and was not heard since.
    #[serde(default)]
    pub(crate) missed: bool,
    /// Offers in a row that it did not take.
    #[serde(default)]
    pub(crate) missed_in_row: u32,
    /// Why it leaves, in its own words.
    #[serde(default)]
    pub(crate) farewell: String,
    /// What checks of its work have shown, for each class.
    #[serde(default)]
    pub(crate) records: Vec<Record>,
    /// Verified work.
    #[serde(default, skip_serializing_if = "Account::is_none")]
    pub(crate) credit: Account,
    /// Wrong results that it was found to have returned.
    #[serde(default)]
    pub(crate) faults: u32,
    /// It has no work until then, because of a wrong result.
    #[serde(default)]
    pub(crate) suspended: Option<Suspension>,
    /// An operator gives it no work.
    #[serde(default)]
    pub(crate) drained: Option<String>,
}

/// What checks of a host's work on a class have shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) class: HardwareClass,
    /// Checks passed since its last wrong result.
    pub(crate) passed: u64,
    /// The host that checked it last.
    pub(crate) checker: Option<HostId>,
}

/// Why a host has no work for a while, or for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suspension {
    pub(crate) until_ms: u64,
    /// A referee decided: it is *quarantined*, else *suspect*.
    pub(crate) refereed: bool,
    pub(crate) reason: String,
}

impl Suspension {
    /// How a host stands meanwhile.
    pub(crate) fn word(&self) -> &'static str {
        match (self.refereed, self.until_ms) {
            (_, u64::MAX) => "out",
            (true, _) => "quarantined",
            (false, _) => "suspect",
        }
    }
}

impl Host {
    pub(crate) fn new(id: HostId, now_ms: u64) -> Self {
        Self {
            id,
            name: String::new(),
            state: HostState::Online,
            reason: "registered".to_owned(),
            devices: Vec::new(),
            sequence: 0,
            accepting: true,
            why_not: String::new(),
            night: None,
            draining: None,
            departs_ms: None,
            back_ms: None,
            leaving: false,
            backoff_until_ms: None,
            backoff_reason: String::new(),
            failures_in_row: 0,
            first_seen_ms: now_ms,
            heard_ms: now_ms,
            addresses: BTreeSet::new(),
            rtt_min_ms: None,
            rtt_sum_ms: 0,
            rtt_count: 0,
            clock_skew_ms: 0,
            counted_ms: now_ms,
            online_ms: 0,
            hours: VecDeque::new(),
            planned_stops: 0,
            unplanned_stops: 0,
            losses: 0,
            boundaries: 0,
            successes: 0,
            errors: 0,
            origin: Origin::default(),
            banned: None,
            instance: None,
            key: None,
            missed: false,
            missed_in_row: 0,
            farewell: String::new(),
            records: Vec::new(),
            credit: Account::default(),
            faults: 0,
            suspended: None,
            drained: None,
        }
    }

    /// Its record on a class.
    pub(crate) fn record(&self, class: HardwareClass) -> Option<&Record> {
        self.records.iter().find(|record| record.class == class)
    }

    /// Its record on a class, begun now if there is none.
    pub(crate) fn record_mut(&mut self, class: HardwareClass) -> &mut Record {
        let found = self.records.iter().position(|record| record.class == class);
        let index = found.unwrap_or_else(|| {
            self.records.push(Record {
                class,
                passed: 0,
                checker: None,
            });
            self.records.len() - 1
        });
        &mut self.records[index]
    }

    /// The host's state.
    pub(crate) fn state(&self) -> HostState {
        self.state
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Why it is banned; none when it is not.
    pub(crate) fn banned(&self) -> Option<&str> {
        self.banned.as_deref()
    }

    /// Why it stands there, in a sentence.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Its devices, those that it no longer has too, as long as others behind them keep their numbers.
    pub(crate) fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Every attempt that it has, from the end of each line, so that ending them in this order brings none to the front.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = AttemptId> {
        self.devices.iter().flat_map(|device| device.line.iter().rev().copied())
    }

    /// For sentences.
    pub(crate) fn label(&self) -> String {
        format!("{} (host {})", self.name, self.id)
    }

    /// Whether a message from an address tells nothing new.
    pub(crate) fn knows(&self, address: u64) -> bool {
        self.addresses.contains(&address) || self.addresses.len() >= ADDRESSES_MAX
    }

    pub(crate) fn meet(&mut self, address: u64) {
        if self.addresses.len() < ADDRESSES_MAX {
            self.addresses.insert(address);
        }
    }

    /// Counts the time since it was last counted as online or not.
    pub(crate) fn count(&mut self, now_ms: u64) {
        let online = self.state == HostState::Online;
        // What is older than a day leaves the strip anyway.
        let mut from = self.counted_ms;
        if online {
            self.online_ms += now_ms.saturating_sub(from);
        }
        from = from.max(now_ms.saturating_sub(DAY_MS));
        while from < now_ms {
            let hour = from / HOUR_MS;
            let to = now_ms.min((hour + 1) * HOUR_MS);
            let share = if online { u32::try_from(to - from).unwrap_or(0) } else { 0 };
            match self.hours.back_mut() {
                Some((last, online_ms)) if *last == hour => *online_ms += share,
                _ => self.hours.push_back((hour, share)),
            }
            if self.hours.len() > 24 {
                self.hours.pop_front();
            }
            from = to;
        }
        self.counted_ms = self.counted_ms.max(now_ms);
    }

    pub(crate) fn hazard_ppm(&self, now_ms: u64) -> u64 {
        reliability::hazard_ppm(now_ms.saturating_sub(self.first_seen_ms), self.losses, self.unplanned_stops)
    }

    /// Whether it departs within two hours.
    pub(crate) fn leaves_soon(&self, now_ms: u64) -> bool {
        self.departs_ms.is_some_and(|at| at < now_ms + 2 * HOUR_MS)
    }

    /// How far it is to be trusted now: little while it is about to leave or fails.
    pub(crate) fn trust(&self, now_ms: u64) -> Trust {
        if self.leaves_soon(now_ms) || self.failures_in_row > 0 {
            return Trust::Flaky;
        }
        reliability::trust(self.hazard_ppm(now_ms))
    }

    /// Why it gets no jobs, whatever there is.
    pub(crate) fn closed(&self, now_ms: u64) -> Option<String> {
        if self.state != HostState::Online {
            return Some(format!("{}: {}", self.state, self.reason));
        }
        self.draining.clone().or_else(|| self.declines(now_ms))
    }

    /// Why it gets no jobs though it is there and stays.
    fn declines(&self, now_ms: u64) -> Option<String> {
        if let Some(reason) = &self.drained {
            return Some(reason.clone());
        }
        if let Some(suspended) = self.suspended.as_ref().filter(|suspended| suspended.until_ms > now_ms) {
            // What others found is for people, and not for the host: orders say this.
            return Some(format!("{}: a result of it was found wrong", suspended.word()));
        }
        if !self.accepting {
            return Some(format!("paused: {}", self.why_not));
        }
        if self.missed {
            return Some("did not take the last offer: gets no other until it is heard of".to_owned());
        }
        let until = self.backoff_until_ms.filter(|until| *until > now_ms)?;
        let seconds = (until - now_ms).div_ceil(1000);
        Some(format!("backed off for {seconds} more seconds: {}", self.backoff_reason))
    }

    /// Whether it is there, or may come back, and nothing speaks against its having work then.
    pub(crate) fn may_come(&self, now_ms: u64) -> bool {
        let suspended = self.suspended.as_ref().is_some_and(|suspended| suspended.until_ms > now_ms);
        self.state != HostState::Lost && self.banned.is_none() && self.drained.is_none() && !suspended
    }

    /// When it departs, for a host that is about to and until then takes what ends before.
    pub(crate) fn open_until(&self, now_ms: u64) -> Option<u64> {
        let departs_ms = self.departs_ms.filter(|departs_ms| *departs_ms > now_ms)?;
        let about_to = self.state == HostState::Online && self.draining.is_some() && !self.leaving;
        (about_to && self.declines(now_ms).is_none()).then_some(departs_ms)
    }

    /// The night that goes on at `now`, or the next: when it begins and ends.
    pub(crate) fn next_night(&self, now_ms: u64) -> Option<(u64, u64)> {
        let night = self.night?;
        let (from, until) = (
            u64::from(night.from_minute) * MINUTE_MS,
            u64::from(night.until_minute) * MINUTE_MS,
        );
        let length = (until + DAY_MS - from) % DAY_MS;
        let today = now_ms - now_ms % DAY_MS + from;
        [today.checked_sub(DAY_MS), Some(today), Some(today + DAY_MS)]
            .into_iter()
            .flatten()
            .map(|begin| (begin, begin + length))
            .find(|(_, end)| *end > now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(from_minute: u16, until_minute: u16) -> Host {
        Host {
            night: Some(Night {
                from_minute,
                until_minute,
            }),
            ..Host::new(HostId(1), 0)
        }
    }

    #[test]
    fn a_night_may_pass_midnight() {
        let host = host(23 * 60, 7 * 60);
        let day = 100 * DAY_MS;
        assert_eq!(
            host.next_night(day + 12 * HOUR_MS),
            Some((day + 23 * HOUR_MS, day + 31 * HOUR_MS))
        );
        assert_eq!(
            host.next_night(day + 23 * HOUR_MS),
            Some((day + 23 * HOUR_MS, day + 31 * HOUR_MS))
        );
        assert_eq!(host.next_night(day + 3 * HOUR_MS), Some((day - HOUR_MS, day + 7 * HOUR_MS)));
        assert_eq!(
            host.next_night(day + 7 * HOUR_MS),
            Some((day + 23 * HOUR_MS, day + 31 * HOUR_MS))
        );
    }

    #[test]
    fn availability_is_counted_by_the_hour() {
        let mut host = host(0, 1);
        host.count(HOUR_MS + HOUR_MS / 2);
        host.state = HostState::Unreachable;
        host.count(2 * HOUR_MS);
        assert_eq!(host.online_ms, HOUR_MS * 3 / 2);
        assert_eq!(Vec::from(host.hours.clone()), vec![(0, 3_600_000), (1, 1_800_000)]);
        host.count(1000 * HOUR_MS);
        assert!(host.hours.len() <= 24 && host.hours.iter().all(|(_, ms)| *ms == 0));
    }
}
