//! A kernel package: a folder with `kernel.toml`, WGSL files and initial buffers. Data, not a program.
//!
//! | module | owns |
//! |---|---|
//! | [`manifest`] | `kernel.toml` as types |
//! | `check` | whether the manifest's words fit each other |
//! | `folder`, `npy` | files in and out |
//! | `archive` | all of it in one blob, to travel |
//! | [`source`] | a pass's WGSL files, joined |
//! | `reflect`, `overrides` | what WGSL says, held against the manifest |
//! | [`outputs`], [`table`] | what a segment puts out, as bytes, and as rows of numbers |
//! | `program` | all of it as a device's program |
//! | [`layout`] | device layout to standard layout and back |
//! | [`limits`] | the limits on all of it |
//! | `digest` | the package's identity |
//! | `settings` | the package with other values of what may be set |
//! | `template` | what `baton new` writes |
//!
//! Invariant: a [`Package`] exists only if every check passed. No check needs a device: the server makes the same ones.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::{Digest, StateBuffer};
use wgsl::{Program, Workgroups};

mod archive;
mod check;
mod digest;
mod error;
mod folder;
pub mod layout;
pub mod limits;
pub mod manifest;
pub mod npy;
pub mod outputs;
mod overrides;
mod program;
mod reflect;
mod settings;
pub mod source;
pub mod table;
mod template;

pub use archive::unpacked_bytes;
pub use error::{PackageError, listed};
pub use manifest::Manifest;
pub use settings::Values;

use check::Sizes;
use manifest::{Element, Number, Role};

/// A package that was checked: all its parts are there and fit each other.
#[derive(Clone, Debug)]
pub struct Package {
    manifest: Manifest,
    shaders: BTreeMap<String, String>,
    init: BTreeMap<String, Vec<u8>>,
    digest: Digest,
    sizes: Vec<Sizes>,
    program: Program,
    workgroups: Vec<Workgroups>,
}

impl Package {
    /// Read and check the package in a folder.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(folder: &Path) -> Result<Self, PackageError> {
        let (manifest, shaders, init) = folder::read(&folder::Folder::open(folder)?)?;
        Self::new(manifest, shaders, init)
    }

    /// Read and check the package that these files are: path inside the package to contents.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn from_files(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, PackageError> {
        let (manifest, shaders, init) = folder::read(files)?;
        Self::new(manifest, shaders, init)
    }

    /// Read manifest and WGSL of the package in a folder without holding one against the other, for tools that look at packages
    /// which may be refused.
    ///
    /// # Errors
    /// The manifest or a file is not there or cannot be read, or the manifest's words do not fit each other.
    pub fn parts(folder: &Path) -> Result<(Manifest, BTreeMap<String, String>), PackageError> {
        let (manifest, shaders, _) = folder::read(&folder::Folder::open(folder)?)?;
        Ok((manifest, shaders))
    }

    /// Check a package made in memory. `shaders`: file name to WGSL. `init`: buffer name to standard bytes (packed,
    /// little-endian), for each `state` and `constant` buffer whose manifest entry has `init`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(
        manifest: Manifest,
        shaders: BTreeMap<String, String>,
        init: BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, PackageError> {
        let sizes = check::manifest(&manifest)?;
        check_shaders(&manifest, &shaders)?;
        check_init(&manifest, &sizes, &init)?;
        check_done(&manifest, &init)?;
        let (program, workgroups) = program::compile(&manifest, &sizes, &shaders)?;
        let digest = digest::digest(&manifest, &shaders, &init);
        Ok(Self {
            manifest,
            shaders,
            init,
            digest,
            sizes,
            program,
            workgroups,
        })
    }

    /// The same package with another manifest: its shaders and initial buffers are held against it anew.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn with_manifest(&self, manifest: Manifest) -> Result<Self, PackageError> {
        Self::new(manifest, self.shaders.clone(), self.init.clone())
    }

    /// The same package with more room: the constants that `grow` names for this value of `fault`, doubled. Its digest stays, since nothing that it
    /// leaves depends on them. None: the value does not ask for room.
    ///
    /// # Errors
    /// More room is beyond a limit.
    pub fn grown(&self, fault: u32) -> Option<Result<Self, PackageError>> {
        let names = self.manifest.grow.get(&fault.to_string())?;
        let mut manifest = self.manifest.clone();
        for name in names {
            if let Some(Number::Integer(value)) = manifest.constants.get_mut(name) {
                *value = value.saturating_mul(2);
            }
        }
        let grown = self.with_manifest(manifest);
        Some(grown.map(|grown| Self {
            digest: self.digest,
            ..grown
        }))
    }

    /// Write it as a folder that [`Package::load`] reads back with the same digest.
    ///
    /// # Errors
    /// The folder exists and is not empty, or cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), PackageError> {
        folder::write(folder, &self.files()?)
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
        folder::files(&self.manifest, &self.shaders, &self.init, &self.sizes)
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// WGSL files by name.
    pub fn shaders(&self) -> &BTreeMap<String, String> {
        &self.shaders
    }

    /// BLAKE3 over canonical content: the package's identity.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Initial standard bytes of a `state` or `constant` buffer (from `init` or `fill`), by index in the manifest.
    /// Zeros for the others.
    ///
    /// # Panics
    /// There is no such buffer.
    pub fn initial(&self, buffer: usize) -> Vec<u8> {
        let desc = &self.manifest.buffers[buffer];
        if let Some(bytes) = self.init.get(&desc.name) {
            return bytes.clone();
        }
        let word = desc
            .fill
            .and_then(|fill| check::fill_word(desc.element, fill))
            .unwrap_or([0; 4]);
        let elements = usize::try_from(self.elements(buffer)).expect("the limit on device memory fits the address space");
        word.repeat(elements)
    }

    /// Elements of a buffer in the standard layout, by index in the manifest.
    pub fn elements(&self, buffer: usize) -> u64 {
        self.sizes[buffer].elements()
    }

    /// Bytes of all `state` buffers in the standard layout: what a checkpoint unpacks to.
    pub fn state_bytes(&self) -> u64 {
        let buffers = self.manifest.buffers.iter().zip(&self.sizes);
        let state = buffers.filter(|(buffer, _)| buffer.role == Role::State);
        state.map(|(_, size)| size.standard).sum()
    }

    /// Whether the package itself ends a run with this state, by the flag that `done` in `[run]` names. `state`: the state buffers at a boundary.
    pub fn is_done(&self, state: &[StateBuffer]) -> bool {
        let flag = self.manifest.run.done.as_ref();
        let buffer = flag.and_then(|flag| state.iter().find(|buffer| buffer.name == *flag));
        buffer.and_then(|buffer| buffer.bytes.first_chunk()).is_some_and(is_set)
    }

    /// Extents of a buffer in the standard layout, outermost first, by index in the manifest.
    pub fn shape(&self, buffer: usize) -> &[u64] {
        &self.sizes[buffer].shape
    }

    /// What a device runs. Buffer and pass ids are the indices in the manifest.
    pub fn program(&self) -> Program {
        self.program.clone()
    }

    /// Workgroups of a pass, by index in the manifest.
    pub fn workgroups(&self, pass: usize) -> Workgroups {
        self.workgroups[pass]
    }
}

fn check_shaders(manifest: &Manifest, shaders: &BTreeMap<String, String>) -> Result<(), PackageError> {
    let used = |file: &String| manifest.passes.iter().any(|pass| pass.shader.contains(file));
    match shaders
        .iter()
        .find(|(file, text)| !used(file) || text.len() as u64 > limits::SHADER_BYTES_MAX)
    {
        None => Ok(()),
        Some((file, _)) if !used(file) => Err(PackageError::file(file, "found a WGSL file that no pass uses")),
        Some((file, text)) => {
            let message = format!("found {} bytes, expected at most {}", text.len(), limits::SHADER_BYTES_MAX);
            Err(PackageError::file(file, message))
        }
    }
}

fn check_init(manifest: &Manifest, sizes: &[Sizes], init: &BTreeMap<String, Vec<u8>>) -> Result<(), PackageError> {
    for (buffer, size) in manifest.buffers.iter().zip(sizes) {
        let key = format!("buffer '{}': init", buffer.name);
        match (&buffer.init, init.get(&buffer.name)) {
            (None, None) => {}
            (Some(file), Some(bytes)) => {
                if bytes.len() as u64 != size.standard {
                    return Err(PackageError::found(key, format_args!("{} bytes", bytes.len()), size.standard));
                }
                if buffer.element == Element::F32 {
                    all_finite(file, &size.shape, bytes)?;
                }
            }
            (Some(file), None) => {
                return Err(PackageError::found(
                    key,
                    format_args!("no contents for '{file}'"),
                    "its bytes",
                ));
            }
            (None, Some(_)) => {
                return Err(PackageError::found(
                    key,
                    "contents without a file name",
                    "init = \"name.npy\"",
                ));
            }
        }
    }
    match init
        .keys()
        .find(|name| manifest.buffers.iter().all(|buffer| buffer.name != **name))
    {
        Some(name) => Err(PackageError::found(
            "buffer",
            format_args!("contents for '{name}'"),
            "a buffer of this name",
        )),
        None => Ok(()),
    }
}

/// A run whose first state says that it is done would be none.
fn check_done(manifest: &Manifest, init: &BTreeMap<String, Vec<u8>>) -> Result<(), PackageError> {
    let flag = manifest.run.done.as_ref();
    let Some(buffer) = manifest.buffers.iter().find(|buffer| Some(&buffer.name) == flag) else {
        return Ok(());
    };
    let filled = buffer.fill.and_then(|fill| check::fill_word(buffer.element, fill));
    let given = init.get(&buffer.name).and_then(|bytes| bytes.first_chunk().copied());
    match given.or(filled).is_some_and(|word| is_set(&word)) {
        false => Ok(()),
        true => Err(PackageError::found(
            format_args!("buffer '{}': first element", buffer.name),
            "a value other than 0",
            "0, since it ends the run (run: done)",
        )),
    }
}

fn is_set(word: &[u8; 4]) -> bool {
    *word != [0; 4]
}

fn all_finite(file: &str, shape: &[u64], bytes: &[u8]) -> Result<(), PackageError> {
    let word = |chunk: &[u8]| f32::from_le_bytes(chunk.try_into().expect("chunks of 4 bytes"));
    let Some(element) = bytes.chunks_exact(4).position(|chunk| !word(chunk).is_finite()) else {
        return Ok(());
    };
    let mut rest = element as u64;
    let mut index: Vec<String> = Vec::new();
    for extent in shape.iter().rev() {
        index.insert(0, (rest % extent).to_string());
        rest /= extent;
    }
    let found = word(&bytes[4 * element..4 * element + 4]);
    Err(PackageError::file(
        file,
        format_args!("found {found} at [{}], expected finite numbers", index.join(", ")),
    ))
}
