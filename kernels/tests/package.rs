//! What a package promises: its program is the one the manifest describes, and its identity is its content.

use std::collections::BTreeMap;

use device::{Resource, Workgroups};
use kernels::package::Package;

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
