//! A package as a folder: reading with limits before content, and writing.
//!
//! Invariant: nothing outside the folder is read, whatever the manifest or a link in it says. A ready-made piece that is named and does not lie in the folder comes with
//! this program; what is saved or sent holds its text, so that the package is the same everywhere.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::check::{self, Sizes};
use super::error::PackageError;
use super::limits::{MANIFEST_BYTES_MAX, NPY_HEADER_BYTES_MAX, PATH_BYTES_MAX, SHADER_BYTES_MAX};
use super::manifest::{Buffer, Manifest};
use super::npy;

/// Name of the manifest's file.
pub(super) const MANIFEST: &str = "kernel.toml";

/// Folder that ready-made pieces seem to lie in.
const PIECES: &str = "baton/";

/// What [`read`] finds: manifest, shaders by file name, initial standard bytes by buffer name.
pub(super) type Parts = (Manifest, BTreeMap<String, String>, BTreeMap<String, Vec<u8>>);

/// Where a package's files come from.
pub(super) trait Files {
    /// The contents of a file. `key` says in messages who asks for it.
    fn read(&self, file: &str, key: &str, bytes_max: u64) -> Result<Vec<u8>, PackageError>;
    /// Whether there is something of this name, of whatever sort.
    fn has(&self, file: &str) -> bool;
}

/// A folder, by its canonical path.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A folder that is there.
    pub(super) fn open(folder: &Path) -> Result<Self, PackageError> {
        let root = folder.canonicalize();
        let root =
            root.map_err(|error| PackageError::file(folder.display(), format_args!("cannot open this folder: {error}")))?;
        Ok(Self(root))
    }
}

impl Files for Folder {
    fn has(&self, file: &str) -> bool {
        self.0.join(file).symlink_metadata().is_ok()
    }

    /// Only a plain file that truly lies in the folder is read.
    fn read(&self, file: &str, key: &str, bytes_max: u64) -> Result<Vec<u8>, PackageError> {
        let about = |message: String| match key {
            MANIFEST => PackageError::file(MANIFEST, message),
            key => PackageError::file(format_args!("{key}: '{file}'"), message),
        };
        let failed = |error: std::io::Error| about(format!("cannot read this file in {}: {error}", self.0.display()));
        let path = self.0.join(file).canonicalize().map_err(failed)?;
        if !path.starts_with(&self.0) {
            return Err(about("found a link out of the package, expected a file inside it".to_owned()));
        }
        if !fs::metadata(&path).map_err(failed)?.is_file() {
            return Err(about("found a folder or a device, expected a plain file".to_owned()));
        }
        let handle = File::open(&path).map_err(failed)?;
        let size = handle.metadata().map_err(failed)?.len();
        if size > bytes_max {
            return Err(about(format!("found {size} bytes, expected at most {bytes_max}")));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        handle.take(size).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

/// Read all parts of a package. They are checked as far as reading safely needs it.
pub(super) fn read(files: &dyn Files) -> Result<Parts, PackageError> {
    let manifest = parse(&text(MANIFEST, files.read(MANIFEST, MANIFEST, MANIFEST_BYTES_MAX)?)?)?;
    let sizes = check::manifest(&manifest)?;

    let mut wgsl = BTreeMap::new();
    for pass in &manifest.passes {
        for file in &pass.shader {
            if !wgsl.contains_key(file) {
                let key = format!("{MANIFEST}: pass '{}': shader", pass.name);
                let text = match (shaders::piece(file), files.has(file)) {
                    (Some(piece), false) => piece.to_owned(),
                    (None, false) if file.starts_with(PIECES) => return Err(no_such_piece(&key, file)),
                    _ => text(file, files.read(file, &key, SHADER_BYTES_MAX)?)?,
                };
                wgsl.insert(file.clone(), text);
            }
        }
    }
    let mut init = BTreeMap::new();
    for (buffer, size) in manifest.buffers.iter().zip(&sizes) {
        if let Some(file) = &buffer.init {
            let key = format!("{MANIFEST}: buffer '{}': init", buffer.name);
            let bytes = files.read(file, &key, size.standard + NPY_HEADER_BYTES_MAX)?;
            init.insert(buffer.name.clone(), array(buffer, file, size, bytes)?);
        }
    }
    Ok((manifest, wgsl, init))
}

/// A name that is kept for pieces, and that is none.
fn no_such_piece(key: &str, file: &str) -> PackageError {
    PackageError::found(
        key,
        format_args!("'{file}'"),
        format_args!(
            "a file of the package, or one of the pieces {}",
            crate::listed(shaders::PIECES.iter().map(|(name, _)| *name))
        ),
    )
}

/// `kernel.toml` as types.
pub(super) fn parse(text: &str) -> Result<Manifest, PackageError> {
    toml::from_str(text).map_err(|error| PackageError::file(MANIFEST, error.to_string().trim_end()))
}

/// All parts as files, by name; the manifest last, so that a torn write is no package.
pub(super) fn files(
    manifest: &Manifest,
    shaders: &BTreeMap<String, String>,
    init: &BTreeMap<String, Vec<u8>>,
    shapes: &[Sizes],
) -> Result<Vec<(String, Vec<u8>)>, PackageError> {
    let shaders = shaders.iter().map(|(file, text)| (file.clone(), text.clone().into_bytes()));
    let mut files: Vec<_> = shaders.collect();
    for (buffer, size) in manifest.buffers.iter().zip(shapes) {
        if let (Some(file), Some(bytes)) = (&buffer.init, init.get(&buffer.name)) {
            files.push((file.clone(), npy::write(buffer.element, &size.shape, bytes)));
        }
    }
    let text = toml::to_string_pretty(manifest)
        .map_err(|error| PackageError::file(MANIFEST, format_args!("cannot be written as TOML: {error}")))?;
    files.push((MANIFEST.to_owned(), text.into_bytes()));
    Ok(files)
}

/// Write files into a new or empty folder.
pub(super) fn write(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), PackageError> {
    make_empty(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let write = || {
            fs::create_dir_all(path.parent().expect("a file inside the folder has a parent"))?;
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|error| PackageError::file(path.display(), format_args!("cannot write: {error}")))?;
    }
    Ok(())
}

/// Make a folder, unless it is there and empty.
pub(super) fn make_empty(folder: &Path) -> Result<(), PackageError> {
    let failed = |error: std::io::Error| PackageError::file(folder.display(), format_args!("cannot write: {error}"));
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(PackageError::file(
            folder.display(),
            "found a folder that is not empty, expected a new or an empty one",
        ));
    }
    Ok(())
}

/// Refuse a path that is not a plain file name or a relative path downwards, ending in `suffix`.
pub(super) fn check_path(key: &str, path: &str, suffix: &str) -> Result<(), PackageError> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.'))
    };
    if path.len() > PATH_BYTES_MAX || !path.split('/').all(plain) || !path.ends_with(suffix) {
        return Err(PackageError::found(
            key,
            format_args!("'{}'", path.chars().take(PATH_BYTES_MAX).collect::<String>().escape_debug()),
            format_args!(
                "a file inside the package such as 'name{suffix}' or 'folder/name{suffix}' (ASCII letters, digits, '_', '-' and '.', \
                 no part beginning with '.', at most {PATH_BYTES_MAX} bytes)"
            ),
        ));
    }
    Ok(())
}

fn text(file: &str, bytes: Vec<u8>) -> Result<String, PackageError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count() + 1;
        PackageError::file(
            file,
            format_args!("line {line}: found bytes that are not UTF-8, expected UTF-8 text"),
        )
    })
}

/// The standard bytes in an `.npy` file.
fn array(buffer: &Buffer, file: &str, size: &Sizes, mut bytes: Vec<u8>) -> Result<Vec<u8>, PackageError> {
    let header = npy::header(&bytes).map_err(|wrong| PackageError::file(file, wrong))?;

    let expected = npy::descr(buffer.element);
    if header.descr != expected {
        let name = npy::numpy_name(buffer.element);
        return Err(PackageError::file(
            file,
            format_args!(
                "found type '{}', expected '{expected}' for buffer '{}': convert with a.astype(numpy.{name}) before numpy.save",
                header.descr.escape_debug(),
                buffer.name
            ),
        ));
    }
    if header.shape != size.shape {
        return Err(PackageError::file(
            file,
            format_args!(
                "found shape {}, expected {} for buffer '{}' ({MANIFEST}: buffer '{}': shape)",
                npy::shape_text(&header.shape),
                npy::shape_text(&size.shape),
                buffer.name,
                buffer.name
            ),
        ));
    }
    if header.fortran_order && size.shape.len() > 1 {
        return Err(PackageError::file(
            file,
            "found Fortran order, expected C order: save numpy.ascontiguousarray(a) instead",
        ));
    }
    let found = (bytes.len() - header.data) as u64;
    if found != size.standard {
        return Err(PackageError::file(
            file,
            format_args!(
                "found {found} bytes of data, expected {}: the file is torn or has a tail",
                size.standard
            ),
        ));
    }
    bytes.drain(..header.data);
    Ok(bytes)
}
