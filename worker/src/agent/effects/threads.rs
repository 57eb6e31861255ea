//! Compute threads: started, told what to do, listened to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use device::{DeviceError, DeviceKind, SessionOptions};
use kernels::run::RunError;
use planner::{Boundary, Cause, Control, Failure, Input, RunId};
use protocol::{AttemptId, HardwareClass};

use super::Agent;
use crate::agent::compute::{Controlled, Task};
use crate::agent::job_folder::Kept;

/// Length of submits, so that a desktop stays smooth.
const SUBMIT_MS: f32 = 10.0;

/// A compute thread.
pub(super) struct Thread {
    /// The planner's name of it.
    pub(super) run: RunId,
    control: Arc<Controlled>,
    /// Steps handed to the device.
    step: Arc<AtomicU64>,
    /// The temperature at the last boundary, where the package has one.
    pub(super) temperature: Option<String>,
}

impl Thread {
    /// Steps handed to the device so far.
    pub(super) fn step(&self) -> u64 {
        self.step.load(Ordering::Relaxed)
    }
}

impl Agent {
    /// Start a thread that computes a job on a device.
    pub(super) fn compute(&mut self, run: RunId, device: &str, attempt: AttemptId, class: HardwareClass, until: u64) {
        let started = self.start(run, device, attempt, class, until);
        if let Err(text) = started {
            // Through the channel: effects are carried out one after the other, and inputs after them.
            let ended = Input::Stopped(run, Err(Failure::new(Cause::Host, text)));
            drop(self.sender.send(super::Note::Input(ended)));
        }
    }

    fn start(&mut self, run: RunId, device: &str, attempt: AttemptId, class: HardwareClass, until: u64) -> Result<(), String> {
        let lent = self.lent(device).ok_or("its device is not here any more")?.clone();
        let folder = self.folder(attempt);
        let arrived = self.arrived.get_mut(&attempt).ok_or("its package is not here")?;
        let is_cpu = lent.device.info().kind == DeviceKind::BuiltInCpu;
        let session = SessionOptions {
            submit_ms: Some(SUBMIT_MS),
            threads: is_cpu.then(|| cores(self.preferences.max_ncpus_pct)),
            ..SessionOptions::default()
        };
        let thread = Thread {
            run,
            control: Arc::new(Controlled::new(Control::Compute)),
            step: Arc::new(AtomicU64::new(0)),
            temperature: None,
        };
        let task = Task {
            attempt,
            folder,
            start: arrived.start.take(),
            package: Arc::clone(&arrived.package),
            device: Arc::clone(&lent.device),
            class,
            until,
            session,
            control: Arc::clone(&thread.control),
            step: Arc::clone(&thread.step),
            canary: arrived.canary,
            passed: Arc::clone(&lent.passed),
            idle: Arc::clone(&lent.idle),
            notes: self.sender.clone(),
        };
        task.spawn().map_err(|error| format!("no thread: {error}"))?;
        self.threads.insert(attempt, thread);
        Ok(())
    }

    /// Tell a thread what to do.
    pub(super) fn set_control(&self, run: RunId, control: Control) {
        if let Some(thread) = self.threads.values().find(|thread| thread.run == run) {
            thread.control.set(control);
        }
    }
}

/// A boundary as the planner knows it.
pub(super) fn boundary(kept: Kept) -> Boundary {
    Boundary {
        entry: kept.entry,
        ms: kept.ms,
        checkpoint: kept.blob,
        output_bytes: kept.output_bytes,
        is_last: kept.is_done,
    }
}

/// What an error means for the job: the package's own fault, which every host would find, or this machine's.
pub(super) fn failure(error: &RunError) -> Failure {
    let cause = match error {
        RunError::Class { .. } | RunError::Diverged { .. } | RunError::Canary { .. } => Cause::Mismatch,
        RunError::Package(_) | RunError::Fault { .. } => Cause::Package,
        RunError::Device(DeviceError::Shader { .. } | DeviceError::Program(_) | DeviceError::Check(_)) => Cause::Package,
        RunError::Disk { .. } | RunError::Folder { .. } | RunError::Altered { .. } => Cause::Host,
        RunError::Device(DeviceError::OutOfMemory(_) | DeviceError::NotFound { .. }) => Cause::Host,
        RunError::Device(DeviceError::Lost(_)) => Cause::DeviceLost,
        // A limit is one device's, and how long a pass takes is too.
        _ => Cause::Unknown,
    };
    Failure::new(cause, error.to_string())
}

/// This share of the cores, percent.
fn cores(percent: f64) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    ((cores as f64 * percent / 100.0).ceil() as usize).clamp(1, cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_package_is_told_from_trouble_of_the_machine() {
        let fault = RunError::Fault {
            segment: 3,
            value: 4,
            meaning: String::new(),
        };
        assert_eq!(failure(&fault).cause, Cause::Package);
        assert!(failure(&fault).text.contains("fault 4"), "{}", failure(&fault).text);
        let shader = DeviceError::Shader {
            label: "a.wgsl".into(),
            message: "no".into(),
            span: None,
        };
        assert_eq!(failure(&RunError::Device(shader)).cause, Cause::Package);
        let lost = RunError::Device(DeviceError::Lost("reset".into()));
        assert_eq!(failure(&lost).cause, Cause::DeviceLost);
        let disk = RunError::Disk {
            action: "write",
            path: "x".into(),
            cause: std::io::Error::other("full"),
        };
        assert_eq!(failure(&disk).cause, Cause::Host);
    }
}
