//! How long dispatches take by the device's own clock.

use std::time::Duration;

use wgpu::{BufferDescriptor, BufferUsages, CommandEncoderDescriptor, Features, QuerySetDescriptor, QueryType};

use super::encode;
use super::pacing::COMMANDS_MAX;
use super::session::GpuSession;
use crate::{Command, DeviceError};

/// Bytes of the two times.
const BYTES: u64 = 2 * wgpu::QUERY_SIZE as u64;

impl GpuSession {
    /// From the start of the first to the end of the last, in one submit; nothing if the device has no such clock, or for anything but dispatches, and
    /// then nothing is run. Nothing else is on its way.
    pub(super) fn time_by_its_clock(&mut self, commands: &[Command]) -> Result<Option<Duration>, DeviceError> {
        let all_dispatch = commands.iter().all(|command| matches!(command, Command::Dispatch { .. }));
        let opened = &self.opened;
        if !opened.device.features().contains(Features::TIMESTAMP_QUERY) || !all_dispatch {
            return Ok(None);
        }
        if commands.is_empty() || commands.len() > COMMANDS_MAX {
            return Ok(None);
        }
        let times = opened.device.create_query_set(&QuerySetDescriptor {
            label: Some("times"),
            ty: QueryType::Timestamp,
            count: 2,
        });
        let resolved = opened.device.create_buffer(&BufferDescriptor {
            label: Some("times"),
            size: BYTES,
            usage: BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        opened.faults.check(|| "allocates two times".to_owned())?;
        let (recorded, _) = encode::record(opened, commands.iter(), &mut self.clock_bytes, &mut self.fresh, Some(&times));
        let mut encoder = opened
            .device
            .create_command_encoder(&CommandEncoderDescriptor { label: None });
        encoder.resolve_query_set(&times, 0..2, &resolved, 0);
        if !self.clock_bytes.is_empty() {
            opened.queue.write_buffer(&opened.clock, 0, &self.clock_bytes);
        }
        let index = opened.queue.submit([recorded, encoder.finish()]);
        let tick_ns = f64::from(opened.queue.get_timestamp_period());
        self.wait_for(index)?;
        let times = self.read_back(&[resolved])?.remove(0);
        let at = |index: usize| -> u64 {
            let bytes = times.get(8 * index..8 * index + 8);
            bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
        };
        let ticks = at(1).saturating_sub(at(0));
        Ok(Some(Duration::from_secs_f64(ticks as f64 * tick_ns * 1e-9)))
    }
}
