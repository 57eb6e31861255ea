//! A run's output files, read in ranges.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::package::table;
use crate::run::RunError;
use crate::run::dir::RunDir;
use crate::run::outputs::frames_file;

/// A run's output files, open for reading; a missing one counts as empty.
pub(super) struct OutputFiles(BTreeMap<String, (PathBuf, Option<File>, u64)>);

impl OutputFiles {
    pub(super) fn open(dir: &RunDir) -> Result<Self, RunError> {
        let outputs = dir.package().manifest().outputs.iter();
        let names = outputs
            .map(|output| frames_file(&output.name))
            .chain([table::TABLE.to_owned()]);
        let mut files = BTreeMap::new();
        for name in names {
            let path = dir.path().join(&name);
            let (file, length) = match File::open(&path) {
                Ok(file) => {
                    let length = file.metadata().map_err(RunError::disk("look at", &path))?.len();
                    (Some(file), length)
                }
                Err(error) if error.kind() == ErrorKind::NotFound => (None, 0),
                Err(error) => return Err(RunError::disk("open", &path)(error)),
            };
            files.insert(name, (path, file, length));
        }
        Ok(Self(files))
    }

    pub(super) fn length(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |(_, _, length)| *length)
    }

    /// Bytes of a file; none where it ends before.
    pub(super) fn read(&mut self, name: &str, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, RunError> {
        if bytes == 0 {
            return Ok(Some(Vec::new()));
        }
        let Some((path, Some(file), length)) = self.0.get_mut(name) else {
            return Ok(None);
        };
        if from.checked_add(bytes as u64).is_none_or(|end| end > *length) {
            return Ok(None);
        }
        let mut read = vec![0; bytes];
        file.seek(SeekFrom::Start(from)).map_err(RunError::disk("seek in", path))?;
        file.read_exact(&mut read).map_err(RunError::disk("read", path))?;
        Ok(Some(read))
    }
}
