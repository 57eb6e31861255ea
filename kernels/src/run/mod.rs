//! The segment loop with its one way across a boundary, and the run directory that keeps what comes out.
//!
//! | module | owns |
//! |---|---|
//! | [`plan`] | which commands a step consists of |
//! | [`executor`] | a package on a device: segments and the boundary between them |
//! | [`dir`] | the run directory: what is on disk, what of it is good |
//! | [`keeper`] | digesting and writing, beside the next segment's computing |
//! | [`frames`] | what outputs look like on disk, and reading them back |
//! | [`gather`] | a run directory out of what was computed elsewhere |
//! | [`disk`] | writing so that a crash leaves the old or the new |
//! | [`evaluate`](mod@evaluate) | one evaluation of energies and forces |

pub mod dir;
pub mod disk;
mod error;
pub mod evaluate;
mod executor;
pub mod frames;
pub mod gather;
mod keeper;
mod plan;

use device::{Device, SessionOptions};
use protocol::{ChainEntry, HardwareClass};

pub use dir::{RunConfig, RunDir};
pub use error::RunError;
pub use evaluate::{Evaluation, evaluate};
pub use executor::{Boundary, Executor, initial_state};
pub use gather::Gathering;

use keeper::Keeper;

/// How a run goes. None of this may change a bit of what comes out.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// How the device runs it.
    pub session: SessionOptions,
    /// Wait at each boundary until it is on disk, instead of computing the next segment meanwhile.
    pub wait_at_boundaries: bool,
    /// Continue even on another hardware class; the chain then says nothing any more. For experiments.
    pub force_class: bool,
}

/// What an observer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Finish this segment, keep its boundary, then stop.
    StopAtBoundary,
    /// Stop at once and drop the work since the last boundary.
    StopNow,
}

/// Where a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Whole segments computed.
    pub segment: u64,
    /// Segments of the whole run.
    pub segments: u64,
    /// Steps handed to the device; it may be some milliseconds behind.
    pub step: u64,
    /// Steps of the whole run.
    pub steps: u64,
    /// A boundary that reached the disk since the last call.
    pub boundary: Option<ChainEntry>,
}

/// How a run ended, with the last boundary that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All segments are done.
    Finished(ChainEntry),
    /// Asked to stop; resumable.
    Stopped(ChainEntry),
}

/// Steps handed to the device between two looks at the observer.
const STEPS_PER_LOOK: u64 = 32;

/// Run what is left of a run directory's segments. Progress is told to `observer`, whose answer can stop the run.
///
/// # Errors
/// [`RunError::Class`] when the last checkpoint is of another hardware class; otherwise whatever failed. What is on disk stays good:
/// the run resumes from its last boundary.
pub fn run(
    dir: &mut RunDir,
    device: &dyn Device,
    class: HardwareClass,
    options: &RunOptions,
    observer: &mut dyn FnMut(&Progress) -> Control,
) -> Result<Outcome, RunError> {
    let start = dir.last_good(class, options.force_class)?;
    let config = dir.config().clone();
    let mut last = start.entry.clone();
    if last.segment >= config.segments {
        return Ok(Outcome::Finished(last));
    }
    let package = dir.package().clone();
    let mut executor = Executor::open(&package, device, &options.session)?;
    executor.enter(start.entry.segment, &start.state)?;
    let steps = package.manifest().run.steps_per_segment;
    let mut progress = Progress {
        segment: last.segment,
        segments: config.segments,
        step: last.step,
        steps: config.segments * steps,
        boundary: None,
    };
    std::thread::scope(|scope| {
        let mut keeper = Keeper::start(scope, dir, class, start);
        let mut stop = Control::Continue;
        while progress.segment < config.segments && stop == Control::Continue {
            while executor.steps_left() > 0 {
                executor.advance(STEPS_PER_LOOK)?;
                progress.step = executor.step();
                progress.boundary = keeper.kept(false)?;
                last = progress.boundary.clone().unwrap_or(last);
                stop = stop.max(observer(&progress));
                if stop == Control::StopNow {
                    keeper.finish()?.into_iter().for_each(|entry| last = entry);
                    return Ok(Outcome::Stopped(last));
                }
            }
            keeper.keep(executor.cross()?)?;
            progress.segment += 1;
            if options.wait_at_boundaries {
                progress.boundary = keeper.kept(true)?;
                last = progress.boundary.clone().unwrap_or(last);
                stop = stop.max(observer(&progress));
            }
        }
        for entry in keeper.finish()? {
            progress.boundary = Some(entry.clone());
            observer(&progress);
            last = entry;
        }
        Ok(if last.segment >= config.segments {
            Outcome::Finished(last)
        } else {
            Outcome::Stopped(last)
        })
    })
}

impl Control {
    /// The stronger wish of two.
    fn max(self, other: Self) -> Self {
        if other as u8 > self as u8 { other } else { self }
    }
}
