//! Checkpoint files held against the chain.

use std::fs;
use std::io::ErrorKind;

use super::{Kind, Verification};
use crate::run::chain::REMEDY;
use crate::run::dir::{ChainLine, RunDir};
use crate::run::{RunError, finite};

impl Verification {
    /// Read each checkpoint that the chain has a line for.
    pub(super) fn checkpoints(&mut self, dir: &RunDir, chain: &[ChainLine]) -> Result<(), RunError> {
        for segment in checkpoint_files(dir)? {
            // Behind the chain's end lies what a crash left.
            let line = usize::try_from(segment).ok().and_then(|segment| chain.get(segment));
            let Some(line) = line else { continue };
            let path = dir.checkpoint_path(segment);
            let checkpoint = match dir.read_checkpoint(&path) {
                // A run that goes on meanwhile deletes old ones.
                Err(RunError::Disk { cause, .. }) if cause.kind() == ErrorKind::NotFound => continue,
                other => other,
            };
            let problem = match checkpoint {
                Ok(checkpoint) if checkpoint.entry == line.entry => {
                    if let Some(value) = finite::digest_state(&checkpoint.buffers).1 {
                        self.mark(&line.entry, value);
                    }
                    self.checkpoints.push(segment);
                    if dir.package().is_done(&checkpoint.buffers) && segment + 1 < chain.len() as u64 {
                        let problem =
                            format!("ends the run by the package's flag (run: done), but the chain goes on; {REMEDY}");
                        self.found(Kind::Altered, &path, Some(segment), problem);
                    }
                    continue;
                }
                Ok(_) => "is whole, but of another run than the chain".to_owned(),
                Err(RunError::Folder { problem, .. }) => problem,
                Err(other) => return Err(other),
            };
            let problem = format!("{problem}: `baton resume` goes back to an older one, where it needs it");
            self.found(Kind::Incomplete, &path, Some(segment), problem);
        }
        Ok(())
    }
}

/// Segments whose checkpoint file is there, in order.
pub(super) fn checkpoint_files(dir: &RunDir) -> Result<impl Iterator<Item = u64>, RunError> {
    let folder = dir.path().join("checkpoints");
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => Some(entries),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(RunError::disk("read", &folder)(error)),
    };
    let names = entries.into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let segments = names.filter_map(|name| name.strip_suffix(".baton")?.parse().ok());
    Ok(segments.collect::<std::collections::BTreeSet<u64>>().into_iter())
}
