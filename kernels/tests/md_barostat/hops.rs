//! One chain on every device, what cannot be set, and a mutant that forgets its counters.

use kernels::md::system::Method;
use kernels::package::Package;
use kernels::package::manifest::Role;
use kernels::run::Boundary;

use super::md_support::devices;
use super::support::{boundaries, dimers, imported, plan, scale_of, under_pressure};

/// Rigid water with virtual sites under pressure, where every other step is a try (with a reaction field: software GPUs take minutes to compile the transforms).
fn hopper() -> Package {
    let mut water = imported("molecules", "water-with-sites");
    let nonbonded = water.terms.nonbonded.as_mut().expect("a force");
    let cutoff = nonbonded.method.cutoff().expect("a cutoff");
    nonbonded.method = Method::ReactionField {
        cutoff,
        dielectric: 78.5,
    };
    let mut system = under_pressure(water, 3000.0, 2);
    system.dynamics.as_mut().expect("dynamics").step_ps = 0.002;
    system.package(plan(4, 3)).expect("a package")
}

#[test]
fn a_temperature_that_the_barostat_would_not_follow_cannot_be_set() {
    let names: Vec<String> = hopper().manifest().settings.keys().cloned().collect();
    assert_eq!(names, ["seed"]);
}

#[test]
fn every_device_makes_the_same_moves() {
    let package = hopper();
    let mut expected: Option<Vec<Boundary>> = None;
    for device in devices() {
        let found = boundaries(&package, device.as_ref());
        let scale = scale_of(found.last().expect("a boundary"));
        println!("{}: scale {scale}", device.info().id);
        assert!(scale != 1.0, "a move was accepted");
        let first = expected.get_or_insert_with(|| found.clone());
        assert!(found == *first, "{} parts", device.info().id);
    }
}

/// A build whose counters were not part of the state would go on with other sizes of moves.
#[test]
fn counters_that_are_not_in_the_state_show() {
    let mut system = under_pressure(dimers(false), 2000.0, 1);
    system.dynamics.as_mut().expect("dynamics").step_ps = 1e-4;
    let package = system.package(plan(7, 6)).expect("a package");
    let mut manifest = package.manifest().clone();
    for buffer in &mut manifest.buffers {
        if buffer.name == "barostat_counts" {
            (buffer.role, buffer.init) = (Role::Scratch, None);
        }
    }
    let buffers = manifest
        .buffers
        .iter()
        .enumerate()
        .filter(|(_, buffer)| buffer.init.is_some());
    let init = buffers
        .map(|(index, buffer)| (buffer.name.clone(), package.initial(index)))
        .collect();
    let mutant = Package::new(manifest, package.shaders().clone(), init).expect("a package");
    let device = device::select("cpu").expect("every machine has the CPU device");
    let course = |package: &Package| -> Vec<u32> {
        let all = boundaries(package, device.as_ref());
        all.iter().map(|boundary| scale_of(boundary).to_bits()).collect()
    };
    let (right, wrong) = (course(&package), course(&mutant));
    let parted = right.iter().zip(&wrong).position(|(a, b)| a != b);
    println!("the mutant parts at boundary {parted:?}");
    assert!(parted.is_some_and(|at| at > 0), "right {right:?}, wrong {wrong:?}");
}
