//! A run directory's run: from its last good boundary to where it is to end, with progress told to an observer.

use std::sync::mpsc::{self, Receiver};

use device::{Device, SessionOptions};
use protocol::{ChainEntry, HardwareClass};

use super::dir::{ChainLine, RunDir, RunFiles};
use super::finite::NonFinite;
use super::segments::{self, Control, Pilot, Reached};
use super::{Executor, RunError, Start};

/// How a run goes. None of this may change a bit of what comes out.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// How the device runs it.
    pub session: SessionOptions,
    /// Wait at each boundary until it is on disk, instead of computing the next segment meanwhile.
    pub wait_at_boundaries: bool,
    /// Continue even on another hardware class; the chain then says nothing any more. For experiments.
    pub force_class: bool,
    /// Stop at this boundary, where it comes before the run's last.
    pub until: Option<u64>,
}

/// Where a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Whole segments computed.
    pub segment: u64,
    /// Segments when it ends.
    pub segments: u64,
    /// Steps handed to the device; it may be some milliseconds behind.
    pub step: u64,
    /// Steps when it ends.
    pub steps: u64,
    /// The last boundary that reached the disk since the last call.
    pub boundary: Option<ChainEntry>,
    /// The first value that is not finite in a boundary that reached the disk since the last call, with the boundary's step.
    pub non_finite: Option<(u64, NonFinite)>,
    /// The segment began again with more room since the last call: what was made larger, and which fault asked for it.
    pub made_larger: Option<String>,
}

/// How a run ended, with the last boundary that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All segments are done.
    Finished(ChainEntry),
    /// The package itself ended the run, by the flag that `done` in its `[run]` names.
    Done(ChainEntry),
    /// Asked to stop; resumable.
    Stopped(ChainEntry),
}

/// A run that is ready to go on: its record is open at the last good boundary.
pub struct Prepared<'a> {
    dir: &'a RunDir,
    start: Start<RunFiles<'a>>,
    options: RunOptions,
    until: u64,
}

impl RunDir {
    /// Open the record of this run, to go on with it on a device of hardware class `class`.
    ///
    /// # Errors
    /// [`RunError::Class`] when the run is of another hardware class, [`RunError::Altered`] when its chain was changed.
    pub fn prepare(&self, class: HardwareClass, options: RunOptions) -> Result<Prepared<'_>, RunError> {
        let segments = self.config().segments;
        let until = options.until.map_or(segments, |until| until.min(segments));
        Ok(Prepared {
            dir: self,
            start: self.journal(class, options.force_class, until)?,
            options,
            until,
        })
    }
}

/// Run what is left of a run directory's segments. Progress is told to `observer`, whose answer can stop the run.
///
/// # Errors
/// Those of [`RunDir::prepare`] and [`Prepared::run`].
pub fn run(
    dir: &RunDir,
    device: &dyn Device,
    class: HardwareClass,
    options: &RunOptions,
    observer: &mut dyn FnMut(&Progress) -> Control,
) -> Result<Outcome, RunError> {
    dir.prepare(class, options.clone())?.run(device, observer)
}

impl Prepared<'_> {
    /// The boundary that it goes on from.
    pub fn from(&self) -> &ChainEntry {
        self.start.journal.last()
    }

    /// The last boundary on record that is computed again, and why the record is not good up to there.
    pub fn computes_again_until(&self) -> Option<(u64, &str)> {
        let until = self.start.journal.computes_again_until()?;
        Some((until, self.start.passed_over.first().map_or("", String::as_str)))
    }

    /// Run what is left.
    ///
    /// # Errors
    /// Whatever failed. What is on disk stays good: the run resumes from its last boundary.
    pub fn run(self, device: &dyn Device, observer: &mut dyn FnMut(&Progress) -> Control) -> Result<Outcome, RunError> {
        let Self {
            dir,
            start,
            options,
            until,
        } = self;
        let planned = dir.config().segments;
        let outcome = |Reached { entry, is_done }: Reached| match (is_done, entry.segment >= planned) {
            (true, _) => Outcome::Done(entry),
            (false, true) => Outcome::Finished(entry),
            (false, false) => Outcome::Stopped(entry),
        };
        if start.journal.last().segment >= until || start.journal.is_done() {
            return Ok(outcome(start.journal.reached()));
        }
        let last = start.journal.last().clone();
        let package = dir.package();
        let mut executor = Executor::open(package, device, &options.session)?;
        let (sender, committed) = mpsc::channel();
        let mut observed = Observed {
            observer,
            committed,
            progress: Progress {
                segment: last.segment,
                segments: until,
                step: last.step,
                steps: until * package.manifest().run.steps_per_segment,
                boundary: None,
                non_finite: None,
                made_larger: None,
            },
        };
        // Progress is not listened to any more once the run has failed.
        let committed = move |line: ChainLine| _ = sender.send(line);
        let last = segments::compute(
            &mut executor,
            start,
            until,
            options.wait_at_boundaries,
            &mut observed,
            committed,
        )?;
        observed.rest();
        Ok(outcome(last))
    }
}

/// Asks an observer, and tells it which boundaries reached the disk.
struct Observed<'a> {
    observer: &'a mut dyn FnMut(&Progress) -> Control,
    committed: Receiver<ChainLine>,
    progress: Progress,
}

impl Observed<'_> {
    fn take(&mut self, line: ChainLine) {
        if let Some(found) = line.non_finite {
            self.progress.non_finite.get_or_insert((line.entry.step, found));
        }
        self.progress.boundary = Some(line.entry);
    }

    fn ask(&mut self) -> Control {
        let control = (self.observer)(&self.progress);
        self.progress.boundary = None;
        self.progress.non_finite = None;
        self.progress.made_larger = None;
        control
    }

    /// Tell what reached the disk after the last step.
    fn rest(&mut self) {
        while let Ok(line) = self.committed.try_recv() {
            self.progress.segment = line.entry.segment;
            self.progress.step = line.entry.step;
            self.take(line);
            self.ask();
        }
    }
}

impl Pilot for Observed<'_> {
    fn steer(&mut self, segment: u64, step: u64) -> Control {
        self.progress.segment = segment;
        self.progress.step = step;
        while let Ok(line) = self.committed.try_recv() {
            self.take(line);
        }
        self.ask()
    }

    fn begins_again(&mut self, made: &str) {
        self.progress.made_larger = Some(made.to_owned());
    }
}
