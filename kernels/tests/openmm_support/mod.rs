//! What the tests of OpenMM's files and of the double-precision twins share: reference systems, and comparisons.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

use kernels::import::{Files, ImportError, Imported, Options, openmm};
use kernels::md::system::Vector;

/// A reference system's folder: in the repository, or beside it; none with a word about it where it is neither.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let places = ["tests/data/openmm", "../shared/data/openmm"].map(|place| root.join(place).join(name));
    let found = places.into_iter().find(|place| place.join("reference.json").is_file());
    if found.is_none() {
        println!("skipped: the reference system {name} is not here");
    }
    found
}

/// Import the files of a folder, gzipped or not, with an integrator where there is one.
pub fn import_folder(folder: &Path, options: &Options) -> Result<Imported, ImportError> {
    let file = |name: &str| {
        let packed = folder.join(format!("{name}.gz"));
        if packed.is_file() { packed } else { folder.join(name) }
    };
    let [system, state, integrator] = ["system.xml", "state.xml", "integrator.xml"].map(file);
    let files = Files {
        system: &system,
        state: &state,
        integrator: integrator.is_file().then_some(&integrator),
    };
    openmm(&files, options)
}

/// Write three texts as files, and import them; an empty integrator is left out.
pub fn import_texts(folder: &Path, texts: [&str; 3], options: &Options) -> Result<Imported, ImportError> {
    for (name, text) in ["system.xml", "state.xml", "integrator.xml"].into_iter().zip(texts) {
        let path = folder.join(name);
        if text.is_empty() {
            std::fs::remove_file(path).ok();
        } else {
            std::fs::write(path, text).expect("room");
        }
    }
    import_folder(folder, options)
}

/// A `[n, 3]` float64 `.npy` file.
pub fn vectors(path: &Path) -> Vec<Vector> {
    let bytes = std::fs::read(path).expect("a file");
    let header = kernels::package::npy::header(&bytes).expect("an npy file");
    assert_eq!(
        (header.descr.as_str(), header.fortran_order, header.shape[1]),
        ("<f8", false, 3)
    );
    let (numbers, _) = bytes[header.data..].as_chunks::<8>();
    let (vectors, _) = numbers.as_chunks::<3>();
    vectors.iter().map(|v| v.map(f64::from_le_bytes)).collect()
}

/// A JSON file.
pub fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// ‖a − b‖ / ‖b‖.
pub fn relative(a: &[Vector], b: &[Vector]) -> f64 {
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    let (a, b) = (a.as_flattened(), b.as_flattened());
    assert_eq!(a.len(), b.len());
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

/// All folders of a folder, in the order of their names.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut all: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

/// Let a script of `tests/openmm` write its systems into a folder; false, with a word about it, where no OpenMM can be had.
pub fn made_by(script: &str, folder: &Path) -> bool {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openmm");
    let python = Command::new(tools.join("python")).output().expect("sh");
    if !python.status.success() {
        println!("skipped: no OpenMM: {}", String::from_utf8_lossy(&python.stderr).trim());
        return false;
    }
    let python = String::from_utf8(python.stdout).expect("a path");
    let made = Command::new(python.trim())
        .arg(tools.join(script))
        .arg(folder)
        .output()
        .expect("Python");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    true
}
