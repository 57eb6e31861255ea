//! Commands, cut into submits; reads and writes.
//!
//! Invariant: commands reach the queue in the order they came in, each once. Where a submit ends shows nowhere.

use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use wgpu::{
    Buffer, BufferDescriptor, BufferUsages, CommandBuffer, CommandEncoderDescriptor, ComputePassDescriptor, MapMode, PollError,
    PollType, SubmissionIndex,
};

use super::open::{CLOCKS_MAX, Opened};
use super::pacing::{COMMANDS_CAREFUL, Pacing};
use crate::{BufferId, Command, DeviceError, Session, SessionOptions, Workgroups};

/// Submits on the way at once: one that runs, and one that waits behind it so that the device never idles.
const IN_FLIGHT_MAX: usize = 2;

/// A submit of about 30 ms that takes longer than this does not end.
const ENDLESS: Duration = Duration::from_secs(60);

/// Bytes of the staging buffer that reads go through, and of a single upload.
const STAGING_BYTES: u64 = 64 << 20;

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
    staging: Option<Buffer>,
    clock_bytes: Vec<u8>,
}

/// Part of a buffer that is read.
struct Piece {
    /// Which of the contents asked for it belongs to.
    slot: usize,
    buffer: BufferId,
    offset: u64,
    bytes: u64,
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
            #[expect(unsafe_code, reason = "a hanging device must be left alone")]
            // SAFETY: this is the only place that drops it, and nothing uses it afterwards.
            unsafe {
                ManuallyDrop::drop(&mut self.opened);
            }
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
            opened: ManuallyDrop::new(opened),
        }
    }

    fn healthy(&self) -> Result<(), DeviceError> {
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
        let (commands, passes) = self.encode(count);
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

    /// Record the first `count` pending commands, and the clock's entries that they use.
    fn encode(&mut self, count: usize) -> (CommandBuffer, Vec<usize>) {
        let opened = &*self.opened;
        let mut encoder = opened
            .device
            .create_command_encoder(&CommandEncoderDescriptor { label: None });
        let mut used = vec![false; opened.passes.len()];
        let mut clock = Clock {
            bytes: &mut self.clock_bytes,
            stride: opened.clock_stride,
            step: None,
        };
        clock.bytes.clear();
        let mut commands = self.pending.iter().take(count).peekable();
        while let Some(command) = commands.next_if(|command| !matches!(command, Command::Dispatch { .. })) {
            copy_or_clear(opened, &mut encoder, command);
        }
        while commands.peek().is_some() {
            let mut recorder = encoder.begin_compute_pass(&ComputePassDescriptor::default());
            let mut bound = None;
            while let Some(Command::Dispatch {
                pass: id,
                workgroups,
                step,
            }) = commands.next_if(|command| matches!(command, Command::Dispatch { .. }))
            {
                if matches!(workgroups, Workgroups::Direct(counts) if counts.contains(&0)) {
                    continue;
                }
                let pass = &opened.passes[*id];
                used[*id] = true;
                let offset = (pass.clocks > 0).then(|| clock.entry(*step));
                if bound != Some((*id, offset)) {
                    if bound.map(|(id, _)| id) != Some(*id) {
                        recorder.set_pipeline(&pass.pipeline);
                    }
                    let offsets = [offset.unwrap_or(0); CLOCKS_MAX];
                    recorder.set_bind_group(0, &pass.group, &offsets[..pass.clocks]);
                    bound = Some((*id, offset));
                }
                match workgroups {
                    Workgroups::Direct([x, y, z]) => recorder.dispatch_workgroups(*x, *y, *z),
                    Workgroups::Indirect(buffer, offset) => {
                        recorder.dispatch_workgroups_indirect(&opened.buffers[*buffer].gpu, *offset);
                    }
                }
            }
            drop(recorder);
            while let Some(command) = commands.next_if(|command| !matches!(command, Command::Dispatch { .. })) {
                copy_or_clear(opened, &mut encoder, command);
            }
        }
        let passes = (0..used.len()).filter(|id| used[*id]).collect();
        (encoder.finish(), passes)
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

    fn wait_for(&mut self, index: SubmissionIndex) -> Result<(), DeviceError> {
        let poll = PollType::Wait {
            submission_index: Some(index),
            timeout: Some(self.endless),
        };
        match self.opened.faults.poll(&self.opened.device, poll)? {
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

    fn buffer_range(&self, what: &str, buffer: BufferId, offset: u64, size: u64) -> Result<(), DeviceError> {
        let Some(found) = self.opened.buffers.get(buffer) else {
            let count = self.opened.buffers.len();
            return Err(DeviceError::Program(format!("{what}: no buffer {buffer}, there are {count}")));
        };
        if !offset.is_multiple_of(4) || !size.is_multiple_of(4) {
            let text = format!(
                "{what} '{}': offset {offset} and size {size} must be multiples of 4",
                found.label
            );
            return Err(DeviceError::Program(text));
        }
        if offset.checked_add(size).is_none_or(|end| end > found.size) {
            let text = format!(
                "{what} '{}': {size} bytes at {offset} exceed its {} bytes",
                found.label, found.size
            );
            return Err(DeviceError::Program(text));
        }
        Ok(())
    }

    fn check(&self, command: &Command) -> Result<(), DeviceError> {
        match *command {
            Command::Clear(buffer) => self.buffer_range("clear", buffer, 0, 0),
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                size,
            } => {
                self.buffer_range("copy from", source, source_offset, size)?;
                self.buffer_range("copy to", target, target_offset, size)?;
                if source == target {
                    let label = &self.opened.buffers[source].label;
                    return Err(DeviceError::Program(format!("copy: source and target are both '{label}'")));
                }
                Ok(())
            }
            Command::Dispatch { pass, workgroups, .. } => {
                let count = self.opened.passes.len();
                let no_pass = || DeviceError::Program(format!("dispatch: no pass {pass}, there are {count}"));
                let found = self.opened.passes.get(pass).ok_or_else(no_pass)?;
                match workgroups {
                    Workgroups::Direct(counts) => {
                        let limit = u64::from(self.opened.limits.max_compute_workgroups_per_dimension);
                        let needed = counts.into_iter().max().map_or(0, u64::from);
                        if needed > limit {
                            let what = format!("pass '{}' (workgroups in one dimension)", found.label);
                            return Err(DeviceError::Limit { what, needed, limit });
                        }
                        Ok(())
                    }
                    Workgroups::Indirect(buffer, offset) => {
                        self.buffer_range("indirect dispatch from", buffer, offset, 12)?;
                        let counts = &self.opened.buffers[buffer];
                        if !counts.indirect {
                            let text = format!("indirect dispatch from '{}', which is not declared indirect", counts.label);
                            return Err(DeviceError::Program(text));
                        }
                        if found.writes.contains(&buffer) {
                            let text = format!("pass '{}' writes '{}', its own workgroup counts", found.label, counts.label);
                            return Err(DeviceError::Program(text));
                        }
                        Ok(())
                    }
                }
            }
        }
    }

    /// The staging buffer that reads go through, of at least this many bytes.
    fn staging(&mut self, bytes: u64) -> Result<Buffer, DeviceError> {
        if let Some(staging) = self.staging.as_ref().filter(|staging| staging.size() >= bytes) {
            return Ok(staging.clone());
        }
        let staging = self.opened.device.create_buffer(&BufferDescriptor {
            label: Some("staging"),
            size: bytes,
            usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        self.opened
            .faults
            .check(|| format!("allocates {bytes} bytes to read through"))?;
        self.staging = Some(staging.clone());
        Ok(staging)
    }

    /// Copy pieces to the staging buffer, one behind the other, and append them to their slots' contents.
    fn fetch(&mut self, pieces: &[Piece], contents: &mut [Vec<u8>]) -> Result<(), DeviceError> {
        let total = pieces.iter().map(|piece| piece.bytes).sum();
        let staging = self.staging(total)?;
        let mut encoder = self
            .opened
            .device
            .create_command_encoder(&CommandEncoderDescriptor { label: None });
        let mut at = 0;
        for piece in pieces {
            let source = &self.opened.buffers[piece.buffer].gpu;
            encoder.copy_buffer_to_buffer(source, piece.offset, &staging, at, piece.bytes);
            at += piece.bytes;
        }
        let index = self.opened.queue.submit([encoder.finish()]);
        let (sender, receiver) = mpsc::channel();
        staging.map_async(MapMode::Read, 0..total, move |outcome| {
            // The receiver is gone only when the wait below has failed already.
            let _ = sender.send(outcome);
        });
        self.wait_for(index)?;
        match receiver.try_recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return self.opened.faults.lost(format!("its memory cannot be read: {error}")),
            Err(_) => return self.opened.faults.lost("its memory cannot be read".to_owned()),
        }
        let Ok(view) = staging.get_mapped_range(0..total) else {
            return self.opened.faults.lost("its memory cannot be mapped".to_owned());
        };
        let mut at = 0;
        for piece in pieces {
            let end = at + piece.bytes as usize;
            contents[piece.slot].extend_from_slice(&view[at..end]);
            at = end;
        }
        drop(view);
        staging.unmap();
        self.healthy()
    }
}

/// Entries of the clock's buffer, each the step of the dispatches that come after it.
struct Clock<'a> {
    bytes: &'a mut Vec<u8>,
    stride: u32,
    step: Option<u64>,
}

impl Clock<'_> {
    /// Byte offset of the entry for a step; a new one unless it is the latest.
    fn entry(&mut self, step: u64) -> u32 {
        let stride = self.stride as usize;
        if self.step != Some(step) {
            self.step = Some(step);
            let at = self.bytes.len();
            self.bytes.resize(at + stride, 0);
            self.bytes[at..at + 8].copy_from_slice(&step.to_le_bytes());
        }
        (self.bytes.len() - stride) as u32
    }
}

fn copy_or_clear(opened: &Opened, encoder: &mut wgpu::CommandEncoder, command: &Command) {
    match *command {
        Command::Copy {
            source,
            source_offset,
            target,
            target_offset,
            size,
        } => {
            let (source, target) = (&opened.buffers[source].gpu, &opened.buffers[target].gpu);
            encoder.copy_buffer_to_buffer(source, source_offset, target, target_offset, size);
        }
        Command::Clear(buffer) => encoder.clear_buffer(&opened.buffers[buffer].gpu, 0, None),
        Command::Dispatch { .. } => {}
    }
}

impl Session for GpuSession {
    fn write(&mut self, buffer: BufferId, offset: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.healthy()?;
        self.buffer_range("write to", buffer, offset, bytes.len() as u64)?;
        self.flush()?;
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
        commands.iter().try_for_each(|command| self.check(command))?;
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

    fn read(&mut self, buffers: &[BufferId]) -> Result<Vec<Vec<u8>>, DeviceError> {
        for buffer in buffers {
            self.buffer_range("read", *buffer, 0, 0)?;
        }
        self.wait()?;
        let mut contents: Vec<Vec<u8>> = Vec::with_capacity(buffers.len());
        let mut round = Vec::new();
        let mut free = STAGING_BYTES;
        for (slot, buffer) in buffers.iter().copied().enumerate() {
            let size = self.opened.buffers[buffer].size;
            contents.push(Vec::with_capacity(size as usize));
            let mut offset = 0;
            while offset < size {
                let bytes = free.min(size - offset);
                round.push(Piece {
                    slot,
                    buffer,
                    offset,
                    bytes,
                });
                offset += bytes;
                free -= bytes;
                if free == 0 {
                    self.fetch(&std::mem::take(&mut round), &mut contents)?;
                    free = STAGING_BYTES;
                }
            }
        }
        if !round.is_empty() {
            self.fetch(&round, &mut contents)?;
        }
        Ok(contents)
    }
}
