//! The frames of an output, read back from a run directory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::package::manifest::Buffer;

use super::RunError;
use super::dir::RunDir;
use super::outputs::{buffer_index, buffer_of, frames_file, row_bytes};

/// The frames of an output, as far as the chain has committed them.
pub struct Frames {
    file: File,
    row_bytes: usize,
    every: u64,
    /// Number of frames.
    pub count: u64,
    /// Extents of a frame.
    pub shape: Vec<u64>,
    /// The buffer they are of: element type, scale, unit.
    pub buffer: Buffer,
}

impl Frames {
    /// The frames of the output called `name`.
    ///
    /// # Errors
    /// No such output, it is a table, or the file is shorter than the chain says.
    pub fn open(dir: &RunDir, name: &str) -> Result<Self, RunError> {
        let package = dir.package();
        let frames = package.manifest().outputs.iter().filter(|output| output.columns.is_empty());
        let Some(output) = frames.clone().find(|output| output.name == name) else {
            let there: Vec<_> = frames.map(|output| output.name.as_str()).collect();
            return Err(RunError::folder(
                dir.path(),
                format!("has no frames called '{name}'; there are: {}", there.join(", ")),
            ));
        };
        let path = dir.path().join(frames_file(name));
        let chain = dir.chain()?;
        let bytes = chain
            .last()
            .and_then(|line| line.files.get(&frames_file(name)))
            .copied()
            .unwrap_or(0);
        let file = File::open(&path).map_err(RunError::disk("open", &path))?;
        let found = file.metadata().map_err(RunError::disk("look at", &path))?.len();
        if found < bytes {
            return Err(RunError::folder(&path, format!("has {found} bytes, the chain says {bytes}")));
        }
        let row_bytes = row_bytes(package, output);
        Ok(Self {
            file,
            row_bytes,
            every: output.every,
            count: bytes / row_bytes as u64,
            shape: package.shape(buffer_index(package, output)).to_vec(),
            buffer: buffer_of(package, output).clone(),
        })
    }

    /// The step of a frame.
    pub fn step(&self, frame: u64) -> u64 {
        frame * self.every
    }

    /// The standard bytes of a frame.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(&mut self, frame: u64) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.row_bytes];
        self.file.seek(SeekFrom::Start(frame * self.row_bytes as u64))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
