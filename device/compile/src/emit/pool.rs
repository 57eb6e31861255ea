//! Constants of four lanes in memory, shared by all kernels of a session.
//!
//! An operation can take its operand from there. As immediate values they would be hoisted out of loops and fill the registers,
//! and what a loop works on would be spilled instead.

use std::collections::BTreeMap;

use crate::abi::{CONSTANTS_ADDRESS, CONSTANTS_BYTES_MAX};

/// Constants of four lanes that the kernels of a session share.
#[derive(Clone, Debug, Default)]
pub struct ConstantPool {
    known: BTreeMap<[u32; 4], u32>,
    bytes: Vec<u8>,
}

impl ConstantPool {
    /// Address of a constant; `None` when there is no room left.
    pub(super) fn address(&mut self, lanes: [u32; 4]) -> Option<u32> {
        if let Some(address) = self.known.get(&lanes) {
            return Some(*address);
        }
        if self.bytes.len() as u32 + 16 > CONSTANTS_BYTES_MAX {
            return None;
        }
        let address = CONSTANTS_ADDRESS + self.bytes.len() as u32;
        self.bytes.extend(lanes.iter().flat_map(|lane| lane.to_le_bytes()));
        self.known.insert(lanes, address);
        Some(address)
    }

    /// What must be in memory from [`CONSTANTS_ADDRESS`] on before a kernel runs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
