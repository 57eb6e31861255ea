//! What a host should be doing now, all of it.

use protocol::http::lease::canary;
use protocol::http::{Action, CheckpointRef, IdleDevice, Lease, Orders};
use protocol::{Digest, HostId, Tier};

use crate::tables::{Attempt, Cause, Device, Host, Job, Length, Need, QueueKey, Stage, Stop};
use crate::{Core, Refusal};

impl Core {
    /// Everything that a host should be doing now.
    ///
    /// # Errors
    /// No such host.
    pub fn orders(&self, id: HostId) -> Result<Orders, Refusal> {
        let host = self.hosts.get(id).ok_or(Refusal::NoHost(id))?;
        self.admit(id)?;
        let mut orders = Orders {
            host: id,
            sequence: host.sequence,
            // Said by the server around it.
            server: String::new(),
            life: 0,
            offers: 0,
            leases: Vec::new(),
            idle: Vec::new(),
            heartbeat_s: self.config.heartbeat_ms / 1000,
        };
        for device in host.devices() {
            for (position, attempt) in device.line().iter().enumerate() {
                let Some(attempt) = self.attempts.get(*attempt) else {
                    continue;
                };
                let Some(job) = self.jobs.get(attempt.job) else { continue };
                orders.offers += u64::from(attempt.stage == Stage::Offered);
                let (action, reason) = match &attempt.stop {
                    Some(stop) if stop.now => (Action::StopNow, told(stop)),
                    Some(stop) => (Action::StopAtBoundary, told(stop)),
                    None if position > 0 => (Action::Wait, attempt.why.as_str()),
                    None => (Action::Run, attempt.why.as_str()),
                };
                orders.leases.push(Lease {
                    job: job.shown_id(),
                    attempt: attempt.id,
                    epoch: attempt.epoch,
                    batch: attempt.batch,
                    device: device.id.clone(),
                    action,
                    reason: reason.to_owned(),
                    name: job.name.clone(),
                    package: job.package,
                    archive: job.archive,
                    checkpoint: job.safe.as_ref().map(|safe| CheckpointRef {
                        blob: safe.blob,
                        entry: safe.entry.clone(),
                    }),
                    class: attempt.class,
                    until_segment: job.until(),
                    commit_every_s: self.config.commit_ms / 1000,
                    canary: self.canary(job, attempt, id),
                    signed: job.signed.clone(),
                });
            }
            if device.line().is_empty() && !device.classes().is_empty() {
                orders.idle.push(IdleDevice {
                    device: device.id.clone(),
                    why: self.why_idle(host, device),
                });
            }
        }
        Ok(orders)
    }

    /// What a host is to hold boundary 1 against, before it goes on with a job or a check of it. None while that boundary is in question itself, and for
    /// the host that computed it.
    fn canary(&self, row: &Job, attempt: &Attempt, host: HostId) -> Option<Digest> {
        let job = self.jobs.get(row.shown_id())?;
        let (goes_on, first) = (
            row.safe.is_some(),
            job.first.filter(|_| attempt.class.tier == Tier::ClassBound)?,
        );
        let span = job.spans.first().filter(|span| span.from == 0);
        let is_withheld = span.is_some_and(|span| span.host == host || span.state.open().is_some());
        (goes_on && !is_withheld).then(|| canary(attempt.epoch, first))
    }

    /// Why a device has nothing to do.
    pub(super) fn why_idle(&self, host: &Host, device: &Device) -> String {
        if let Some(reason) = host.closed(self.now_ms) {
            return match host.open_until(self.now_ms) {
                Some(_) => format!("{reason}: takes only what ends before"),
                None => reason,
            };
        }
        if let Some(reason) = self.drivers.quarantined(device.classes()) {
            return reason.to_owned();
        }
        if host.origin().referee {
            return "idle: a referee, which computes where results differ, and nothing else".to_owned();
        }
        let waiting: usize = device
            .classes()
            .iter()
            .flat_map(|class| [Need::Class(*class), Need::Any(class.tier)])
            .flat_map(|need| [Length::Short, Length::Long].map(|length| QueueKey { need, length }))
            .map(|key| self.jobs.queues().count(key))
            .sum();
        let classes: Vec<String> = device.classes().iter().map(ToString::to_string).collect();
        match waiting {
            0 => format!("idle: no job for class {}", classes.join(" or ")),
            waiting => format!("idle: the owners of {waiting} waiting jobs have as many running as they may"),
        }
    }
}

/// Why an attempt stops, as its host is told. What takes its place may be a check, which a host must not know from a job: so it is told neither which
/// one it is nor how urgent.
fn told(stop: &Stop) -> &str {
    match stop.cause {
        Cause::Preempt => "another job takes its turn",
        Cause::Leave | Cause::Hold => &stop.reason,
    }
}
