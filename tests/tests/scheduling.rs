//! Contract: on the CPU device no shipped example depends on how its workgroups are scheduled. One thread or two, twenty permutations of the
//! workgroups, and checked mode (which would report a race, a stray access, a subnormal or a NaN) all cross the same boundaries.

use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::{Boundary, Executor, initial_state};

const PERMUTATIONS: u64 = 20;

fn boundaries(package: &Package, device: &dyn Device, options: &SessionOptions) -> Vec<Boundary> {
    let mut executor = Executor::open(package, device, options).expect("opens");
    executor.enter(0, &initial_state(package)).expect("enters");
    let crossings = (0..2).map(|_| {
        executor.advance(u64::MAX).expect("advances");
        executor.cross().expect("crosses")
    });
    crossings.collect()
}

fn holds_for(example: &str, steps: u64, steps_checked: u64) {
    let device = device::select("cpu").expect("the CPU device is always there");
    let short = |steps: u64| {
        let package = kernels::examples::load(example).expect("a shipped example");
        package
            .with_manifest(package.manifest().clone().with_steps_per_segment(steps))
            .expect("still a good package")
    };
    let package = short(steps);
    let threads = |threads: usize| SessionOptions {
        threads: Some(threads),
        ..SessionOptions::default()
    };
    let expected = boundaries(&package, device.as_ref(), &threads(1));
    assert!(
        expected == boundaries(&package, device.as_ref(), &threads(2)),
        "{example}: two threads"
    );
    for seed in 0..PERMUTATIONS {
        let options = SessionOptions {
            workgroup_order_seed: Some(seed),
            ..threads(2)
        };
        assert!(
            expected == boundaries(&package, device.as_ref(), &options),
            "{example}: workgroups in the order of seed {seed}"
        );
    }
    let package = short(steps_checked);
    let expected = boundaries(&package, device.as_ref(), &SessionOptions::default());
    let checked = SessionOptions {
        checked: true,
        ..SessionOptions::default()
    };
    assert!(
        expected == boundaries(&package, device.as_ref(), &checked),
        "{example}: checked mode"
    );
}

#[test]
fn argon() {
    holds_for("argon", 20, 4);
}

#[test]
fn ising() {
    holds_for("ising", 10, 1);
}

#[test]
fn gray_scott() {
    holds_for("gray-scott", 10, 1);
}
