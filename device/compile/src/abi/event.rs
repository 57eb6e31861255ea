//! What checked mode tells the runtime: the number that [`WATCH`](super::WATCH) is called with, and the meaning of its last two arguments.

/// A float was computed: its bits, and 1 where a subnormal is a finding.
pub const FLOAT: u32 = 0;
/// A float is converted to `i32`: its bits.
pub const TO_SIGNED: u32 = 1;
/// A float is converted to `u32`: its bits.
pub const TO_UNSIGNED: u32 = 2;
/// An index is used: the index, and the number of elements.
pub const INDEX: u32 = 3;
/// Memory is read: address, and number of words.
pub const READ: u32 = 4;
/// Memory is written: address, and number of words.
pub const WRITE: u32 = 5;
/// Memory is accessed atomically: address, and number of words.
pub const ATOMIC: u32 = 6;
/// All invocations of the workgroup reached a barrier: 1 where it orders storage, 1 where it orders workgroup memory.
pub const BARRIER: u32 = 7;
