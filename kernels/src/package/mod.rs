//! A kernel package: a folder with `kernel.toml`, WGSL files and initial buffers. Data, not a program.

use std::collections::BTreeMap;
use std::path::Path;

use device::Program;
use protocol::Digest;

pub mod manifest;

pub use manifest::Manifest;

/// A package that was checked: all its parts are there and fit each other.
#[derive(Clone, Debug)]
pub struct Package {
    manifest: Manifest,
    shaders: BTreeMap<String, String>,
    init: BTreeMap<String, Vec<u8>>,
    digest: Digest,
}

/// What is wrong with a package: file, key, what was found, what was expected.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PackageError(String);

impl Package {
    /// Read and check the package in a folder.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(_folder: &Path) -> Result<Self, PackageError> {
        Err(PackageError("not yet".into()))
    }

    /// Check a package made in memory. `shaders`: file name to WGSL. `init`: buffer name to standard bytes (packed,
    /// little-endian), for each `state` and `constant` buffer whose manifest entry has `init`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(
        _manifest: Manifest,
        _shaders: BTreeMap<String, String>,
        _init: BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, PackageError> {
        Err(PackageError("not yet".into()))
    }

    /// Write it as a folder that [`Package::load`] reads back with the same digest.
    ///
    /// # Errors
    /// The folder exists and is not empty, or cannot be written.
    pub fn save(&self, _folder: &Path) -> Result<(), PackageError> {
        Err(PackageError("not yet".into()))
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// BLAKE3 over canonical content: the package's identity.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Initial standard bytes of a `state` or `constant` buffer (from `init` or `fill`), by index in the manifest.
    pub fn initial(&self, _buffer: usize) -> Vec<u8> {
        Vec::new()
    }

    /// Elements of a buffer in the standard layout, by index in the manifest.
    pub fn elements(&self, _buffer: usize) -> u64 {
        0
    }

    /// What a device runs. Buffer and pass ids are the indices in the manifest.
    pub fn program(&self) -> Program {
        unimplemented!()
    }

    /// Workgroups of a pass, by index in the manifest.
    pub fn workgroups(&self, _pass: usize) -> device::Workgroups {
        device::Workgroups::Direct([0; 3])
    }
}
