//! Buffers' contents, through a staging buffer of bounded size.

use std::sync::mpsc;

use wgpu::{Buffer, BufferDescriptor, BufferUsages, CommandEncoderDescriptor, MapMode};

use super::session::GpuSession;
use crate::DeviceError;

/// Bytes of the staging buffer that reads go through, and of a single upload.
pub(super) const STAGING_BYTES: u64 = 64 << 20;

/// Part of a buffer that is read.
struct Piece {
    /// Which of the contents asked for it belongs to.
    slot: usize,
    buffer: Buffer,
    offset: u64,
    bytes: u64,
}

impl GpuSession {
    /// The contents of buffers, after all work that is on its way.
    pub(super) fn read_back(&mut self, buffers: &[Buffer]) -> Result<Vec<Vec<u8>>, DeviceError> {
        let mut contents: Vec<Vec<u8>> = Vec::with_capacity(buffers.len());
        let mut round = Vec::new();
        let mut free = STAGING_BYTES;
        for (slot, buffer) in buffers.iter().enumerate() {
            let size = buffer.size();
            contents.push(Vec::with_capacity(size as usize));
            let mut offset = 0;
            while offset < size {
                let bytes = free.min(size - offset);
                round.push(Piece {
                    slot,
                    buffer: buffer.clone(),
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
            encoder.copy_buffer_to_buffer(&piece.buffer, piece.offset, &staging, at, piece.bytes);
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
