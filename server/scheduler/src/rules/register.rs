//! Hosts that register, for the first time or again, and how many devices of each class there are.

use protocol::http::RegisterHost;
use protocol::text::is_plain;
use protocol::{AttemptId, HardwareClass, HostId, JobState, Outcome};

use super::Then;
use super::presence::DEVICES_MAX;
use super::steer::NAME_BYTES_MAX;
use crate::tables::Timer;
use crate::{Core, Origin, Refusal};

/// What an agent's name for itself may be.
pub(super) const INSTANCE_EXPECTED: &str = "expected 1 to 64 visible characters";

/// Whether a text can tell one agent from another.
pub(super) fn is_instance(text: &str) -> bool {
    (1..=64).contains(&text.len()) && is_plain(text)
}

impl Core {
    /// A host registers, for the first time or again.
    pub(crate) fn register(
        &mut self,
        known: Option<HostId>,
        body: &RegisterHost,
        address: u64,
        origin: &Origin,
    ) -> Result<HostId, Refusal> {
        check_registration(body)?;
        if known.is_none() {
            self.check_enrolment(address, origin)?;
        }
        let own = known.and_then(|id| self.hosts.get(id)).and_then(|host| host.key);
        if let (Some(own), Some(key)) = (own, body.key)
            && own != key
        {
            return Err(Refusal::invalid(
                "key",
                format!(
                    "found {key}, this host registered {own}: enrol anew with a state folder of its own, or bring the key back"
                ),
            ));
        }
        let id = match known {
            Some(id) if !self.hosts.contains(id) => return Err(Refusal::NoHost(id)),
            Some(id) => id,
            None => {
                let id = self.hosts.add(self.now_ms);
                self.timers.set(Timer::Silence(id), self.now_ms + self.config.unreachable_ms);
                id
            }
        };
        let (subject, referee) = match known {
            None => (origin.subject.clone(), origin.referee),
            // As it enrolled.
            Some(_) => {
                let enrolled = self.hosts.get(id).map(|host| host.origin().clone()).unwrap_or_default();
                (enrolled.subject, enrolled.referee)
            }
        };
        let network = origin.network;
        self.hosts.set_origin(
            id,
            Origin {
                subject,
                network,
                referee,
            },
        );
        let Some(host) = self.hosts.get_mut(id) else { return Ok(id) };
        host.name.clone_from(&body.name);
        if body.instance.is_some() {
            host.instance.clone_from(&body.instance);
        }
        if body.key.is_some() {
            host.key = body.key;
        }
        host.meet(address);
        host.night = body.night;
        let mut void: Vec<AttemptId> = Vec::new();
        for device in host.devices() {
            let report = body.devices.iter().find(|report| report.id == device.id);
            let classes = report.map(|report| report.classes.clone()).unwrap_or_default();
            if classes != device.classes() {
                void.extend(device.line());
            }
        }
        for attempt in void {
            let reason = "goes on elsewhere: its device changed or is gone".to_owned();
            self.finish(attempt, Outcome::Mismatch, Then::Requeue(Some(JobState::Migrating), reason));
        }
        let before = self.classes_of(id);
        self.hosts.set_devices(id, &body.devices, self.now_ms);
        self.forget_classes(before);
        self.hear(id);
        self.plan_night(id);
        self.pending.hosts.insert(id);
        self.touch(id);
        Ok(id)
    }
}

impl Core {
    /// Whether one more host may come from there.
    fn check_enrolment(&self, address: u64, origin: &Origin) -> Result<(), Refusal> {
        if origin.subject.is_none()
            && let Some(banned) = self.hosts.banned().find(|host| host.addresses.contains(&address))
        {
            return Err(Refusal::Banned(format!(
                "host {} of the same address is banned: a host from there enrols with an invitation, which the operator gives",
                banned.id
            )));
        }
        let (of_subject, of_network) = self.hosts.crowd().beside(origin);
        let (most_of_subject, most_of_network) = (self.config.hosts_per_subject, self.config.hosts_per_network);
        if most_of_subject > 0 && of_subject >= most_of_subject {
            let subject = origin.subject.as_deref().unwrap_or_default();
            return Err(Refusal::Limit(format!(
                "{subject} has {of_subject} hosts, the most allowed (--hosts-per-subject)"
            )));
        }
        if most_of_network > 0 && of_network >= most_of_network {
            return Err(Refusal::Limit(format!(
                "{of_network} hosts come from the same network, the most allowed (--hosts-per-network)"
            )));
        }
        Ok(())
    }
}

fn check_registration(body: &RegisterHost) -> Result<(), Refusal> {
    let short = |text: &str| (1..=NAME_BYTES_MAX).contains(&text.len()) && is_plain(text);
    if !short(&body.name) || body.version.len() > 64 {
        return Err(Refusal::invalid(
            "name",
            format!("expected 1 to {NAME_BYTES_MAX} bytes without control characters, and a version of at most 64"),
        ));
    }
    if body.instance.as_ref().is_some_and(|instance| !is_instance(instance)) {
        return Err(Refusal::invalid("instance", INSTANCE_EXPECTED));
    }
    if body.protocol == 0 {
        return Err(Refusal::invalid("protocol", "0, expected 1 or more"));
    }
    if body.devices.is_empty() || body.devices.len() > DEVICES_MAX {
        return Err(Refusal::invalid(
            "devices",
            format!("{} devices, expected 1 to {DEVICES_MAX}", body.devices.len()),
        ));
    }
    for (index, device) in body.devices.iter().enumerate() {
        if !short(&device.id) || !short(&device.name) {
            return Err(Refusal::invalid(
                "devices",
                format!("device {index}: id and name of 1 to {NAME_BYTES_MAX} bytes expected"),
            ));
        }
        if body.devices[..index].iter().any(|other| other.id == device.id) {
            return Err(Refusal::invalid(
                "devices",
                format!("device {index}: id {:?} appears twice", device.id),
            ));
        }
        let twice = |class: &HardwareClass| device.classes.iter().filter(|other| other.tier == class.tier).count() > 1;
        if device.classes.is_empty() || device.classes.iter().any(twice) {
            return Err(Refusal::invalid(
                "devices",
                format!(
                    "device {index}: {} classes, expected at least one and at most one a tier",
                    device.classes.len()
                ),
            ));
        }
    }
    match body.night {
        Some(night) if night.from_minute >= 1440 || night.until_minute >= 1440 || night.from_minute == night.until_minute => {
            Err(Refusal::invalid(
                "night",
                "expected two different minutes of the day, each 0 to 1439",
            ))
        }
        _ => Ok(()),
    }
}
