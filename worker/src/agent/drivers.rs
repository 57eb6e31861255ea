//! What can be seen of graphics drivers and cards without asking a driver, which would wake a card that sleeps.
//!
//! Invariant: nothing here opens a device or loads a library; a folder that cannot be read counts as empty. Where a platform shows nothing here, devices are looked for
//! now and then all the same ([`devices`](super::devices)).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Drivers' files that are looked at in a folder; no system has so many.
const ENTRIES_MAX: usize = 256;
/// Bytes of a driver's file; the loader's own are some hundred.
const MANIFEST_BYTES_MAX: u64 = 64 << 10;

/// Folders that the Vulkan loader looks into below each of its roots.
const ICD_FOLDER: &str = "vulkan/icd.d";

/// Kernel modules whose version a driver update changes.
const MODULES: [&str; 5] = ["amdgpu", "i915", "nouveau", "nvidia", "xe"];

/// What is seen now: a line for each file, module and card. It differs when drivers or cards changed.
pub(crate) fn marks() -> Vec<String> {
    let mut marks = Vec::new();
    for place in places(&|name| std::env::var_os(name)) {
        if place.is_dir() {
            names(&place)
                .iter()
                .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
                .for_each(|path| mark_manifest(path, &mut marks));
        } else {
            mark_manifest(&place, &mut marks);
        }
    }
    for cards in ["/dev/dri", "/dev"] {
        let cards = names(Path::new(cards)).into_iter().map(|path| path.display().to_string());
        marks.extend(cards.filter(|path| path.starts_with("/dev/dri/") || path.starts_with("/dev/nvidia")));
    }
    for module in MODULES {
        if let Ok(version) = fs::read_to_string(format!("/sys/module/{module}/version")) {
            marks.push(format!("{module} {}", version.trim()));
        }
    }
    marks
}

/// Files and folders in which the Vulkan loader looks for drivers, as its documentation of driver discovery on Linux says; `variable` reads the environment.
fn places(variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let listed = |name: &str| -> Option<Vec<PathBuf>> {
        let list = variable(name).filter(|list| !list.is_empty())?;
        Some(std::env::split_paths(&list).collect())
    };
    if let Some(named) = listed("VK_DRIVER_FILES").or_else(|| listed("VK_ICD_FILENAMES")) {
        return named;
    }
    let mut roots = listed("VK_ADD_DRIVER_FILES").unwrap_or_default();
    let home = variable("HOME").map(PathBuf::from);
    let in_home = |folder: &str| home.as_ref().map(|home| vec![home.join(folder)]);
    let lists = [
        listed("XDG_CONFIG_HOME").or_else(|| in_home(".config")),
        listed("XDG_CONFIG_DIRS").or_else(|| Some(vec!["/etc/xdg".into()])),
        Some(vec!["/usr/local/etc".into(), "/etc".into()]),
        listed("XDG_DATA_HOME").or_else(|| in_home(".local/share")),
        listed("XDG_DATA_DIRS").or_else(|| Some(vec!["/usr/local/share".into(), "/usr/share".into()])),
    ];
    roots.extend(lists.into_iter().flatten().flatten().map(|root| root.join(ICD_FOLDER)));
    roots
}

/// What a folder holds, in order.
fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.truncate(ENTRIES_MAX);
    paths
}

/// A driver's file, and the library that it names by a path: an update replaces either.
fn mark_manifest(path: &Path, marks: &mut Vec<String>) {
    let Some(seen) = mark(path) else { return };
    marks.push(seen);
    let is_small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= MANIFEST_BYTES_MAX);
    let Some(text) = is_small.then(|| fs::read(path).ok()).flatten() else {
        return;
    };
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    if let Some(library) = manifest["ICD"]["library_path"]
        .as_str()
        .filter(|library| library.contains('/'))
    {
        let folder = path.parent().unwrap_or_else(|| Path::new("/"));
        marks.extend(mark(&folder.join(library)));
    }
}

/// A file's name, size and time; none where it is not there.
fn mark(path: &Path) -> Option<String> {
    let target = fs::canonicalize(path).ok()?;
    let metadata = fs::metadata(&target).ok()?;
    Some(format!(
        "{} {} {} {:?}",
        path.display(),
        target.display(),
        metadata.len(),
        metadata.modified().ok()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_looked_for_where_the_loader_looks() {
        let named = |name: &str| (name == "VK_DRIVER_FILES").then(|| "/a/one.json:/b".into());
        assert_eq!(places(&named), [PathBuf::from("/a/one.json"), "/b".into()]);
        let usual = places(&|name| (name == "HOME").then(|| "/home/anna".into()));
        for expected in [
            "/usr/share/vulkan/icd.d",
            "/etc/vulkan/icd.d",
            "/home/anna/.local/share/vulkan/icd.d",
        ] {
            assert!(
                usual.iter().any(|place| place == Path::new(expected)),
                "{expected}: {usual:?}"
            );
        }
    }

    #[test]
    fn a_changed_library_and_a_file_that_is_gone_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (manifest, library) = (folder.path().join("a.json"), folder.path().join("liba.so"));
        let seen = || {
            let mut marks = Vec::new();
            mark_manifest(&manifest, &mut marks);
            marks
        };
        assert!(seen().is_empty());
        fs::write(&manifest, r#"{"ICD": {"library_path": "./liba.so"}}"#).unwrap();
        let without = seen();
        fs::write(&library, "1").unwrap();
        let first = seen();
        fs::write(&library, "12").unwrap();
        let updated = seen();
        assert_eq!((without.len(), first.len(), updated.len()), (1, 2, 2));
        assert_ne!(first, updated);
        fs::write(&manifest, "not JSON").unwrap();
        assert_eq!(seen().len(), 1);
    }
}
