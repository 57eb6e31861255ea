//! What an operator does with a server's data besides serving it, while the server runs or not.
//!
//! | module | owns |
//! |---|---|
//! | [`copy`] | a consistent copy of a database, SQLite or PostgreSQL, as a file; and back |
//! | [`backup`] | a data folder, whole, elsewhere; and back |
//! | [`check`] | log, snapshot, chains and blobs held against each other |
//!
//! Invariant: nothing here writes into the data of a server that may run. A copy says of itself that it is one (the fact [`RESTORED`]), so a server
//! that starts from it begins a new life.

pub mod backup;
pub mod check;
pub mod copy;

/// A fact in the database of a copy: the server that starts from it begins a new life, and takes the fact back.
pub const RESTORED: &str = "restored";

/// Name of the database in a data folder.
pub const DATABASE: &str = "baton.sqlite";
/// Name of the folder of blobs in a data folder.
pub const BLOBS: &str = "blobs";
