//! Constants of four lanes in memory, shared by all kernels of a session.
//!
//! An operation can take its operand from there. As immediate values they would be hoisted out of loops and fill the registers,
//! and what a loop works on would be spilled instead.

use std::collections::BTreeMap;

/// A word that kernels look at in each turn of a loop: they stop when it is not 0.
pub(in crate::cpu) const STOP_ADDRESS: u32 = 96;
/// Where the constants lie, and the most bytes of them.
pub(in crate::cpu) const POOL_ADDRESS: u32 = 128;
pub(in crate::cpu) const POOL_BYTES: u32 = 64 << 10;

/// The constants so far.
#[derive(Default)]
pub(in crate::cpu) struct Pool {
    known: BTreeMap<[u32; 4], u32>,
    bytes: Vec<u8>,
}

impl Pool {
    /// Address of a constant; `None` when there is no room left.
    pub(super) fn address(&mut self, lanes: [u32; 4]) -> Option<u32> {
        if let Some(address) = self.known.get(&lanes) {
            return Some(*address);
        }
        if self.bytes.len() as u32 + 16 > POOL_BYTES {
            return None;
        }
        let address = POOL_ADDRESS + self.bytes.len() as u32;
        self.bytes.extend(lanes.iter().flat_map(|lane| lane.to_le_bytes()));
        self.known.insert(lanes, address);
        Some(address)
    }

    /// What must be in memory from [`POOL_ADDRESS`] on.
    pub(in crate::cpu) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
