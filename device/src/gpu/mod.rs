//! GPUs through wgpu.

use std::sync::Arc;

use crate::Device;

/// Every adapter of this machine that can compute.
pub fn list() -> Vec<Arc<dyn Device>> {
    Vec::new()
}
