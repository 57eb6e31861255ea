//! Operations on constants.

use super::Un;

/// What an operation does to constant bits, where folding is exact and free of doubt.
pub(super) fn fold_un(un: Un) -> Option<fn(u32) -> u32> {
    Some(match un {
        Un::FNeg => |bits| bits ^ 0x8000_0000,
        Un::FAbs => |bits| bits & 0x7fff_ffff,
        Un::INeg => u32::wrapping_neg,
        Un::INot => |bits| !bits,
        Un::Not => |bits| bits ^ 1,
        Un::BitsFloat | Un::BoolToInt => |bits| bits,
        Un::SToFloat => |bits| (bits as i32 as f32).to_bits(),
        Un::UToFloat => |bits| (bits as f32).to_bits(),
        _ => return None,
    })
}
