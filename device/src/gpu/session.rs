//! Commands, cut into submits, a bounded number of them on the way.
//!
//! Invariant: commands reach the queue in the order they came in, each once. Where a submit ends shows nowhere.

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use wgpu::{Buffer, PollError, PollType, SubmissionIndex};

use super::counts::Fresh;
use super::encode;
use super::open::Opened;
use super::pacing::{COMMANDS_CAREFUL, Pacing};
use super::read_back::STAGING_BYTES;
use crate::api::time_by_waiting;
use crate::{BufferId, Command, DeviceError, Session, SessionOptions};

/// Submits on the way at once: one that runs, and one that waits behind it so that the device never idles.
const IN_FLIGHT_MAX: usize = 2;

/// A submit that takes longer than this does not end: four commands of unknown cost may take half a minute each.
const ENDLESS: Duration = Duration::from_secs(120);
/// Longest single wait for it.
const LOOK: Duration = Duration::from_secs(1);

/// A program that runs on a GPU.
pub(super) struct GpuSession {
    /// Left alone by `drop` when the device hangs: wgpu would wait for it forever.
    pub(super) opened: ManuallyDrop<Opened>,
    hangs: bool,
    pacing: Pacing,
    /// A submit that takes longer does not end.
    pub(super) endless: Duration,
    /// Checked, not yet submitted.
    pending: VecDeque<Command>,
    in_flight: VecDeque<InFlight>,
    /// Passes that ran at least once, so that pacing knows something of their cost.
    known: Vec<bool>,
    last_done: Instant,
    /// What reads go through.
    pub(super) staging: Option<Buffer>,
    pub(super) clock_bytes: Vec<u8>,
    pub(super) fresh: Fresh,
}

/// A submit on its way.
struct InFlight {
    index: SubmissionIndex,
    at: Instant,
    commands: usize,
    /// The passes in it.
    passes: Vec<usize>,
}

impl Drop for GpuSession {
    fn drop(&mut self) {
        if !self.hangs {
            // wgpu panics when a queue that it drops fails in an unforeseen way; the session's own error was reported.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                #[expect(unsafe_code, reason = "a hanging device must be left alone")]
                // SAFETY: this is the only place that drops it, and nothing uses it afterwards.
                unsafe {
                    ManuallyDrop::drop(&mut self.opened);
                }
            }));
        }
    }
}

impl GpuSession {
    pub(super) fn new(opened: Opened, options: &SessionOptions) -> Self {
        Self {
            pacing: Pacing::new(options.commands_per_submit_max, options.submit_ms),
            hangs: false,
            endless: ENDLESS,
            pending: VecDeque::new(),
            in_flight: VecDeque::new(),
            known: vec![false; opened.passes.len()],
            last_done: Instant::now(),
            staging: None,
            clock_bytes: Vec::new(),
            fresh: Fresh::new(opened.buffers.len()),
            opened: ManuallyDrop::new(opened),
        }
    }

    pub(super) fn healthy(&self) -> Result<(), DeviceError> {
        self.opened.faults.check(|| "runs".to_owned())
    }

    /// Submit all that is pending.
    fn flush(&mut self) -> Result<(), DeviceError> {
        while !self.pending.is_empty() {
            self.submit_some()?;
        }
        Ok(())
    }

    /// Submit as many commands as pacing allows now.
    fn submit_some(&mut self) -> Result<(), DeviceError> {
        while self.in_flight.len() >= IN_FLIGHT_MAX || self.runs_unknown() {
            self.finish_oldest()?;
        }
        let mut count = self.pacing.next().min(self.pending.len());
        if count > COMMANDS_CAREFUL && self.pending.iter().take(count).any(|command| self.is_unknown(command)) {
            count = COMMANDS_CAREFUL;
        }
        let (commands, passes) = encode::record(
            &self.opened,
            self.pending.iter().take(count),
            &mut self.clock_bytes,
            &mut self.fresh,
            None,
        );
        if !self.clock_bytes.is_empty() {
            self.opened.queue.write_buffer(&self.opened.clock, 0, &self.clock_bytes);
        }
        let at = Instant::now();
        let index = self.opened.queue.submit([commands]);
        self.pending.drain(..count);
        self.in_flight.push_back(InFlight {
            index,
            at,
            commands: count,
            passes,
        });
        self.healthy()
    }

    /// Whether a pass of unknown cost is on its way. Nothing goes behind it: some drivers block in the next submit until
    /// it is done, where no clock of ours could stop it.
    fn runs_unknown(&self) -> bool {
        self.in_flight
            .iter()
            .flat_map(|submit| &submit.passes)
            .any(|pass| !self.known[*pass])
    }

    fn is_unknown(&self, command: &Command) -> bool {
        matches!(command, Command::Dispatch { pass, .. } if !self.known[*pass])
    }

    /// Wait for the oldest submit, and learn from how long it took.
    fn finish_oldest(&mut self) -> Result<(), DeviceError> {
        let Some(oldest) = self.in_flight.front() else { return Ok(()) };
        self.wait_for(oldest.index.clone())?;
        self.finished();
        Ok(())
    }

    /// Take note of submits that are done, without waiting.
    fn look(&mut self) -> Result<(), DeviceError> {
        while let Some(oldest) = self.in_flight.front() {
            let poll = PollType::Wait {
                submission_index: Some(oldest.index.clone()),
                timeout: Some(Duration::ZERO),
            };
            match self.opened.faults.poll(&self.opened.device, poll)? {
                Ok(_) => self.finished(),
                Err(PollError::Timeout) => return Ok(()),
                Err(error) => return self.opened.faults.lost(error.to_string()),
            }
        }
        Ok(())
    }

    fn finished(&mut self) {
        let Some(done) = self.in_flight.pop_front() else { return };
        let now = Instant::now();
        let seconds = now.duration_since(done.at.max(self.last_done)).as_secs_f32();
        self.pacing = self.pacing.after(done.commands, seconds);
        self.last_done = now;
        for pass in done.passes {
            self.known[pass] = true;
        }
    }

    /// Wait for a submit, look by look: a process that was stopped, or a machine that slept, loses one look of its time, not all.
    pub(super) fn wait_for(&mut self, index: SubmissionIndex) -> Result<(), DeviceError> {
        let mut left = self.endless;
        let waited = loop {
            let look = left.min(LOOK);
            let poll = PollType::Wait {
                submission_index: Some(index.clone()),
                timeout: Some(look),
            };
            left -= look;
            match self.opened.faults.poll(&self.opened.device, poll)? {
                Err(PollError::Timeout) if !left.is_zero() => (),
                waited => break waited,
            }
        };
        match waited {
            Ok(_) => self.healthy(),
            Err(PollError::Timeout) => {
                self.hangs = true;
                let running = self
                    .in_flight
                    .front()
                    .map(|oldest| oldest.passes.as_slice())
                    .unwrap_or_default();
                let labels: Vec<&str> = running.iter().map(|pass| self.opened.passes[*pass].label.as_str()).collect();
                let error = DeviceError::Endless {
                    pass: labels.join("' or '"),
                    seconds: self.endless.as_secs_f32(),
                };
                self.opened
                    .faults
                    .lost::<()>(error.to_string())
                    .map_or_else(|_| Err(error), Ok)
            }
            Err(error) => self.opened.faults.lost(error.to_string()),
        }
    }
}

impl Session for GpuSession {
    fn write(&mut self, buffer: BufferId, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.healthy()?;
        self.opened.buffer_range("write to", buffer, offset, bytes.len() as u64)?;
        self.flush()?;
        self.fresh.spoil(buffer);
        let mut at = offset;
        for piece in bytes.chunks(STAGING_BYTES as usize) {
            self.opened.queue.write_buffer(&self.opened.buffers[buffer].gpu, at, piece);
            self.opened.queue.submit([]);
            at += piece.len() as u64;
        }
        self.opened
            .faults
            .check(|| format!("uploads {} bytes to '{}'", bytes.len(), self.opened.buffers[buffer].label))
    }

    fn submit(&mut self, commands: &[Command]) -> Result<(), DeviceError> {
        self.healthy()?;
        commands.iter().try_for_each(|command| self.opened.check(command))?;
        self.pending.extend(commands);
        while self.pending.len() >= self.pacing.next() {
            self.submit_some()?;
        }
        if !self.pending.is_empty() {
            self.look()?;
            if self.in_flight.is_empty() {
                self.submit_some()?;
            }
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<(), DeviceError> {
        self.healthy()?;
        self.flush()?;
        while !self.in_flight.is_empty() {
            self.finish_oldest()?;
        }
        let index = self.opened.queue.submit([]);
        self.wait_for(index)
    }

    fn time(&mut self, commands: &[Command]) -> Result<Duration, DeviceError> {
        self.wait()?;
        commands.iter().try_for_each(|command| self.opened.check(command))?;
        match self.time_by_its_clock(commands)? {
            Some(time) => Ok(time),
            None => time_by_waiting(self, commands),
        }
    }

    fn read(&mut self, buffers: &[BufferId]) -> Result<Vec<Vec<u8>>, DeviceError> {
        for buffer in buffers {
            self.opened.buffer_range("read", *buffer, 0, 0)?;
        }
        self.wait()?;
        let opened = &self.opened;
        let wanted = buffers.iter().map(|buffer| opened.buffers[*buffer].gpu.clone());
        let watched = opened.unfinished().map(|(_, unfinished)| unfinished.gpu.clone());
        let all: Vec<Buffer> = wanted.chain(watched).collect();
        let mut contents = self.read_back(&all)?;
        let unfinished = contents.split_off(buffers.len());
        self.opened.all_finished(&unfinished)?;
        Ok(contents)
    }
}
