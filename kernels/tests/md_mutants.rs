//! Mutants of a molecular package, each with one fault that a faulty build could have, must not come out with the package's own chain: an exclusion lost, one
//! iteration of the constraints less, sites that are not placed, a random stream that is used again. Each mutant is a package of its own text and bytes.

mod openmm_support;

use std::collections::BTreeMap;
use std::path::Path;

use device::SessionOptions;
use kernels::import::Options;
use kernels::md::Plan;
use kernels::md::system::{Bath, Integrator, Method};
use kernels::package::manifest::{Manifest, Number};
use kernels::package::{Package, PackageError};
use kernels::run::{Executor, initial_state};
use openmm_support::import_folder;
use protocol::StateBuffer;
use protocol::checkpoint::content_digest;

const PLAN: Plan = Plan {
    steps_per_segment: 4,
    segments: 3,
    energies_every: 4,
    positions_every: 4,
};

/// Water with virtual sites, constraints and a heat bath, with a reaction field; which particles are sites.
fn water() -> (Package, Vec<usize>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/molecules/water-with-sites");
    let mut system = unpacked(&folder);
    if let Some(dynamics) = &mut system.dynamics {
        dynamics.integrator = Integrator::LangevinMiddle(Bath {
            temperature_k: 300.0,
            friction_per_ps: 5.0,
        });
    }
    if let Some(nonbonded) = &mut system.terms.nonbonded
        && let Some(cutoff) = nonbonded.method.cutoff()
    {
        nonbonded.method = Method::ReactionField {
            cutoff,
            dielectric: 78.5,
        };
    }
    let masses = system.particles.iter().enumerate();
    let sites = masses
        .filter(|(_, particle)| particle.mass_u == 0.0)
        .map(|(at, _)| at)
        .collect();
    (system.package(PLAN).expect("a package"), sites)
}

fn unpacked(folder: &Path) -> kernels::md::system::System {
    import_folder(folder, &Options::default()).expect("a system").system
}

/// A fault put into the parts of a package.
type Mutation = fn(&mut Parts);

/// Parts of a package, to be changed.
struct Parts {
    manifest: Manifest,
    shaders: BTreeMap<String, String>,
    init: BTreeMap<String, Vec<u8>>,
}

impl Parts {
    fn of(package: &Package) -> Self {
        let buffers = package.manifest().buffers.iter().enumerate();
        let given = buffers.filter(|(_, buffer)| buffer.init.is_some());
        Self {
            manifest: package.manifest().clone(),
            shaders: package.shaders().clone(),
            init: given
                .map(|(index, buffer)| (buffer.name.clone(), package.initial(index)))
                .collect(),
        }
    }

    fn package(self) -> Result<Package, PackageError> {
        Package::new(self.manifest, self.shaders, self.init)
    }

    /// Replace a piece of a shader's text that is there.
    fn edit(&mut self, file: &str, from: &str, to: &str) {
        let text = self.shaders.get_mut(file).expect("a file of the package");
        assert!(text.contains(from), "{file}: {from}");
        *text = text.replacen(from, to, 1);
    }
}

/// Digests of the state at each boundary, on the CPU device; the message of a fault where there is one.
fn chain(package: &Package) -> Vec<String> {
    let device = device::select("cpu").expect("every machine has the CPU device");
    let mut executor = Executor::open(package, device.as_ref(), &SessionOptions::default()).expect("a session");
    executor.enter(0, &initial_state(package)).expect("a start");
    let segment = |_| {
        executor.advance(u64::MAX).expect("steps");
        match executor.cross() {
            Ok(boundary) => content_digest(&boundary.state).to_string(),
            Err(fault) => fault.to_string(),
        }
    };
    (0..PLAN.segments).map(segment).collect()
}

#[test]
fn every_mutant_leaves_the_chain() {
    let (package, _) = water();
    let expected = chain(&package);
    let same = Parts::of(&package).package().expect("the package again");
    assert_eq!(same.digest(), package.digest());
    assert_eq!(chain(&same), expected, "a package comes out as itself");
    let mutants: [(&str, Mutation); 4] = [
        ("an exclusion lost", |parts| {
            // The last atom's exclusions, from both sides: heads of four words for each atom (where its rows begin, how many), then rows of four tags.
            let Number::Integer(atoms) = parts.manifest.constants["atoms"] else {
                panic!("a number of atoms")
            };
            let (atoms, none) = (atoms as usize, u32::MAX.to_le_bytes());
            let words = parts.init.get_mut("exclusions").expect("exclusions").as_chunks_mut::<4>().0;
            let [first, count] = [4 * atoms - 2, 4 * atoms - 1].map(|at| u32::from_le_bytes(words[at]));
            let own = 4 * first as usize..4 * (first + (count & 0x7fff_ffff)) as usize;
            assert!(!own.is_empty());
            words[own].fill(none);
            let last = (atoms as u32 - 1).to_le_bytes();
            words[4 * atoms..]
                .iter_mut()
                .filter(|word| **word == last)
                .for_each(|word| *word = none);
        }),
        ("one iteration of the constraints less", |parts| {
            parts.edit("constraint.wgsl", "iteration < 3u", "iteration < 2u");
        }),
        ("sites that are not placed", |parts| {
            parts.manifest.passes.retain(|pass| !pass.name.starts_with("place_sites"));
            parts.shaders.remove("place_sites.wgsl");
        }),
        ("a random stream used again", |parts| {
            parts.edit(
                "noise.wgsl",
                "return gaussian3(tag, key, clock)",
                "return gaussian3(tag, key, vec4<u32>(clock.x % 4u, 0u, 0u, 0u))",
            );
        }),
    ];
    for (name, mutate) in mutants {
        let mut parts = Parts::of(&package);
        mutate(&mut parts);
        let mutant = parts.package().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(mutant.digest(), package.digest(), "{name}");
        let found = chain(&mutant);
        let parted = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        println!("{name}: leaves the chain in segment {parted:?}");
        assert!(parted.is_some(), "{name}: the mutant has the chain of the package");
        // The stream repeats from the second segment on; all else shows at once.
        let first = u64::from(name == "a random stream used again") as usize;
        assert_eq!(parted, Some(first), "{name}");
    }
}

/// A build that went on without the sites' places, with those that they had a segment before, would compute other forces in its first step.
#[test]
fn sites_that_are_not_placed_after_a_resume_leave_the_chain() {
    let (package, sites) = water();
    assert!(!sites.is_empty());
    let expected = chain(&package);
    let device = device::select("cpu").expect("every machine has the CPU device");
    let mut executor = Executor::open(&package, device.as_ref(), &SessionOptions::default()).expect("a session");
    let before = initial_state(&package);
    executor.enter(0, &before).expect("a start");
    let mut found = Vec::new();
    for segment in 0..PLAN.segments {
        executor.advance(u64::MAX).expect("steps");
        let boundary = executor.cross().expect("a boundary");
        found.push(content_digest(&boundary.state).to_string());
        if segment == 0 {
            let mut state = boundary.state.clone();
            let positions = |state: &[StateBuffer]| state.iter().position(|buffer| buffer.name == "positions");
            let at = positions(&state).expect("positions");
            for site in &sites {
                let place = 12 * site..12 * site + 12;
                state[at].bytes[place.clone()].copy_from_slice(&before[at].bytes[place]);
            }
            assert_ne!(state[at], boundary.state[at], "sites have moved");
            executor.enter(1, &state).expect("it goes on");
        }
    }
    assert_eq!(found[0], expected[0]);
    assert_ne!(found[1], expected[1]);
}
