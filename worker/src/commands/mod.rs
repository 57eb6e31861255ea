//! One file a command: its arguments, and what it does. Each returns how it ended.

pub(crate) mod analyse;
pub(crate) mod chain;
pub(crate) mod devices;
pub(crate) mod evaluate;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod new;
pub(crate) mod resume;
pub(crate) mod run;
