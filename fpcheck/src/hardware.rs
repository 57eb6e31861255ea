//! `hardware.json` of a run directory: the fingerprints of the classes that its bits are of, so that a refusal can say how another differs.
//!
//! Invariant: nothing decides by this file. It is words for people; a run directory without it works.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use protocol::HardwareClass;

use crate::Fingerprint;

/// Name of the file in a run directory.
pub const HARDWARE_FILE: &str = "hardware.json";
const BYTES_MAX: u64 = 1 << 24;

fn read(run: &Path) -> BTreeMap<String, Fingerprint> {
    let path = run.join(HARDWARE_FILE);
    let small = fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= BYTES_MAX);
    let bytes = if small {
        fs::read(&path).unwrap_or_default()
    } else {
        Vec::new()
    };
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// Note in a run directory on which hardware it is computed.
///
/// # Errors
/// The file system's.
pub fn note_hardware(run: &Path, fingerprint: &Fingerprint) -> io::Result<()> {
    let Some(class) = fingerprint.class() else { return Ok(()) };
    let mut known = read(run);
    if known.insert(class.to_string(), fingerprint.clone()).as_ref() == Some(fingerprint) {
        return Ok(());
    }
    let temporary = run.join(format!("{HARDWARE_FILE}.tmp"));
    fs::write(&temporary, serde_json::to_vec_pretty(&known)?)?;
    fs::rename(temporary, run.join(HARDWARE_FILE))
}

/// How a device differs from the class that a run directory's bits are of, in words; nothing where the directory does not say.
pub fn hardware_differences(run: &Path, class: HardwareClass, here: &Fingerprint) -> Vec<String> {
    let there = read(run).remove(&class.to_string());
    match there.filter(|there| there.class() == Some(class)) {
        Some(there) => there.differences(here),
        None => Vec::new(),
    }
}
