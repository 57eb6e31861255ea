//! The segment loop: compute a segment, cross the boundary, hand it to the journal's thread, and go on meanwhile.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant};

use protocol::ChainEntry;

use super::RunError;
use super::executor::{Boundary, Executor};
use super::journal::{Journal, Layout, Start};

/// Steps handed to the device between two questions to the pilot.
pub(super) const STEPS_PER_STRETCH: u64 = 32;
/// Boundaries that may wait to be written while the next segments compute, besides the one that the computing thread has in hand.
const WAITING_MAX: usize = 1;
/// Of states larger than this none waits: what writing takes longer than computing, it takes longer for each of them.
const WAITING_BYTES_MAX: u64 = 32 << 20;

/// What to do next. The last answer before a boundary counts there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Finish this segment, keep its boundary, then stop.
    StopAtBoundary,
    /// Stop at once and drop the work since the last boundary.
    StopNow,
}

/// Where computing has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The last boundary that is on disk.
    pub entry: ChainEntry,
    /// The package itself ended the run there.
    pub is_done: bool,
}

/// Decides while segments are computed. It runs on the computing thread.
pub trait Pilot {
    /// What to do next, at a step of a segment (counted from 0). It may block, to pause: that time is not the segment's.
    fn steer(&mut self, segment: u64, step: u64) -> Control;
    /// The device has done its last step; what remains is writing.
    fn device_is_free(&mut self) {}
    /// The segment begins again with more room: what was made larger, and which fault asked for it.
    fn begins_again(&mut self, _made: &str) {}
}

/// Compute segments until boundary `until`, or until the package ends the run by its flag, or the pilot stops. `committed` hears of each boundary once it is on disk, on the
/// writing thread. With `wait_at_boundaries` the next segment begins only then.
///
/// # Errors
/// The device's, or the journal's. What is on disk stays good.
pub fn compute<L: Layout>(
    executor: &mut Executor<'_>,
    start: Start<L>,
    until: u64,
    wait_at_boundaries: bool,
    pilot: &mut dyn Pilot,
    committed: impl FnMut(L::Line) + Send,
) -> Result<Reached, RunError> {
    let Start { journal, state, .. } = start;
    let segment = journal.last().segment;
    if segment >= until || journal.is_done() {
        return Ok(journal.reached());
    }
    executor.enter(segment, &state)?;
    let state_bytes: u64 = state.iter().map(|buffer| buffer.bytes.len() as u64).sum();
    let waiting_max = if state_bytes > WAITING_BYTES_MAX { 0 } else { WAITING_MAX };
    drop(state);
    std::thread::scope(|scope| {
        let (boundaries, incoming) = mpsc::sync_channel(waiting_max);
        let (acknowledge, on_disk) = mpsc::channel();
        let writing = scope.spawn(move || write(journal, &incoming, &acknowledge, committed));
        let waits = wait_at_boundaries.then_some(&on_disk);
        let computed = segments(executor, segment, until, waits, pilot, &boundaries);
        drop(boundaries);
        let written = writing.join();
        let written = written.unwrap_or_else(|_| Err(RunError::Internal("the thread that writes boundaries panicked".into())));
        // What could not be written is the cause of whatever followed.
        let last = written?;
        computed.map(|()| last)
    })
}

fn write<L: Layout>(
    mut journal: Journal<L>,
    incoming: &Receiver<(Boundary, Duration)>,
    acknowledge: &mpsc::Sender<()>,
    mut committed: impl FnMut(L::Line),
) -> Result<Reached, RunError> {
    for (boundary, took) in incoming {
        committed(journal.record(boundary, took)?);
        // The computing thread listens only where it waits.
        _ = acknowledge.send(());
    }
    Ok(journal.reached())
}

fn segments(
    executor: &mut Executor<'_>,
    mut segment: u64,
    until: u64,
    waits: Option<&Receiver<()>>,
    pilot: &mut dyn Pilot,
    boundaries: &SyncSender<(Boundary, Duration)>,
) -> Result<(), RunError> {
    while segment < until {
        let mut stop = false;
        let mut begun = Instant::now();
        let boundary = loop {
            while executor.steps_left() > 0 {
                let asked = Instant::now();
                let control = pilot.steer(segment, executor.step());
                begun += asked.elapsed();
                match control {
                    Control::StopNow => return Ok(()),
                    Control::StopAtBoundary => stop = true,
                    Control::Continue => stop = false,
                }
                executor.advance(STEPS_PER_STRETCH)?;
            }
            if let Some(boundary) = executor.cross_or_grow()? {
                break boundary;
            }
            pilot.begins_again(executor.made());
        };
        segment += 1;
        let ends = stop || segment == until || executor.package().is_done(&boundary.state);
        if ends {
            pilot.device_is_free();
        }
        let handed_over = boundaries.send((boundary, begun.elapsed())).is_ok();
        let on_disk = waits.is_none_or(|on_disk| on_disk.recv().is_ok());
        // Where that fails the writer has ended with an error, which it gives when it is joined.
        if ends || !handed_over || !on_disk {
            return Ok(());
        }
    }
    Ok(())
}
