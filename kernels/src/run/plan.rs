//! Which commands a step consists of, and where outputs gather until the next boundary.
//!
//! Outputs are copied on the device, row after row, into a log buffer of their own, so that looking at a run costs no read-back before
//! the boundary.

use device::{BufferDesc, BufferId, Command, Program};

use crate::package::Package;

/// An output's log buffer on the device.
pub(super) struct Log {
    /// The buffer that is looked at.
    pub(super) source: BufferId,
    /// Where its rows gather.
    pub(super) buffer: BufferId,
    /// Bytes of a row, in the device's layout.
    row_bytes: u64,
    every: u64,
    /// Index of the pass it is taken after.
    after: usize,
}

/// A package's steps as commands.
pub(super) struct Plan {
    passes: Vec<PlannedPass>,
    pub(super) logs: Vec<Log>,
    steps_per_segment: u64,
}

struct PlannedPass {
    workgroups: device::Workgroups,
    every: u64,
    offset: u64,
}

impl Plan {
    /// The plan of a package, and the program with the log buffers added behind the package's own.
    pub(super) fn new(package: &Package) -> (Self, Program) {
        let manifest = package.manifest();
        let mut program = package.program();
        let steps_per_segment = manifest.run.steps_per_segment;
        let logs = manifest.outputs.iter().map(|output| {
            let source = index(manifest.buffers.iter().map(|buffer| &buffer.name), &output.buffer);
            let row_bytes = program.buffers[source].size;
            let last = manifest.passes.len() - 1;
            let after = output
                .after
                .as_ref()
                .map_or(last, |name| index(manifest.passes.iter().map(|pass| &pass.name), name));
            let buffer = program.buffers.len();
            let size = row_bytes * steps_per_segment.div_ceil(output.every);
            program.buffers.push(BufferDesc {
                label: format!("log of {}", output.name),
                size,
                indirect: false,
            });
            Log {
                source,
                buffer,
                row_bytes,
                every: output.every,
                after,
            }
        });
        let logs = logs.collect();
        let passes = manifest.passes.iter().enumerate();
        let passes = passes.map(|(id, pass)| PlannedPass {
            workgroups: package.workgroups(id),
            every: pass.every,
            offset: pass.offset,
        });
        (
            Self {
                passes: passes.collect(),
                logs,
                steps_per_segment,
            },
            program,
        )
    }

    /// Append step `step`, up to and including pass `until` when that is given.
    pub(super) fn step(&self, step: u64, until: Option<usize>, commands: &mut Vec<Command>) {
        let end = until.map_or(self.passes.len(), |pass| pass + 1);
        for (pass, planned) in self.passes[..end].iter().enumerate() {
            if step % planned.every == planned.offset {
                commands.push(Command::Dispatch {
                    pass,
                    workgroups: planned.workgroups,
                    step,
                });
            }
            for log in self
                .logs
                .iter()
                .filter(|log| log.after == pass && step.is_multiple_of(log.every))
            {
                commands.push(Command::Copy {
                    source: log.source,
                    source_offset: 0,
                    target: log.buffer,
                    target_offset: step % self.steps_per_segment / log.every * log.row_bytes,
                    size: log.row_bytes,
                });
            }
        }
    }
}

/// Where a name stands among names that a checked package is known to hold.
pub(super) fn index<'a>(mut names: impl Iterator<Item = &'a String>, name: &str) -> usize {
    names
        .position(|other| other == name)
        .expect("a checked package names only what it has")
}
