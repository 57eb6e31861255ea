//! Passes that declare `underflow = "checked"` have looked: the CPU device's checked mode finds no subnormal, infinity or NaN in them.

use device::{DeviceError, SessionOptions};
use kernels::package::Package;
use kernels::package::manifest::Underflow;
use kernels::run::{Executor, RunError, initial_state};

/// Run `fast` steps as ever, then `slow` ones under watch.
fn look(package: &Package, fast: u64, slow: u64) -> Result<(), RunError> {
    let cpu = device::select("cpu").expect("every machine has the CPU device");
    let with = |package: &Package, steps| {
        let mut manifest = package.manifest().clone().with_steps_per_segment(steps);
        manifest.outputs.clear();
        manifest.evaluate = None;
        package.with_manifest(manifest).expect("still a good package")
    };
    let mut state = initial_state(package);
    if fast > 0 {
        let package = with(package, fast);
        let mut executor = Executor::open(&package, cpu.as_ref(), &SessionOptions::default())?;
        executor.enter(0, &state)?;
        executor.advance(fast)?;
        state = executor.cross()?.state;
    }
    let package = with(package, slow);
    let options = SessionOptions {
        checked: true,
        ..SessionOptions::default()
    };
    let mut executor = Executor::open(&package, cpu.as_ref(), &options)?;
    executor.enter(0, &state)?;
    executor.advance(slow)?;
    executor.wait()
}

fn declares(package: &Package) -> bool {
    package
        .manifest()
        .passes
        .iter()
        .any(|pass| pass.underflow == Underflow::Checked)
}

#[test]
fn gray_scott_has_no_subnormal() {
    let package = kernels::examples::load("gray-scott").expect("a shipped example");
    assert!(declares(&package));
    // At the start, and when waves have run through half of the grid: V decays towards nothing in front of them.
    for fast in [0, 25, 1000] {
        look(&package, fast, 2).unwrap_or_else(|error| panic!("after {fast} steps: {error}"));
    }
}

#[test]
fn molecular_packages_have_no_subnormal() {
    let melt = kernels::md::examples::melt(6).expect("a small melt");
    assert!(declares(&melt));
    // At rest in the lattice forces cancel to all but nothing; later they are a liquid's.
    for fast in [0, 100] {
        look(&melt, fast, 2).unwrap_or_else(|error| panic!("melt after {fast} steps: {error}"));
    }
}

#[test]
fn a_declaration_that_is_wrong_is_found() {
    let package = kernels::examples::load("gray-scott").expect("a shipped example");
    let mut shaders = package.shaders().clone();
    let euler = shaders.get_mut("euler.wgsl").expect("its shader");
    assert!(euler.contains("v < 1e-15"));
    *euler = euler.replace("v < 1e-15", "v < 0.0");
    let files = (0..package.manifest().buffers.len()).filter_map(|index| {
        let buffer = &package.manifest().buffers[index];
        buffer.init.as_ref()?;
        Some((buffer.name.clone(), package.initial(index)))
    });
    let careless = Package::new(package.manifest().clone(), shaders, files.collect()).expect("valid, but careless");
    match look(&careless, 100, 1) {
        Err(RunError::Device(DeviceError::Check(text))) => assert!(text.contains("subnormal"), "{text}"),
        other => panic!("nothing was found: {other:?}"),
    }
}
