//! A job on a device: segment by segment on a thread of its own, until its last boundary or until it is told otherwise.
//!
//! While a segment computes, the boundary before it is written. The gate is looked at between short stretches of steps.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{Boundary, Executor, RunError, disk, frames};
use protocol::checkpoint::content_digest;
use protocol::{AttemptId, ChainEntry, Checkpoint, Digest, HardwareClass, bundle};
use tokio::sync::mpsc::UnboundedSender;

use super::desk::Note;
use super::record::{JobFolder, Kept, Start};

/// Steps handed to the device between two looks at the gate.
const STEPS_PER_LOOK: u64 = 32;
/// Boundaries that may wait to be written.
const WAITING_MAX: usize = 1;

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

    /// What it says, once that is not to wait; and how long that took.
    fn pass(&self) -> (Wish, Duration) {
        let begun = Instant::now();
        let mut wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if *wish != Wish::Pause {
            return (*wish, Duration::ZERO);
        }
        while *wish == Wish::Pause {
            wish = self.changed.wait(wish).unwrap_or_else(PoisonError::into_inner);
        }
        (*wish, begun.elapsed())
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
    pub(crate) fn spawn(self) -> std::io::Result<()> {
        let name = format!("job {}", self.attempt);
        let run = move || {
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| self.run()));
            let ended = ended.unwrap_or_else(|_| Err(RunError::Evaluate("the program made a mistake".into())));
            // Nobody listens any more when the agent is gone.
            drop(self.notes.send(Note::Stopped(self.attempt, ended)));
        };
        std::thread::Builder::new().name(name).spawn(run).map(drop)
    }

    fn run(&self) -> Result<(), RunError> {
        let none = || RunError::Evaluate("nothing to begin from is whole any more".into());
        let Start {
            entry,
            state,
            chain_bytes,
        } = self.folder.last_good(&self.package, self.class).ok_or_else(none)?;
        if entry.segment >= self.until {
            return Ok(());
        }
        let mut executor = Executor::open(&self.package, &*self.device, &self.session)?;
        executor.enter(entry.segment, &state)?;
        let mut segment = entry.segment;
        std::thread::scope(|scope| {
            let (outgoing, incoming) = sync_channel(WAITING_MAX);
            let writer = Writer {
                task: self,
                last: entry,
                chain_bytes,
            };
            let writing = scope.spawn(move || writer.write_all(&incoming));
            let computed = self.segments(&mut executor, &mut segment, &outgoing);
            drop(outgoing);
            let written = writing
                .join()
                .unwrap_or_else(|_| Err(RunError::Evaluate("the writer made a mistake".into())));
            // What could not be written is the cause of whatever followed.
            written.and(computed)
        })
    }

    /// Compute until the last boundary, or as the gate says.
    fn segments(
        &self,
        executor: &mut Executor<'_>,
        segment: &mut u64,
        outgoing: &SyncSender<(Boundary, Duration)>,
    ) -> Result<(), RunError> {
        let mut stop = false;
        while *segment < self.until && !stop {
            let mut begun = Instant::now();
            while executor.steps_left() > 0 {
                let (wish, paused) = self.gate.pass();
                begun += paused;
                match wish {
                    Wish::Now => return Ok(()),
                    Wish::Boundary => stop = true,
                    Wish::Go | Wish::Pause => stop = false,
                }
                self.idle.arrive();
                executor.advance(STEPS_PER_LOOK)?;
                self.step.store(executor.step(), Ordering::Relaxed);
            }
            let boundary = executor.cross()?;
            if stop || *segment + 1 == self.until {
                self.idle.leave();
            }
            if outgoing.send((boundary, begun.elapsed())).is_err() {
                // The writer failed, and says why.
                return Ok(());
            }
            *segment += 1;
        }
        Ok(())
    }
}

/// The side that writes.
struct Writer<'a> {
    task: &'a Task,
    last: ChainEntry,
    chain_bytes: u64,
}

impl Writer<'_> {
    fn write_all(mut self, incoming: &Receiver<(Boundary, Duration)>) -> Result<(), RunError> {
        for (boundary, took) in incoming {
            let kept = self.write(boundary, took)?;
            drop(self.task.notes.send(Note::Boundary(self.task.attempt, kept)));
        }
        Ok(())
    }

    fn write(&mut self, boundary: Boundary, took: Duration) -> Result<Kept, RunError> {
        let Task {
            folder, package, class, ..
        } = self.task;
        let content = content_digest(&boundary.state);
        let outputs = frames::outputs_digest(&boundary.outputs);
        let entry = ChainEntry::next(package.digest(), Some(&self.last), boundary.step, content, outputs);
        let segment = entry.segment;
        let mut output_bytes = 0;
        if !boundary.outputs.is_empty() {
            output_bytes = boundary.outputs.iter().map(|bytes| bytes.len() as u64).sum();
            let one = crate::net::outputs::pack([(segment, boundary.outputs)].into());
            disk::replace(&folder.outputs(segment), &one.map_err(packing)?)?;
        }
        let checkpoint = Checkpoint {
            package: package.digest(),
            entry: entry.clone(),
            class: *class,
            buffers: boundary.state,
        };
        let bytes = checkpoint
            .to_bytes()
            .map_err(|source| RunError::Checkpoint { segment, source })?;
        disk::replace(&folder.checkpoint(segment), &bytes)?;
        let kept = Kept {
            entry: entry.clone(),
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            blob: Some(Digest::of(&bytes)),
            output_bytes,
        };
        self.chain_bytes = folder.append(&kept, self.chain_bytes)?;
        self.last = entry;
        Ok(kept)
    }
}

fn packing(error: bundle::BundleError) -> RunError {
    RunError::Evaluate(format!("outputs: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_thread_waits_until_it_is_told_otherwise() {
        let gate = Arc::new(Gate::new(Wish::Go));
        assert_eq!(gate.pass(), (Wish::Go, Duration::ZERO));
        gate.set(Wish::Pause);
        let waiting = Arc::clone(&gate);
        let thread = std::thread::spawn(move || waiting.pass());
        std::thread::sleep(Duration::from_millis(50));
        assert!(!thread.is_finished());
        gate.set(Wish::Now);
        let (wish, waited) = thread.join().unwrap();
        assert_eq!(wish, Wish::Now);
        assert!(waited >= Duration::from_millis(20), "{waited:?}");
    }
}
