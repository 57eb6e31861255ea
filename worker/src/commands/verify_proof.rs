//! `baton verify FILE`: a proof, checked without a server.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use kernels::run::RunDir;
use protocol::http::{KeyList, Proof};
use protocol::{ChainEntry, PublicKey};
use serde::Serialize;
use signing::list;
use signing::proof::{Shown, Trust, check};

use crate::console::output;
use crate::exit::{Exit, Usage};

/// Bytes of a key list's file that are read.
const LIST_BYTES_MAX: u64 = 4 << 20;
/// The proof's name in a fetched run directory.
pub(super) const FILE: &str = "proof.json";
/// Bytes of a proof's file that are read.
pub(super) const BYTES_MAX: u64 = 256 << 20;

/// What the reader of a proof trusts.
#[derive(clap::Args, Debug)]
pub(crate) struct TrustArgs {
    /// Of a proof: the root key of the server's operator, as the operator told it. Without it nothing stands behind the server's key.
    #[arg(long, value_name = "KEY")]
    root: Option<PublicKey>,
    /// Of a proof: the newest key list that you know; an older one in the proof is refused.
    #[arg(long, value_name = "FILE", requires = "root")]
    keys: Option<PathBuf>,
}

impl TrustArgs {
    /// Whether something is trusted: then a proof is to be checked.
    pub(super) fn is_given(&self) -> bool {
        self.root.is_some()
    }
}

#[derive(Serialize)]
struct Document<'a> {
    file: &'a Path,
    job: protocol::JobId,
    server: &'a str,
    package: protocol::Digest,
    digest: protocol::Digest,
    segments: u64,
    signed: u64,
    confirmed: u64,
    anchored: bool,
    submitted: bool,
    /// Whether the run directory in which it lies has the same chain; none where it lies in none.
    same_as_directory: Option<bool>,
}

/// Checks a proof and says what it shows.
///
/// # Errors
/// It cannot be read, or something in it does not hold: the message names what.
pub(super) fn call(path: &Path, args: &TrustArgs, json: bool) -> anyhow::Result<Exit> {
    let bytes = kernels::run::disk::read(path, BYTES_MAX)?;
    let read = serde_json::from_slice(&bytes);
    let proof: Proof =
        read.with_context(|| format!("{}: expected a proof, as `baton fetch --proof` writes it", path.display()))?;
    let trust = trust(args)?;
    let shown = check(&proof, trust).with_context(|| path.display().to_string())?;
    let same = beside(path, &proof)?;
    let digest = proof.chain.last().map_or(protocol::chain::NO_PARENT, |last| last.digest);
    if json {
        output::json(&Document {
            file: path,
            job: proof.job,
            server: &proof.server,
            package: proof.package,
            digest,
            segments: shown.segments,
            signed: shown.signed,
            confirmed: shown.confirmed,
            anchored: shown.anchored,
            submitted: shown.submitted,
            same_as_directory: same.is_some().then_some(true),
        })?;
    } else {
        output::lines(lines(&proof, &shown, trust, same))?;
    }
    Ok(Exit::Done)
}

fn trust(args: &TrustArgs) -> anyhow::Result<Trust> {
    let Some(root) = args.root else { return Ok(Trust::default()) };
    let least_list = match &args.keys {
        None => 0,
        Some(path) => {
            let known = read_list(path)?;
            // Its end does not matter here: its number does.
            list::check(&known, root, 0, 0).with_context(|| path.display().to_string())?;
            known.number
        }
    };
    Ok(Trust {
        root: Some(root),
        least_list,
    })
}

/// Boundaries that the run directory in which the proof lies shares with it; none where it lies in none.
///
/// # Errors
/// One of them is another.
fn beside(path: &Path, proof: &Proof) -> anyhow::Result<Option<usize>> {
    let Some(folder) = path.parent().filter(|folder| folder.join("run.toml").exists()) else {
        return Ok(None);
    };
    let chain = RunDir::view(folder)?.chain()?;
    let mut shared = 0;
    for line in &chain {
        let entry: &ChainEntry = &line.entry;
        if let Some(proven) = proof.chain.iter().find(|proven| proven.segment == entry.segment) {
            if proven != entry {
                bail!(
                    "{}: segment {} of the run directory ends in {}, the proof's in {}",
                    folder.display(),
                    entry.segment,
                    entry.digest.short(),
                    proven.digest.short()
                );
            }
            shared += 1;
        }
    }
    if shared == 0 {
        bail!(Usage(format!(
            "{}: the run directory shares no boundary with the proof",
            folder.display()
        )));
    }
    Ok(Some(shared))
}

/// A key list's file.
///
/// # Errors
/// It cannot be read, or holds something else.
pub(super) fn read_list(path: &Path) -> anyhow::Result<KeyList> {
    let bytes = kernels::run::disk::read(path, LIST_BYTES_MAX).with_context(|| path.display().to_string())?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: expected a key list, as `baton key list` writes it", path.display()))
}

/// Now, Unix milliseconds.
pub(super) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn lines(proof: &Proof, shown: &Shown, trust: Trust, same: Option<usize>) -> Vec<String> {
    let mut lines = vec![
        format!("proof      of job {} on server {}, package {}", proof.job, proof.server, proof.package.short()),
        format!("chain      {} boundaries, each follows the one before", proof.chain.len()),
        format!(
            "hosts      {} of {} segments are signed by their hosts, {} of them by a second host, too, with the same digest",
            shown.signed, shown.segments, shown.confirmed
        ),
        match (&proof.submission, shown.submitted) {
            (None, _) => "scientist  did not sign the submission".to_owned(),
            (Some(signed), true) => format!("scientist  key {}, which the operator lists, signed the submission", signed.key),
            (Some(signed), false) => format!("scientist  key {} signed the submission; whose it is nobody says here", signed.key),
        },
        match trust.root {
            Some(root) => format!("root       {root} lists the server's key {}", proof.key),
            None => "root       none is trusted here (--root KEY): that the hosts' keys are those of hosts is the word of this file alone".to_owned(),
        },
    ];
    if let Some(shared) = same {
        lines.push(format!("directory  has the same {shared} boundaries"));
    }
    lines.push("everything in it holds".to_owned());
    lines
}
