//! What may be asked of a program that is open: every command and range, before any of it reaches wgpu.
//!
//! Invariant: what passes here, wgpu accepts.

use super::open::Opened;
use crate::{BufferId, Command, DeviceError, Workgroups};

impl Opened {
    /// Whether a range lies in a buffer; `what` is done there, as in "write to".
    pub(super) fn buffer_range(&self, what: &str, buffer: BufferId, offset: u64, size: u64) -> Result<(), DeviceError> {
        let Some(found) = self.buffers.get(buffer) else {
            let count = self.buffers.len();
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

    /// Whether a command fits the program.
    pub(super) fn check(&self, command: &Command) -> Result<(), DeviceError> {
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
                    let label = &self.buffers[source].label;
                    return Err(DeviceError::Program(format!("copy: source and target are both '{label}'")));
                }
                Ok(())
            }
            Command::Dispatch { pass, workgroups, .. } => {
                let count = self.passes.len();
                let no_pass = || DeviceError::Program(format!("dispatch: no pass {pass}, there are {count}"));
                let found = self.passes.get(pass).ok_or_else(no_pass)?;
                match workgroups {
                    Workgroups::Direct(counts) => {
                        let limit = u64::from(self.limits.max_compute_workgroups_per_dimension);
                        let needed = counts.into_iter().max().map_or(0, u64::from);
                        if needed > limit {
                            let what = format!("pass '{}' (workgroups in one dimension)", found.label);
                            return Err(DeviceError::Limit { what, needed, limit });
                        }
                        Ok(())
                    }
                    Workgroups::Indirect(buffer, offset) => {
                        self.buffer_range("indirect dispatch from", buffer, offset, 12)?;
                        let counts = &self.buffers[buffer];
                        if counts.shadow.is_none() {
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
}
