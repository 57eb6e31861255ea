//! What a package promises: its program is the one the manifest describes, and its identity is its content.

use std::collections::BTreeMap;

use device::{Resource, Workgroups};
use kernels::package::Package;
use kernels::package::manifest::Number;
use proptest::prelude::*;

mod package_support;
use package_support as tiny;

#[test]
fn a_program_is_what_the_manifest_describes() {
    let package = tiny::load_changed(|_| {}).expect("the tiny package is good");
    let program = package.program();

    let sizes: Vec<u64> = program.buffers.iter().map(|buffer| buffer.size).collect();
    assert_eq!(sizes, [4 * 16, 4 * 16, 8], "vec4 rows take 16 bytes on the device");
    assert_eq!((0..3).map(|buffer| package.elements(buffer)).collect::<Vec<_>>(), [12, 12, 2]);
    assert_eq!(package.initial(0), tiny::positions());
    assert_eq!(package.initial(1), [0.25f32.to_le_bytes(); 12].concat());

    assert_eq!(program.modules.len(), 2);
    assert_eq!(program.modules[1].source, format!("{}\n{}", tiny::COMMON, tiny::COUNT));
    assert_eq!(
        program.passes[0].overrides,
        BTreeMap::from([("n".to_owned(), 4.0), ("dt".to_owned(), 0.5)])
    );
    assert_eq!(
        program.passes[0].bindings,
        BTreeMap::from([(0, Resource::Buffer(0)), (1, Resource::Buffer(1))])
    );
    assert_eq!(
        program.passes[1].bindings,
        BTreeMap::from([(0, Resource::Buffer(2)), (1, Resource::Clock)])
    );
    assert_eq!(program.passes[1].entry, "count");
    assert_eq!(
        package.workgroups(0),
        Workgroups::Direct([1, 1, 1]),
        "4 invocations in workgroups of 64"
    );
}

#[test]
fn a_saved_package_loads_with_the_same_digest() {
    let package = tiny::load_changed(|_| {}).expect("the tiny package is good");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("new").join("copy");
    package.save(&target).expect("a new folder");
    let copy = Package::load(&target).expect("what was saved loads");
    assert_eq!(copy.digest(), package.digest());
    assert_eq!(copy.manifest(), package.manifest());
    let error = package.save(&target).expect_err("the folder is full").to_string();
    assert!(error.contains("not empty"), "{error}");
}

/// Changing this changes the identity of every package: `docs/kernel-package.md` says what is digested.
#[test]
fn the_digest_of_the_tiny_package_never_changes() {
    let package = tiny::load_changed(|_| {}).expect("the tiny package is good");
    assert_eq!(
        package.digest().to_string(),
        "7d14eaedf6a06bb478d461e866f6623be4db162af1bbc11035002b071a6cf159"
    );
}

#[test]
fn the_digest_is_of_the_content_not_of_its_spelling() {
    let digest = tiny::load_changed(|_| {}).expect("the tiny package is good").digest();
    let respelled = tiny::MANIFEST
        .replace("format = 1\nname = \"tiny\"", "# A comment.\nname='tiny'\n\"format\"   = 0x1")
        .replace(
            "[run]\nsteps_per_segment = 10\nsegments = 2",
            "[run]\nsegments = 2\nsteps_per_segment = 1_0",
        )
        .replace("entry = \"count\"\n", "entry = \"count\"\noffset = 0\nconstants = {}\n")
        .replace("layout = \"vec4\"\nfill = 0.25", "fill = 2.5e-1\nlayout = \"vec4\"")
        .replace("scale = 0.5", "add = 0\nscale = 5e-1")
        .replace("bindings = { sum = \"total\" }", "[pass.bindings]\nsum = \"total\"")
        .replace(
            "type = \"u32\"\nshape = [2]",
            "layout = \"packed\"\ntype = \"u32\"\nshape = [ 2, ]",
        );
    let same = tiny::load_changed(|folder| {
        std::fs::write(folder.join("kernel.toml"), respelled).expect("a temporary file");
        let mut npy = tiny::npy("<f4", "(4, 3)", &tiny::positions());
        npy[6] = 2;
        npy.splice(10..10, [0, 0]);
        std::fs::write(folder.join("positions.npy"), npy).expect("a temporary file");
        std::fs::write(folder.join("notes.txt"), "a file that the manifest does not name").expect("a temporary file");
    });
    assert_eq!(same.expect("the same package").digest(), digest);
}

#[test]
fn the_digest_changes_with_every_part_of_the_content() {
    let digest = |package: Result<Package, _>| package.unwrap_or_else(|error| panic!("{error}")).digest();
    let mut digests = vec![
        digest(tiny::load_changed(|_| {})),
        digest(tiny::load_shader("drift.wgsl", "fn drift", "fn  drift")),
        digest(tiny::load_changed(|folder| {
            let mut positions = tiny::positions();
            positions[0] ^= 1;
            std::fs::write(folder.join("positions.npy"), tiny::npy("<f4", "(4, 3)", &positions)).expect("a temporary file");
        })),
    ];
    for (from, to) in [
        ("version = \"1.0\"", "version = \"1.1\""),
        ("a straight line.", "a line."),
        ("portable", "class-bound"),
        ("steps_per_segment = 10", "steps_per_segment = 20"),
        ("segments = 2", "segments = 3"),
        ("dt = 0.5", "dt = 0.25"),
        ("fill = 0.25", "fill = 0.5"),
        ("unit = \"nm\"", "unit = \"pm\""),
        ("[\"n\"]", "[4]"),
        ("every = 5\nbindings", "every = 1\nbindings"),
        ("buffer = \"positions\"\nevery = 5", "buffer = \"positions\"\nevery = 10"),
        ("scale = 0.5", "scale = -0.5"),
    ] {
        digests.push(digest(tiny::load_manifest(from, to)));
    }
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count, "two different packages have one digest");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_saved_loads_with_the_same_digest(
        description in "\\PC{0,40}",
        segments in 1u64..1 << 32,
        scale in proptest::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 3),
        add in -1e300f64..1e300,
        fill in any::<f32>().prop_filter("finite", |x| x.is_finite()),
        number in any::<i64>(),
        positions in proptest::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 12),
    ) {
        let model = tiny::load_changed(|_| {}).expect("the tiny package is good");
        let mut manifest = model.manifest().clone();
        manifest.description = description;
        manifest.run.segments = segments;
        manifest.buffers[0].scale = Some(scale);
        manifest.buffers[1].fill = Some(Number::Float(f64::from(fill)));
        manifest.outputs[1].columns[0].add = add;
        manifest.constants.insert("extra".to_owned(), Number::Integer(number));
        let bytes = positions.into_iter().flat_map(f32::to_le_bytes).collect();
        let init = BTreeMap::from([("positions".to_owned(), bytes)]);
        let package = Package::new(manifest, model.shaders().clone(), init).expect("still good");

        let folder = tempfile::tempdir().expect("a temporary folder");
        package.save(&folder.path().join("saved")).expect("a new folder");
        let loaded = Package::load(&folder.path().join("saved")).expect("what was saved loads");
        prop_assert_eq!(loaded.digest(), package.digest());
        prop_assert_eq!(loaded.initial(0), package.initial(0));
        prop_assert_eq!(loaded.initial(1), package.initial(1));
    }
}
