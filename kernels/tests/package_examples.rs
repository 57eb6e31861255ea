//! The shipped examples: they load, their files are what their recipes say, and `baton new` writes a package that works.
//!
//! `BATON_BLESS=1` writes the initial states anew instead of comparing them.

use std::path::{Path, PathBuf};

use kernels::package::Package;
use kernels::random::{Stream, uniform, words};

mod package_support;
use package_support::npy;

/// Temperature of the Ising example, J/k.
const TEMPERATURE: f64 = 2.27;

/// The examples that are folders; the others are made by `kernels::md`.
fn folders() -> impl Iterator<Item = &'static str> {
    kernels::examples::names().filter(|name| !kernels::md::examples::NAMES.contains(name))
}

fn packages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packages")
}

#[test]
fn every_example_survives_the_journey_as_an_archive() {
    for name in kernels::examples::names() {
        let package = kernels::examples::load(name).expect("a shipped example");
        let back = Package::from_archive(&package.to_archive().expect("packed")).expect("unpacked");
        assert_eq!(package.digest(), back.digest(), "{name}");
    }
}

#[test]
fn a_shipped_example_is_the_package_that_it_was() {
    // C0 names the package and its initial state. A change shows in all digests of its runs, and needs a word in CHANGELOG.md.
    let known = [
        ("argon", "89342d1ad9a0c42bf7ee5b40263dbcd41bbaf56c6b6dbb386b82368df3abb302"),
        (
            "gray-scott",
            "345c6e94d16ddf9afac79f9667f28204c43f910cf23300f414773ce7db73423d",
        ),
        ("ising", "237a0d811a6ab4932948024b49f9ff10ebd00474dededaed969d2699d7d8ac59"),
        ("laplace", "15c4a0b4a7b1a3f35c2b5e62b884a6815611bac0548f94f60ef8d039a2a25ea9"),
    ];
    for (name, digest) in known {
        let package = kernels::examples::load(name).expect("a shipped example");
        assert_eq!(
            kernels::run::initial_boundary(&package).0.digest.to_string(),
            digest,
            "{name}"
        );
    }
    assert!(kernels::examples::names().all(|name| known.iter().any(|(known, _)| *known == name)));
}

#[test]
fn every_folder_below_packages_is_embedded_and_loads() {
    for name in folders() {
        let embedded = kernels::examples::load(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let on_disk = Package::load(&packages().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(embedded.digest(), on_disk.digest(), "{name}");
        assert_eq!(embedded.manifest().name, name);
    }
    let found = std::fs::read_dir(packages())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name());
    let mut found: Vec<_> = found
        .filter(|name| name != "template")
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, folders().collect::<Vec<_>>());
    let error = kernels::examples::load("isling").expect_err("no such example").to_string();
    assert!(error.contains("'isling'") && error.contains("'ising'"), "{error}");
}

#[test]
fn examples_carry_the_projects_own_random_numbers() {
    for package in ["ising", "template"] {
        let copy = std::fs::read_to_string(packages().join(package).join("threefry.wgsl")).expect("a WGSL file");
        assert_eq!(
            copy,
            shaders::text("random/threefry.wgsl"),
            "{package}/threefry.wgsl differs from shaders/random/threefry.wgsl"
        );
    }
}

#[test]
fn a_new_package_works_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("my-walk");
    let package = Package::new_template("my-walk", &target).expect("a new folder");
    assert_eq!(package.manifest().name, "my-walk");
    assert_eq!(Package::load(&target).expect("it is there").digest(), package.digest());
    let text = std::fs::read_to_string(target.join("kernel.toml")).expect("a manifest");
    assert!(text.contains("# Buffers. Roles:"), "comments are kept");

    let again = Package::new_template("my-walk", &target)
        .expect_err("the folder is full")
        .to_string();
    assert!(again.contains("not empty"), "{again}");
    let name = Package::new_template("My Walk", &folder.path().join("other"))
        .expect_err("a bad name")
        .to_string();
    assert!(name.contains("'My Walk'") && name.contains("lower-case"), "{name}");
    assert!(!folder.path().join("other").exists(), "a refused name leaves nothing behind");
}

#[test]
fn initial_states_are_what_their_recipes_give() {
    let le = |values: Vec<i32>| values.into_iter().flat_map(i32::to_le_bytes).collect::<Vec<u8>>();
    let spins = (0..256 * 256)
        .map(|site| {
            if words(1, Stream::IsingStart, 0, site)[0] >> 31 == 1 {
                1
            } else {
                -1
            }
        })
        .collect();
    check("ising/spins.npy", &npy("<i4", "(256, 256)", &le(spins)));

    let threshold = |k: i32| (libm::exp(-4.0 * f64::from(k - 2) / TEMPERATURE).min(1.0) * 4_294_967_296.0 - 1.0).floor() as u32;
    let thresholds: Vec<u8> = (0..5).flat_map(|k| threshold(k).to_le_bytes()).collect();
    check("ising/acceptance.npy", &npy("<u4", "(5,)", &thresholds));

    let mut grid = Vec::new();
    for cell in 0..256u32 * 256 {
        let middle = |at: u32| (118..138).contains(&at);
        let start = if middle(cell / 256) && middle(cell % 256) {
            [0.5, 0.25]
        } else {
            [1.0, 0.0]
        };
        for (substance, base) in (0..).zip(start) {
            let noise = 2.0 * uniform(1, Stream::GrayScottStart, 0, 2 * cell + substance) - 1.0;
            let noise = if start[1] > 0.0 { 0.01 * noise } else { 0.0 };
            grid.extend_from_slice(&((base * (1.0 + noise)) as f32).to_le_bytes());
        }
    }
    check("gray-scott/grid.npy", &npy("<f4", "(256, 256, 2)", &grid));
}

fn check(file: &str, expected: &[u8]) {
    let path = packages().join(file);
    if std::env::var_os("BATON_BLESS").is_some() {
        std::fs::write(&path, expected).expect("a writable source tree");
    }
    assert!(
        std::fs::read(&path).expect("a file") == expected,
        "{file} is not what its recipe gives"
    );
}
