//! The devices of this host, which come and go: a driver is updated, a card is plugged in, the machine sleeps.
//!
//! A job whose device is gone or has other classes now is *displaced*: it stops at its next boundary, what it computed goes home, and it goes on elsewhere. The server ends the
//! leases of a device that is gone as soon as it knows, so it is told once these jobs are home, or after [`HANDOVER_MS`]. A device that is *lost* (its driver was
//! reset) is looked for again, and the job goes on from its last boundary here, unless that happens [`LOSSES_MAX`] times without a boundary in between.
//!
//! Invariant: a slot is never taken away, so that a thread that still computes on a device that is gone keeps its own; what is gone has no class.

use protocol::http::{DeviceReport, Lease, RegisterHost};
use protocol::{AttemptId, HardwareClass};

use super::Planner;
use crate::effect::{Effect, Message, RunId};
use crate::input::Device;
use crate::job::{Place, Work};
use crate::reason::Failure;
use crate::time::Time;

/// Displaced jobs have so long to come home before the server is told that their device is gone.
pub const HANDOVER_MS: u64 = 60_000;
/// A job whose device is lost so often without a boundary in between goes elsewhere.
pub const LOSSES_MAX: u32 = 3;

/// A device, and the thread that computes on it.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) device: String,
    /// None when it is gone.
    pub(crate) classes: Vec<HardwareClass>,
    pub(crate) running: Option<(RunId, AttemptId)>,
    /// It failed, and is looked for again.
    pub(super) is_lost: bool,
    /// The server knows it with other classes, and ends all of its leases when it is told of these.
    has_changed: bool,
    /// Whether a job was next for it when last looked at.
    pub(super) line: Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Empty,
    Occupied,
}

impl Slot {
    pub(super) fn new(device: Device) -> Self {
        Self {
            device: device.id,
            classes: device.classes,
            running: None,
            is_lost: false,
            has_changed: false,
            line: Line::Empty,
        }
    }
}

impl Planner {
    /// The devices were looked for: these are here, and no others.
    pub(super) fn found_devices(&mut self, devices: Vec<Device>, description: RegisterHost) {
        self.devices_untold = self.is_news(&description.devices);
        self.description = description;
        for slot in &mut self.slots {
            slot.is_lost = false;
            let found = devices.iter().find(|device| device.id == slot.device);
            slot.classes = found.map(|device| device.classes.clone()).unwrap_or_default();
            let told = self
                .requests
                .described()
                .and_then(|told| told.devices.iter().find(|device| device.id == slot.device));
            slot.has_changed = told.is_some_and(|told| told.classes != slot.classes);
        }
        for device in devices {
            if self.slots.iter().all(|slot| slot.device != device.id) {
                self.slots.push(Slot::new(device));
            }
        }
        self.displace();
    }

    /// Whether the server knows of other devices than these, or of these only once it has answered.
    fn is_news(&self, devices: &[DeviceReport]) -> bool {
        let told = self.requests.described().map(|described| &*described.devices);
        told != Some(devices) || self.devices_untold && self.requests.is_registering()
    }

    /// The server knows this host as it was described last.
    pub(super) fn told_devices(&mut self) {
        self.devices_untold &= self.requests.described() != Some(&self.description);
        if !self.devices_untold {
            self.slots.iter_mut().for_each(|slot| slot.has_changed = false);
            self.displace();
        }
    }

    /// Whether a device is here that computes something.
    pub(super) fn has_device(&self) -> bool {
        self.slots.iter().any(|slot| !slot.classes.is_empty())
    }

    /// Whether the device that a lease names is here and has its class.
    pub(super) fn can_compute(&self, lease: &Lease) -> bool {
        let slot = self.slots.iter().find(|slot| slot.device == lease.device);
        slot.is_some_and(|slot| !slot.has_changed && slot.classes.contains(&lease.class))
    }

    /// Note which jobs cannot be computed here any more, and which can again.
    pub(super) fn displace(&mut self) {
        let mut moved = Vec::new();
        for (&attempt, job) in &self.jobs {
            if self.can_compute(&job.lease) != (job.place == Place::Fits) {
                moved.push(attempt);
            }
        }
        for attempt in moved {
            let Some(job) = self.jobs.get_mut(&attempt) else { continue };
            if job.place != Place::Fits {
                job.place = Place::Fits;
                continue;
            }
            job.place = Place::LostAt(self.now);
            let (job, device) = (job.lease.job, job.lease.device.clone());
            self.say(Message::Displaced { job, device });
        }
    }

    /// When the server is told of the devices though jobs that lost theirs are still here; none while none is.
    pub(super) fn handover_ends(&self) -> Option<Time> {
        let since = self.jobs.values().filter_map(|job| match job.place {
            Place::LostAt(since) => Some(since),
            Place::Fits | Place::Never => None,
        });
        since.map(|since| since.after(HANDOVER_MS)).filter(|at| *at > self.now).min()
    }

    /// Whether displaced jobs are on their way home, and the server is to be told of their devices afterwards.
    pub(super) fn hands_over(&self) -> bool {
        self.devices_untold && self.handover_ends().is_some()
    }

    /// A device was lost while it computed a job, whose thread has ended.
    pub(super) fn lost_device(&mut self, slot: usize, attempt: AttemptId, failure: Failure) {
        self.slots[slot].is_lost = true;
        let lost = self.slots[slot].device.clone();
        self.effects.push(Effect::FindDevice { lost });
        let Some(job) = self.jobs.get_mut(&attempt) else { return };
        if job.is_stopping() {
            // It was to leave this device in any case, and its boundaries are whole.
            return;
        }
        job.losses += 1;
        if job.losses >= LOSSES_MAX {
            return self.fail(attempt, failure);
        }
        job.work = Work::Ready;
        let (job, device) = (job.lease.job, job.lease.device.clone());
        let why = failure.text;
        self.say(Message::DeviceLost { job, device, why });
    }
}
