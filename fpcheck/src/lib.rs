//! What a device really computes, and so: where a job may continue.
//!
//! | module | owns |
//! |---|---|
//! | [`class`](class()) | a device's hardware class in each tier |
//! | [`lint`] | what in a package's WGSL would make its bits depend on device, scheduling or chance |

mod class;
pub mod lint;

pub use class::class;
