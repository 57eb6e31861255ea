//! Commands as wgpu records them: as many dispatches in a compute pass as come in a row.
//!
//! Invariant: recording keeps the order. wgpu puts a barrier between dispatches that share a buffer one of them writes.

use wgpu::{CommandBuffer, CommandEncoderDescriptor, ComputePassDescriptor, ComputePassTimestampWrites, QuerySet};

use super::counts::Fresh;
use super::limits::CLOCKS_MAX;
use super::open::Opened;
use crate::{Command, Workgroups};

/// Record commands, and into `clock_bytes` the clock's entries that they use. `fresh` goes from one record to the next.
/// Returns the passes that run, too. `times`: two queries, for the start and the end of dispatches that come in a row.
pub(super) fn record<'a>(
    opened: &Opened,
    commands: impl Iterator<Item = &'a Command>,
    clock_bytes: &mut Vec<u8>,
    fresh: &mut Fresh,
    times: Option<&QuerySet>,
) -> (CommandBuffer, Vec<usize>) {
    let mut encoder = opened
        .device
        .create_command_encoder(&CommandEncoderDescriptor { label: None });
    let mut used = vec![false; opened.passes.len()];
    let mut clock = Clock {
        bytes: clock_bytes,
        stride: opened.clock_stride,
        step: None,
    };
    clock.bytes.clear();
    let mut commands = commands.peekable();
    while let Some(command) = commands.next_if(|command| !matches!(command, Command::Dispatch { .. })) {
        copy_or_clear(opened, &mut encoder, command, fresh);
    }
    while commands.peek().is_some() {
        let mut recorder = encoder.begin_compute_pass(&ComputePassDescriptor {
            label: None,
            timestamp_writes: times.map(|query_set| ComputePassTimestampWrites {
                query_set,
                beginning_of_pass_write_index: Some(0),
                end_of_pass_write_index: Some(1),
            }),
        });
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
            let counts = match workgroups {
                Workgroups::Direct(_) => None,
                Workgroups::Indirect(buffer, offset) => opened.buffers[*buffer]
                    .shadow
                    .as_ref()
                    .map(|shadow| (*buffer, shadow, *offset)),
            };
            if let Some((buffer, shadow, _)) = counts
                && fresh.is_stale(buffer)
            {
                opened.guard.fill(shadow, &mut recorder);
                bound = None;
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
            match (workgroups, counts) {
                (Workgroups::Direct([x, y, z]), _) => recorder.dispatch_workgroups(*x, *y, *z),
                (_, Some((_, shadow, offset))) => recorder.dispatch_workgroups_indirect(&shadow.gpu, offset),
                (_, None) => {}
            }
            pass.writes.iter().for_each(|buffer| fresh.spoil(*buffer));
        }
        drop(recorder);
        while let Some(command) = commands.next_if(|command| !matches!(command, Command::Dispatch { .. })) {
            copy_or_clear(opened, &mut encoder, command, fresh);
        }
    }
    let passes = (0..used.len()).filter(|id| used[*id]).collect();
    (encoder.finish(), passes)
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

fn copy_or_clear(opened: &Opened, encoder: &mut wgpu::CommandEncoder, command: &Command, fresh: &mut Fresh) {
    match *command {
        Command::Copy {
            source,
            source_offset,
            target,
            target_offset,
            size,
        } => {
            fresh.spoil(target);
            let (source, target) = (&opened.buffers[source].gpu, &opened.buffers[target].gpu);
            encoder.copy_buffer_to_buffer(source, source_offset, target, target_offset, size);
        }
        Command::Clear(buffer) => {
            fresh.spoil(buffer);
            encoder.clear_buffer(&opened.buffers[buffer].gpu, 0, None);
        }
        Command::Dispatch { .. } => {}
    }
}
