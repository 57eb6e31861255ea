//! What a device really computes, and so: where a job may continue.
//!
//! | module | owns |
//! |---|---|
//! | [`class`](class()) | a device's hardware class in each tier |

mod class;

pub use class::class;
