//! Compute threads: one for each job on a device, until its last segment is done or the agent stops it.
//!
//! The segment loop is [`kernels::run::compute`]; between short stretches of steps it reads from a [`Controlled`] what it is to do. The outcome
//! always comes as a note, also when the thread panics.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{self, Executor, RunError};
use planner::Control;
use protocol::{AttemptId, HardwareClass};
use tokio::sync::mpsc::UnboundedSender;

use super::canary::{Canary, Passed};
use super::effects::Note;
use super::job_folder::{JobFolder, JobStart};

/// What a compute thread is to do: the agent sets it, the thread reads it between stretches of steps.
#[derive(Debug)]
pub(crate) struct Controlled {
    control: Mutex<Control>,
    changed: Condvar,
}

impl Controlled {
    /// With what it is to do first.
    pub(crate) fn new(control: Control) -> Self {
        Self {
            control: Mutex::new(control),
            changed: Condvar::new(),
        }
    }

    /// Set it, and wake the thread where it waits.
    pub(crate) fn set(&self, control: Control) {
        *self.control.lock().unwrap_or_else(PoisonError::into_inner) = control;
        self.changed.notify_all();
    }

    /// What it is to do; blocks while that is [`Control::Pause`].
    fn wait(&self) -> Control {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let control = self.changed.wait_while(control, |control| *control == Control::Pause);
        *control.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The idle time of a device between two jobs that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Gap>);

#[derive(Debug, Default)]
struct Gap {
    /// When the device finished the last step of a job, unless another began since or none follows.
    free_since: Option<Instant>,
    /// Length of the last gap, milliseconds.
    last_ms: Option<u64>,
}

impl Idle {
    fn gap(&self) -> std::sync::MutexGuard<'_, Gap> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device has done its last step of a job.
    fn begin(&self) {
        self.gap().free_since = Some(Instant::now());
    }

    /// The device is given steps of a job.
    fn end(&self) {
        let mut gap = self.gap();
        if let Some(since) = gap.free_since.take() {
            gap.last_ms = u64::try_from(since.elapsed().as_millis()).ok();
        }
    }

    /// No job follows: the time until the next one is no gap.
    pub(crate) fn forget(&self) {
        self.gap().free_since = None;
    }

    /// The last gap, milliseconds.
    pub(crate) fn gap_ms(&self) -> Option<u64> {
        self.gap().last_ms
    }
}

/// A job to compute, and what it is computed with.
pub(crate) struct Task {
    /// The attempt that the server granted.
    pub(crate) attempt: AttemptId,
    /// Folder that its boundaries are written to.
    pub(crate) folder: JobFolder,
    /// Boundary that it begins from, where that was read already; otherwise the folder's last whole one.
    pub(crate) start: Option<JobStart>,
    /// The job's package.
    pub(crate) package: Arc<Package>,
    /// Device that computes it.
    pub(crate) device: Arc<dyn Device>,
    /// The device's class.
    pub(crate) class: HardwareClass,
    /// Number of its last segment.
    pub(crate) until: u64,
    /// Options of the device's session.
    pub(crate) session: SessionOptions,
    /// What the agent requests of it.
    pub(crate) control: Arc<Controlled>,
    /// Steps handed to the device so far.
    pub(crate) step: Arc<AtomicU64>,
    /// What is to be tried before, where the work is another device's.
    pub(crate) canary: Option<Canary>,
    /// What was tried on the device.
    pub(crate) passed: Arc<Passed>,
    /// The device's idle time.
    pub(crate) idle: Arc<Idle>,
    /// Channel to the agent's event loop.
    pub(crate) notes: UnboundedSender<Note>,
}

impl Task {
    /// Compute on a thread of its own. It sends a note for each boundary, and at the end one with the outcome.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn spawn(mut self) -> std::io::Result<()> {
        let name = format!("job {}", self.attempt);
        let run = move || {
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| self.run()));
            let ended = ended.unwrap_or_else(|_| Err(RunError::Internal("the thread that computes panicked".into())));
            // Nothing receives once the agent has ended.
            drop(self.notes.send(Note::Stopped(self.attempt, ended)));
        };
        std::thread::Builder::new().name(name).spawn(run).map(drop)
    }

    fn run(&mut self) -> Result<(), RunError> {
        let start = match self.start.take() {
            Some(start) => Some(start),
            None => self.folder.open(&self.package, self.class)?,
        };
        let gone = || RunError::folder(&self.folder.start(), "no boundary to begin from is whole any more");
        let start = start.ok_or_else(gone)?;
        let mut executor = Executor::open(&self.package, &*self.device, &self.session)?;
        let mut pilot = Pilot(self);
        if let Some(canary) = &self.canary
            && !self.passed.has(self.class, self.package.digest())
        {
            if !canary.holds(&self.package, &mut executor, self.class, &mut Waiting(self))? {
                return Ok(());
            }
            self.passed.note(self.class, self.package.digest());
        }
        // Nothing receives once the agent has ended.
        let committed = |kept| drop(self.notes.send(Note::Boundary(self.attempt, kept)));
        run::compute(&mut executor, start, self.until, false, &mut pilot, committed).map(drop)
    }
}

/// Steers what is tried before a run: any order to stop ends it.
struct Waiting<'a>(&'a Task);

impl run::Pilot for Waiting<'_> {
    fn steer(&mut self, _: u64, _: u64) -> run::Control {
        let control = self.0.control.wait();
        self.0.idle.end();
        match control {
            Control::Compute | Control::Pause => run::Control::Continue,
            Control::StopAtBoundary | Control::StopNow => run::Control::StopNow,
        }
    }
}

/// Steers a run by its task's control.
struct Pilot<'a>(&'a Task);

impl run::Pilot for Pilot<'_> {
    fn steer(&mut self, _: u64, step: u64) -> run::Control {
        self.0.step.store(step, Ordering::Relaxed);
        let control = match self.0.control.wait() {
            Control::StopNow => return run::Control::StopNow,
            Control::StopAtBoundary => run::Control::StopAtBoundary,
            Control::Compute | Control::Pause => run::Control::Continue,
        };
        self.0.idle.end();
        control
    }

    fn device_is_free(&mut self) {
        self.0.idle.begin();
    }

    fn begins_again(&mut self, made: &str) {
        tracing::info!("job {}: its segment is computed again with {made}", self.0.attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_thread_waits_until_it_is_told_otherwise() {
        let control = Arc::new(Controlled::new(Control::Compute));
        assert_eq!(control.wait(), Control::Compute);
        control.set(Control::Pause);
        let waiting = Arc::clone(&control);
        let thread = std::thread::spawn(move || waiting.wait());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!thread.is_finished());
        control.set(Control::StopNow);
        assert_eq!(thread.join().unwrap(), Control::StopNow);
    }
}
