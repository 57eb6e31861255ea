//! Compute threads: one for each job on a device, until its last segment is done or the agent requests that it stops.
//!
//! The segment loop is [`kernels::run::compute`]; between short stretches of steps it reads the agent's request from a [`Gate`]. The outcome
//! always comes as a note, also when the thread panics.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{Control, Executor, Pilot, RunError, compute};
use protocol::{AttemptId, HardwareClass};
use tokio::sync::mpsc::UnboundedSender;

use super::effects::Note;
use super::record::{JobFolder, JobStart};

/// What a compute thread is to do; the later ones are stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Request {
    /// Compute.
    Compute,
    /// Wait between two stretches of steps, with the state on the device.
    Pause,
    /// Compute up to the next boundary, and stop there.
    StopAtBoundary,
    /// Stop now, and drop what was computed since the last boundary.
    StopNow,
}

/// A request shared between the agent, which sets it, and a compute thread, which reads it between stretches of steps.
#[derive(Debug)]
pub(crate) struct Gate {
    request: Mutex<Request>,
    changed: Condvar,
}

impl Gate {
    /// A gate with a first request.
    pub(crate) fn new(request: Request) -> Self {
        Self {
            request: Mutex::new(request),
            changed: Condvar::new(),
        }
    }

    /// Replace the request, and wake the thread where it waits.
    pub(crate) fn set(&self, request: Request) {
        *self.request.lock().unwrap_or_else(PoisonError::into_inner) = request;
        self.changed.notify_all();
    }

    /// The request; blocks while it is [`Request::Pause`].
    fn wait(&self) -> Request {
        let request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        let request = self.changed.wait_while(request, |request| *request == Request::Pause);
        *request.unwrap_or_else(PoisonError::into_inner)
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
    pub(crate) gate: Arc<Gate>,
    /// Steps handed to the device so far.
    pub(crate) step: Arc<AtomicU64>,
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
        let mut pilot = GatePilot(self);
        // Nothing receives once the agent has ended.
        let committed = |kept| drop(self.notes.send(Note::Boundary(self.attempt, kept)));
        compute(&mut executor, start, self.until, false, &mut pilot, committed).map(drop)
    }
}

/// Steers a run by its task's gate.
struct GatePilot<'a>(&'a Task);

impl Pilot for GatePilot<'_> {
    fn steer(&mut self, _: u64, step: u64) -> Control {
        self.0.step.store(step, Ordering::Relaxed);
        let control = match self.0.gate.wait() {
            Request::StopNow => return Control::StopNow,
            Request::StopAtBoundary => Control::StopAtBoundary,
            Request::Compute | Request::Pause => Control::Continue,
        };
        self.0.idle.end();
        control
    }

    fn device_is_free(&mut self) {
        self.0.idle.begin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_thread_waits_until_it_is_told_otherwise() {
        let gate = Arc::new(Gate::new(Request::Compute));
        assert_eq!(gate.wait(), Request::Compute);
        gate.set(Request::Pause);
        let waiting = Arc::clone(&gate);
        let thread = std::thread::spawn(move || waiting.wait());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!thread.is_finished());
        gate.set(Request::StopNow);
        assert_eq!(thread.join().unwrap(), Request::StopNow);
    }
}
