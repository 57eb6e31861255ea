//! Hosts that register, for the first time or again, and how many devices of each class there are.

use protocol::http::RegisterHost;
use protocol::{AttemptId, HardwareClass, HostId, JobState, Outcome};

use super::Then;
use super::presence::DEVICES_MAX;
use super::steer::NAME_BYTES_MAX;
use crate::tables::Timer;
use crate::{Core, Refusal};

impl Core {
    /// A host registers, for the first time or again.
    pub(crate) fn register(&mut self, known: Option<HostId>, body: &RegisterHost, address: u64) -> Result<HostId, Refusal> {
        check_registration(body)?;
        let id = match known {
            Some(id) if !self.hosts.contains(id) => return Err(Refusal::NoHost(id)),
            Some(id) => id,
            None => {
                let id = self.hosts.add(self.now_ms);
                self.timers.set(Timer::Silence(id), self.now_ms + self.config.unreachable_ms);
                id
            }
        };
        let Some(host) = self.hosts.get_mut(id) else { return Ok(id) };
        host.name.clone_from(&body.name);
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
        self.hosts.set_devices(id, &body.devices, self.now_ms);
        self.hear(id);
        self.plan_night(id);
        self.pending.hosts.insert(id);
        self.touch(id);
        Ok(id)
    }
}

fn check_registration(body: &RegisterHost) -> Result<(), Refusal> {
    let short = |text: &str| (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
    if !short(&body.name) || body.version.len() > 64 {
        return Err(Refusal::invalid(
            "name",
            format!("expected 1 to {NAME_BYTES_MAX} bytes without control characters, and a version of at most 64"),
        ));
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
