//! Fingerprints that were measured before, on disk and in this process: probing takes seconds, and starting a run must not.
//!
//! Invariant: what is read back was measured by the same probes on a device that says the same of itself. Any other driver,
//! compiler, probe or version of Baton has another file name. A file that cannot be read or was changed counts as absent.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use etcetera::BaseStrategy;
use protocol::{Digest, Tier};
use serde::{Deserialize, Serialize};

use crate::Fingerprint;
use crate::identity::Identity;
use crate::probe::PROBES;

/// Names the folder of the cache; empty turns it off.
pub const FOLDER_VARIABLE: &str = "BATON_CACHE_DIR";

/// Goes up when probes are fed or judged differently.
const PROBES_VERSION: u32 = 3;
const BYTES_MAX: u64 = 1 << 20;

static KNOWN: Mutex<BTreeMap<Digest, Fingerprint>> = Mutex::new(BTreeMap::new());

#[derive(Serialize, Deserialize)]
struct Entry {
    key: Digest,
    check: Digest,
    fingerprint: Fingerprint,
}

/// What a fingerprint is kept under.
fn key(identity: &Identity, tier: Tier) -> Digest {
    let mut text = format!("baton fingerprint {PROBES_VERSION}\n{tier}\n{}", identity.text());
    for probe in PROBES {
        text.push_str(probe.source());
    }
    text.push_str(&shaders::strict_library());
    Digest::of(text.as_bytes())
}

/// What a changed file would not have.
fn check(key: Digest, fingerprint: &Fingerprint) -> Option<Digest> {
    let text = serde_json::to_string(fingerprint).ok()?;
    Some(Digest::of(format!("{key}{text}").as_bytes()))
}

fn folder() -> Option<PathBuf> {
    match std::env::var_os(FOLDER_VARIABLE) {
        Some(folder) if folder.is_empty() => None,
        Some(folder) => Some(PathBuf::from(folder)),
        None => {
            let strategy = etcetera::choose_base_strategy().ok()?;
            Some(strategy.cache_dir().join("baton").join("fingerprints"))
        }
    }
}

/// The fingerprint of such a device, if it was measured before.
pub(crate) fn get(identity: &Identity, tier: Tier) -> Option<Fingerprint> {
    let key = key(identity, tier);
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Some(known.clone());
    }
    let path = folder()?.join(format!("{key}.json"));
    if fs::metadata(&path).ok()?.len() > BYTES_MAX {
        return None;
    }
    let entry: Entry = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let whole = entry.key == key && Some(entry.check) == check(key, &entry.fingerprint);
    let same = entry.fingerprint.identity == *identity && entry.fingerprint.tier == tier;
    let known = (whole && same).then_some(entry.fingerprint)?;
    remember(key, &known);
    Some(known)
}

fn remember(key: Digest, fingerprint: &Fingerprint) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(key, fingerprint.clone());
}

/// Keep a fingerprint. A disk that refuses only costs time later.
pub(crate) fn put(fingerprint: &Fingerprint) {
    let key = key(&fingerprint.identity, fingerprint.tier);
    remember(key, fingerprint);
    let Some(folder) = folder() else { return };
    let Some(check) = check(key, fingerprint) else { return };
    let entry = Entry {
        key,
        check,
        fingerprint: fingerprint.clone(),
    };
    // Two processes may do this at once: each writes a file of its own, and either's is right.
    let temporary = folder.join(format!("{key}.{}.tmp", std::process::id()));
    let written = fs::create_dir_all(&folder)
        .and_then(|()| serde_json::to_vec_pretty(&entry).map_err(Into::into))
        .and_then(|bytes| fs::write(&temporary, bytes))
        .and_then(|()| fs::rename(&temporary, folder.join(format!("{key}.json"))));
    if let Err(error) = written {
        tracing::debug!("{}: fingerprint not kept: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests {
    use device::DeviceInfo;

    use super::*;
    use crate::class::tests::info;

    #[test]
    fn a_driver_update_asks_for_new_probes_and_another_slot_does_not() {
        let of = |info: &DeviceInfo| key(&Identity::of(info), Tier::Portable);
        let update = DeviceInfo {
            driver: "d 2".into(),
            ..info()
        };
        let moved = DeviceInfo {
            id: "vulkan:1".into(),
            ..info()
        };
        assert_ne!(of(&update), of(&info()));
        assert_eq!(of(&moved), of(&info()));
        assert_ne!(key(&Identity::of(&info()), Tier::ClassBound), of(&info()));
    }
}
