//! The terminal: what a command prints, and the signals that a person sends.
//!
//! | module | owns |
//! |---|---|
//! | [`output`] | standard output: one JSON document, or lines |
//! | [`progress`] | standard error: progress bars, durations and figures as people read them |
//! | [`table`] | columns of text |
//! | [`signals`] | Ctrl-C and SIGTERM |

pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod signals;
pub(crate) mod table;
