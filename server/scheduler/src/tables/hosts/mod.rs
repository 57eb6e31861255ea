//! Hosts and their devices, which of these are free, and how many there are of each class.
//!
//! Invariants: a device stands in the pool of free ones exactly as its row names it, under the classes of the row; a class counts every device of a
//! host that is not lost, and those online apart; the crowd counts every host that is not lost under its origin.

use std::collections::{BTreeMap, BTreeSet};

use protocol::http::DeviceReport;
use protocol::{AttemptId, HardwareClass, HostId, HostState};
use serde::{Deserialize, Serialize};

use super::jobs::Need;
use super::pool::Pool;
use super::rows::Rows;
use crate::Origin;
use crate::reliability::Trust;

mod crowd;
mod host;

pub(crate) use crowd::Crowd;
pub(crate) use host::{Device, HOUR_MS, Host, Suspension};

/// One device of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct DeviceId {
    pub(crate) host: HostId,
    pub(crate) index: u16,
}

/// A free device: least trusted first, then longest free; the number is since when it is free, or when its host departs ([`Trust::Leaving`]).
pub(crate) type Free = (Trust, u64, DeviceId);

/// In the order of the free ones, all that are about to leave come before this, and all others after.
const STAYING: Free = (
    Trust::Flaky,
    0,
    DeviceId {
        host: HostId(0),
        index: 0,
    },
);

/// How present a class is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Presence {
    pub(crate) devices: u64,
    pub(crate) online: u64,
    pub(crate) last_seen_ms: Option<u64>,
}

/// All hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    rows: Rows<HostId, Host>,
    /// Number of the next host.
    next: u64,
    presence: BTreeMap<HardwareClass, Presence>,
    free: Pool<Free>,
    /// Those that are not lost, by where they come from.
    crowd: Crowd,
    banned: BTreeSet<HostId>,
    /// Those of the operator that compute checks and nothing else: they count in no class, and none of their devices is listed as free.
    referees: BTreeSet<HostId>,
}

impl Hosts {
    /// The table as it was saved.
    pub(crate) fn restore(rows: Rows<HostId, Host>, next: u64, presence: BTreeMap<HardwareClass, Presence>) -> Self {
        let mut free = Pool::default();
        for device in rows.values().flat_map(|host| &host.devices) {
            if let Some(place) = device.free {
                free.insert(&device.classes, place);
            }
        }
        let mut crowd = Crowd::default();
        rows.values()
            .filter(|host| host.state != HostState::Lost)
            .for_each(|host| crowd.enter(&host.origin));
        let banned = rows.values().filter(|host| host.banned.is_some()).map(|host| host.id);
        let referees = rows.values().filter(|host| host.origin.referee).map(|host| host.id);
        Self {
            banned: banned.collect(),
            referees: referees.collect(),
            rows,
            next,
            presence,
            free,
            crowd,
        }
    }

    pub(crate) fn rows(&self) -> &Rows<HostId, Host> {
        &self.rows
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn presence(&self) -> &BTreeMap<HardwareClass, Presence> {
        &self.presence
    }

    pub(crate) fn get(&self, id: HostId) -> Option<&Host> {
        self.rows.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: HostId) -> Option<&mut Host> {
        self.rows.get_mut(&id)
    }

    pub(crate) fn contains(&self, id: HostId) -> bool {
        self.rows.contains_key(&id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Host> {
        self.rows.values()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Host> {
        self.rows.values_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// For sentences: a host's name and number, nothing for one that is not there.
    pub(crate) fn label(&self, id: HostId) -> String {
        self.get(id).map(Host::label).unwrap_or_default()
    }

    /// A new host, without devices.
    pub(crate) fn add(&mut self, now_ms: u64) -> HostId {
        let id = HostId(self.next);
        self.next += 1;
        let host = Host::new(id, now_ms);
        self.crowd.enter(&host.origin);
        self.rows.insert(id, host);
        id
    }

    /// From now on numbers are given from so much further on.
    pub(crate) fn skip_numbers(&mut self, by: u64) {
        self.next = self.next.saturating_add(by);
    }

    /// How many hosts that are not lost come from where.
    pub(crate) fn crowd(&self) -> &Crowd {
        &self.crowd
    }

    /// Hosts that are banned.
    pub(crate) fn banned(&self) -> impl Iterator<Item = &Host> {
        self.banned.iter().filter_map(|id| self.rows.get(id))
    }

    /// The devices of a class. Looks at all hosts.
    pub(crate) fn with_class(&self, class: HardwareClass) -> impl Iterator<Item = DeviceId> {
        let devices = self
            .rows
            .values()
            .flat_map(|host| (0_u16..).zip(&host.devices).map(|(index, device)| (host.id, index, device)));
        let fitting = devices.filter(move |(_, _, device)| device.classes.contains(&class));
        fitting.map(|(host, index, _)| DeviceId { host, index })
    }

    /// The operator's hosts that compute checks alone.
    pub(crate) fn referees(&self) -> impl Iterator<Item = &Host> {
        self.referees.iter().filter_map(|id| self.rows.get(id))
    }

    /// Bans a host, with the reason, or takes the ban back.
    pub(crate) fn set_banned(&mut self, id: HostId, reason: Option<String>) {
        let Some(host) = self.rows.get_mut(&id) else { return };
        match reason {
            Some(_) => self.banned.insert(id),
            None => self.banned.remove(&id),
        };
        host.banned = reason;
    }

    /// Sets where a host comes from.
    pub(crate) fn set_origin(&mut self, id: HostId, origin: Origin) {
        let Some(host) = self.rows.get_mut(&id) else { return };
        let counts = host.state != HostState::Lost;
        if counts {
            self.crowd.leave(&host.origin);
            self.crowd.enter(&origin);
        }
        if origin.referee {
            self.referees.insert(id);
        }
        host.origin = origin;
    }

    pub(crate) fn device(&self, id: DeviceId) -> Option<&Device> {
        self.get(id.host)?.devices.get(usize::from(id.index))
    }

    /// The classes of a device; none for one that is not there.
    pub(crate) fn classes(&self, id: DeviceId) -> &[HardwareClass] {
        self.device(id).map_or(&[], |device| &device.classes)
    }

    /// The attempts at a device, in the order to compute.
    pub(crate) fn line(&self, id: DeviceId) -> &[AttemptId] {
        self.device(id).map_or(&[], |device| &device.line)
    }

    /// Puts an attempt at the end of a device's line: it is not free any more.
    pub(crate) fn push(&mut self, id: DeviceId, attempt: AttemptId) {
        let Some(device) = device_of(&mut self.rows, id) else { return };
        if let Some(free) = device.free.take() {
            self.free.remove(&device.classes, free);
        }
        device.line.push(attempt);
    }

    /// Takes an attempt out of a device's line.
    pub(crate) fn pull(&mut self, id: DeviceId, attempt: AttemptId) {
        if let Some(device) = device_of(&mut self.rows, id) {
            device.line.retain(|other| *other != attempt);
        }
    }

    /// Lists a device among the free ones as far as its host is trusted now, or not at all.
    /// `trust` is with the time at which the host departs, if it is about to.
    pub(crate) fn set_free(&mut self, id: DeviceId, trust: Option<(Trust, Option<u64>)>, now_ms: u64) {
        let Some(device) = device_of(&mut self.rows, id) else { return };
        let before = device.free.filter(|(trust, ..)| *trust != Trust::Leaving);
        let since = before.map_or(now_ms, |(_, since, _)| since);
        let free = trust
            .filter(|_| device.line.is_empty() && !device.classes.is_empty())
            .map(|(trust, departs_ms)| (trust, departs_ms.unwrap_or(since), id));
        if device.free == free {
            return;
        }
        if let Some(old) = device.free {
            self.free.remove(&device.classes, old);
        }
        if let Some(new) = free {
            self.free.insert(&device.classes, new);
        }
        device.free = free;
    }

    /// The free devices of a class whose hosts stay, the most trusted first.
    pub(crate) fn free_of(&self, class: HardwareClass) -> impl Iterator<Item = DeviceId> {
        let fitting = self.free.fitting(Need::Class(class)).into_iter();
        let staying = fitting.flat_map(|fitting| fitting.range(STAYING..).rev());
        staying.map(|(_, _, device)| *device)
    }

    /// The most or the least trusted of the free devices that fit a need.
    pub(crate) fn find_free(&self, need: Need, trusted: bool) -> Option<DeviceId> {
        let mut staying = self.free.fitting(need)?.range(STAYING..);
        let found = if trusted { staying.next_back() } else { staying.next() };
        found.map(|(_, _, device)| *device)
    }

    /// Of the free devices that fit a need and whose hosts are about to depart, the one that stays longest, and until when.
    pub(crate) fn last_to_leave(&self, need: Need) -> Option<(u64, DeviceId)> {
        let (_, departs_ms, device) = self.free.fitting(need)?.range(..STAYING).next_back()?;
        Some((*departs_ms, *device))
    }

    /// A host is heard now: it and its classes are there. Its state as it was.
    pub(crate) fn hear(&mut self, id: HostId, now_ms: u64) -> Option<HostState> {
        self.rows.get_mut(&id)?.missed = false;
        self.hear_at(id, now_ms)
    }

    /// A host was heard at a time that may lie before others that are known already. Its state as it is.
    pub(crate) fn hear_at(&mut self, id: HostId, at_ms: u64) -> Option<HostState> {
        let host = self.rows.get_mut(&id)?;
        host.heard_ms = host.heard_ms.max(at_ms);
        host.count(at_ms);
        for class in host.devices.iter().flat_map(|device| &device.classes) {
            if !host.origin.referee {
                let presence = self.presence.entry(*class).or_default();
                presence.last_seen_ms = presence.last_seen_ms.max(Some(at_ms));
            }
        }
        Some(host.state)
    }

    /// Changes a host's state.
    pub(crate) fn set_state(&mut self, id: HostId, state: HostState, reason: &str, now_ms: u64) {
        self.count_classes(id, false, now_ms);
        if let Some(host) = self.rows.get_mut(&id) {
            match (host.state == HostState::Lost, state == HostState::Lost) {
                (false, true) => self.crowd.leave(&host.origin),
                (true, false) => self.crowd.enter(&host.origin),
                _ => {}
            }
            host.count(now_ms);
            host.state = state;
            reason.clone_into(&mut host.reason);
        }
        self.count_classes(id, true, now_ms);
    }

    /// Replaces what a host has: devices keep their places, those that are gone have no class. None of them is free until it is listed anew.
    pub(crate) fn set_devices(&mut self, id: HostId, reports: &[DeviceReport], now_ms: u64) {
        self.count_classes(id, false, now_ms);
        let Some(host) = self.rows.get_mut(&id) else { return };
        for device in &mut host.devices {
            if let Some(free) = device.free.take() {
                self.free.remove(&device.classes, free);
            }
            if !reports.iter().any(|report| report.id == device.id) {
                device.classes.clear();
            }
        }
        for report in reports {
            match host.devices.iter_mut().find(|device| device.id == report.id) {
                Some(device) => {
                    device.name.clone_from(&report.name);
                    device.classes.clone_from(&report.classes);
                }
                None => host.devices.push(Device {
                    id: report.id.clone(),
                    name: report.name.clone(),
                    classes: report.classes.clone(),
                    line: Vec::new(),
                    free: None,
                }),
            }
        }
        // Devices that are gone make room, from the end so that numbers in use stay.
        while host.devices.len() > reports.len()
            && host
                .devices
                .last()
                .is_some_and(|device| device.classes.is_empty() && device.line.is_empty())
        {
            host.devices.pop();
        }
        self.count_classes(id, true, now_ms);
    }

    /// A job waits for a class: how present it is is told from now on.
    pub(crate) fn know_class(&mut self, class: HardwareClass) {
        self.presence.entry(class).or_default();
    }

    /// A class is spoken of no more, unless some host has it. Classes are names that hosts make up, so what no job waits for is not kept.
    pub(crate) fn forget_class(&mut self, class: HardwareClass) {
        if self.presence.get(&class).is_some_and(|presence| presence.devices == 0) {
            self.presence.remove(&class);
        }
    }

    /// Adds a host's devices to the count of their classes, or takes them out.
    fn count_classes(&mut self, id: HostId, add: bool, now_ms: u64) {
        let counts = |host: &&Host| host.state != HostState::Lost && !host.origin.referee;
        let Some(host) = self.rows.get(&id).filter(counts) else {
            return;
        };
        let online = u64::from(host.state == HostState::Online);
        for class in host.devices.iter().flat_map(|device| &device.classes) {
            let presence = self.presence.entry(*class).or_default();
            if add {
                presence.devices += 1;
                presence.online += online;
                presence.last_seen_ms = Some(now_ms);
            } else {
                presence.devices -= 1;
                presence.online -= online;
            }
        }
    }

    /// Whether pool and counts are what the rows say.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn check(&self) -> Result<(), String> {
        let rebuilt = Self::restore(self.rows.clone(), self.next, BTreeMap::new());
        super::require(self.free == rebuilt.free, || {
            "the pool of free devices differs from what the hosts say".to_owned()
        })?;
        let same = (&self.crowd, &self.banned, &self.referees) == (&rebuilt.crowd, &rebuilt.banned, &rebuilt.referees);
        super::require(same, || {
            "counts by origin, bans or referees differ from what the hosts say".to_owned()
        })?;
        for (class, presence) in &self.presence {
            let of_class = |online: bool| {
                let hosts = self.rows.values().filter(|host| match online {
                    true => host.state == HostState::Online,
                    false => host.state != HostState::Lost,
                });
                let counted = hosts.filter(|host| !host.origin.referee);
                let devices = counted.flat_map(|host| &host.devices).flat_map(|device| &device.classes);
                devices.filter(|other| *other == class).count() as u64
            };
            let counted = (of_class(false), of_class(true));
            super::require((presence.devices, presence.online) == counted, || {
                format!("class {class} is miscounted")
            })?;
        }
        Ok(())
    }
}

fn device_of(rows: &mut Rows<HostId, Host>, id: DeviceId) -> Option<&mut Device> {
    rows.get_mut(&id.host)?.devices.get_mut(usize::from(id.index))
}
