//! A fault that several hosts of one driver share is the driver's: its class is quarantined, and its hosts are not to blame.
//!
//! That is so where a referee finds three hosts wrong that nothing connects, with one package of the portable tier, and none was ever found right with
//! it on that driver. (In the class-bound tier a class's own bits are the right ones.) Three that lie cannot so bring a driver into disrepute on
//! which others compute rightly.

use protocol::{Digest, HardwareClass, HostId, JobId, JobState, Outcome};

use super::super::Then;
use crate::tables::drivers::HOSTS_OF_A_FAULT;
use crate::tables::{DeviceId, Job, Timer};
use crate::{Core, Refusal};

impl Core {
    /// A referee found a result wrong that a host computed on a driver.
    pub(super) fn blame(&mut self, driver: HardwareClass, host: HostId, package: Digest) {
        let hosts = self.drivers.note_wrong(driver, host, package);
        let row = |id: &HostId| self.hosts.get(*id);
        let mut unlike: Vec<HostId> = Vec::new();
        for id in hosts {
            let known = |other: &HostId| match (row(&id), row(other)) {
                (Some(one), Some(other)) => self.alike(one, other),
                _ => true,
            };
            if !unlike.iter().any(known) {
                unlike.push(id);
            }
        }
        if unlike.len() < HOSTS_OF_A_FAULT || self.drivers.quarantined(&[driver]).is_some() {
            return;
        }
        let labels: Vec<String> = unlike.iter().map(|host| self.hosts.label(*host)).collect();
        let reason = format!(
            "quarantined: a referee found wrong results of {} with package {}, all on devices of class {driver}",
            labels.join(", "),
            package.short()
        );
        self.quarantine(driver, &unlike, reason);
    }

    fn quarantine(&mut self, driver: HardwareClass, hosts: &[HostId], reason: String) {
        self.drivers.quarantine(driver, reason.clone());
        for id in hosts {
            let Some(host) = self.hosts.get_mut(*id) else { continue };
            // The fault was not theirs; what they are to do on other devices is checked in full all the same.
            host.faults = host.faults.saturating_sub(1);
            if host.faults == 0 {
                host.suspended = None;
                self.timers.clear(Timer::Parole(*id));
            }
        }
        let devices: Vec<DeviceId> = self.hosts.with_class(driver).collect();
        for device in devices {
            for attempt in self.hosts.line(device).iter().rev().copied().collect::<Vec<_>>() {
                let reason = "goes on from its last boundary: its device's class is quarantined".to_owned();
                self.finish(attempt, Outcome::Expired, Then::Requeue(Some(JobState::Migrating), reason));
            }
            self.pending.hosts.insert(device.host);
            self.touch(device.host);
        }
        let rests = |job: &&Job| !job.state().is_final() && job.spans.iter().any(|span| span.rests_on_driver(driver));
        let jobs: Vec<JobId> = self.jobs.values().filter(rests).map(|job| job.id).collect();
        for id in jobs {
            let first = self
                .jobs
                .get(id)
                .and_then(|job| job.spans.iter().position(|span| span.rests_on_driver(driver)));
            if let Some(index) = first {
                self.roll_back(
                    id,
                    index,
                    &format!("what devices of class {driver} brought home is void: {reason}"),
                );
            }
        }
    }

    /// An operator lets the devices of a driver have work again.
    pub(crate) fn forgive_class(&mut self, class: HardwareClass) -> Result<(), Refusal> {
        if !self.drivers.forgive(class) {
            return Err(Refusal::State(format!("class {class} is not quarantined")));
        }
        let devices: Vec<DeviceId> = self.hosts.with_class(class).collect();
        for device in devices {
            self.pending.hosts.insert(device.host);
            self.touch(device.host);
        }
        Ok(())
    }
}
