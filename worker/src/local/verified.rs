//! Verifies a run directory's record before export, analysis or plots are made from it.

use anyhow::bail;
use kernels::run::RunDir;
use kernels::run::verify::Kind;

use crate::console::output;

/// Hold what is recorded against the chain, for commands that read outputs.
///
/// # Errors
/// Something is not what was written, or is not there.
pub(crate) fn must_be_whole(dir: &RunDir) -> anyhow::Result<()> {
    let seen = dir.check_record()?;
    if let Some(found) = seen.findings.iter().find(|found| found.kind == Kind::Incomplete) {
        bail!("{}: {}", found.file.display(), found.problem);
    }
    for words in &seen.unchecked {
        output::note(format_args!("{}: not checked: {words}", dir.path().display()));
    }
    Ok(())
}
