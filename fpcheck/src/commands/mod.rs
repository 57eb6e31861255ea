//! One file a command: its arguments, and what it does. Each returns how it ended.

pub(crate) mod devices;
pub(crate) mod lint;
