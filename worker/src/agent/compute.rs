//! A job on a device: segment by segment on a thread of its own, until its last boundary or until it is told otherwise.
//!
//! The loop is [`kernels::run::compute`]; the gate is looked at between short stretches of steps.

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

/// What a computing thread is to do; the later ones are stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// Go on.
    Go,
    /// Wait where it is, without using the device.
    Pause,
    /// Go on to the next boundary, and stop there.
    Boundary,
    /// Stop now, and drop the work since the last boundary.
    Now,
}

/// Where a thread looks what it is to do.
#[derive(Debug)]
pub(crate) struct Gate {
    wish: Mutex<Wish>,
    changed: Condvar,
}

impl Gate {
    /// A gate that says `wish`.
    pub(crate) fn new(wish: Wish) -> Self {
        Self {
            wish: Mutex::new(wish),
            changed: Condvar::new(),
        }
    }

    /// Say something else.
    pub(crate) fn set(&self, wish: Wish) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner) = wish;
        self.changed.notify_all();
    }

    /// Block while it says [`Wish::Pause`]; then what it says.
    fn pass(&self) -> Wish {
        let wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        let wish = self.changed.wait_while(wish, |wish| *wish == Wish::Pause);
        *wish.unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a device stands still between two jobs that follow each other.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<(Option<Instant>, Option<u64>)>);

impl Idle {
    fn both(&self) -> std::sync::MutexGuard<'_, (Option<Instant>, Option<u64>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device has done its last step of a job.
    fn leave(&self) {
        self.both().0 = Some(Instant::now());
    }

    /// The device is given the first steps of a job.
    fn arrive(&self) {
        let mut both = self.both();
        if let Some(left) = both.0.take() {
            both.1 = u64::try_from(left.elapsed().as_millis()).ok();
        }
    }

    /// There is nothing to do: what comes next does not follow.
    pub(crate) fn forget(&self) {
        self.both().0 = None;
    }

    /// The last gap, milliseconds.
    pub(crate) fn gap_ms(&self) -> Option<u64> {
        self.both().1
    }
}

/// A job to compute.
pub(crate) struct Task {
    /// Its attempt.
    pub(crate) attempt: AttemptId,
    /// Where its boundaries go.
    pub(crate) folder: JobFolder,
    /// Where it begins, when that was read already; from the folder's last good boundary otherwise.
    pub(crate) start: Option<JobStart>,
    /// What it runs.
    pub(crate) package: Arc<Package>,
    /// Where.
    pub(crate) device: Arc<dyn Device>,
    /// The device's class.
    pub(crate) class: HardwareClass,
    /// Its last boundary.
    pub(crate) until: u64,
    /// How the device runs it.
    pub(crate) session: SessionOptions,
    /// What it is told.
    pub(crate) gate: Arc<Gate>,
    /// Steps handed to the device so far.
    pub(crate) step: Arc<AtomicU64>,
    /// How long the device stood still before.
    pub(crate) idle: Arc<Idle>,
    /// Whom it tells.
    pub(crate) notes: UnboundedSender<Note>,
}

impl Task {
    /// Begin, on a thread of its own. It tells each boundary, and at the end how it ended.
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
        let mut pilot = AtGate(self);
        // Nothing receives once the agent has ended.
        let committed = |kept| drop(self.notes.send(Note::Boundary(self.attempt, kept)));
        compute(&mut executor, start, self.until, false, &mut pilot, committed).map(drop)
    }
}

/// Does what the gate says.
struct AtGate<'a>(&'a Task);

impl Pilot for AtGate<'_> {
    fn steer(&mut self, _: u64, step: u64) -> Control {
        self.0.step.store(step, Ordering::Relaxed);
        let control = match self.0.gate.pass() {
            Wish::Now => return Control::StopNow,
            Wish::Boundary => Control::StopAtBoundary,
            Wish::Go | Wish::Pause => Control::Continue,
        };
        self.0.idle.arrive();
        control
    }

    fn device_is_free(&mut self) {
        self.0.idle.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_thread_waits_until_it_is_told_otherwise() {
        let gate = Arc::new(Gate::new(Wish::Go));
        assert_eq!(gate.pass(), Wish::Go);
        gate.set(Wish::Pause);
        let waiting = Arc::clone(&gate);
        let thread = std::thread::spawn(move || waiting.pass());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!thread.is_finished());
        gate.set(Wish::Now);
        assert_eq!(thread.join().unwrap(), Wish::Now);
    }
}
