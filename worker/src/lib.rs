//! The `baton` command as a library: runs on this machine, the volunteer's agent, the scientist's side of a server.
//!
//! | module | owns |
//! |---|---|
//! | `cli` | the command line: parses, calls one of `commands`, turns how it ended into an exit code |
//! | `commands` | one file a command: its arguments and what it does |
//! | `array` | several runs of one package as one: sweeps and replicas |
//! | `local` | running a package here: which package, which device, the run itself |
//! | `agent` | the volunteer's agent, `baton worker` |
//! | `net` | HTTP to a server: requests, blobs, event streams, retries |
//! | `analysis` | what a run's outputs tell: physics, figures, file formats |
//! | `page` | the volunteer's own page, on this machine alone |
//! | `service` | the agent as a service of the machine |
//! | `console` | standard output and error, progress, signals |
//! | `exit` | exit codes, and which error leads to which |
//!
//! `agent`, `net`, `page`, `service`, and the commands that need them, are the feature `network`; without it the first build is shorter.

// What only they use.
#![cfg_attr(not(feature = "network"), allow(dead_code))]

#[cfg(feature = "network")]
mod agent;
mod analysis;
mod array;
mod cli;
mod commands;
mod console;
mod exit;
mod local;
#[cfg(feature = "network")]
mod net;
#[cfg(feature = "network")]
mod page;
#[cfg(feature = "network")]
mod service;

pub use cli::main;
