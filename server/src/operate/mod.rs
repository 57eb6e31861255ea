//! What an operator does with a server's data besides serving it, while the server runs or not.
//!
//! | module | owns |
//! |---|---|
//! | [`copy`] | a consistent copy of a database, SQLite or PostgreSQL, as a file; and back |
//! | [`backup`] | a data folder, whole, elsewhere; and back |
//! | [`token`] | tokens while no server runs |
//! | [`blobs`] | all blobs of one place copied to another |
//! | [`audit`] | who did what, read from the database |
//! | [`check`] | log, snapshot, chains and blobs held against each other |
//!
//! Invariant: nothing here writes into the data of a server that may run. A copy says of itself that it is one (the fact [`RESTORED`]), so a server
//! that starts from it begins a new life.

use std::path::PathBuf;

use crate::blob::BlobPlace;

pub mod audit;
pub mod backup;
pub mod blobs;
pub mod check;
pub mod copy;
pub mod token;

/// A fact in the database of a copy: the server that starts from it begins a new life, and takes the fact back.
pub const RESTORED: &str = "restored";

/// Name of the database in a data folder.
pub const DATABASE: &str = "baton.sqlite";
/// Name of the folder of blobs in a data folder.
pub const BLOBS: &str = "blobs";

/// Where a server's data lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// The data folder.
    pub data: PathBuf,
    /// URL of a PostgreSQL database instead of a file in the folder.
    pub database: Option<String>,
    /// Where the blobs are.
    pub blobs: BlobPlace,
}

impl Place {
    /// The database's file in the folder.
    fn file(&self) -> PathBuf {
        self.data.join(DATABASE)
    }
}
