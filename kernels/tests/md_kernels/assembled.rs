//! Whole systems as packages: energies and forces of real files on the CPU device, against the double-precision twins.

use device::SessionOptions;
use kernels::import::Options;
use kernels::md::Plan;
use kernels::md::fixed_cell::FixedCell;
use kernels::md::twin;
use kernels::run::evaluate;

use crate::openmm_support::{folder, import_folder, relative};

#[test]
fn water_and_alanine_dipeptide_with_pme_agree_with_double_precision() {
    for name in ["alanine-dipeptide", "tip3p-900"] {
        let Some(folder) = folder(name) else { continue };
        let imported = import_folder(&folder, &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut system = imported.system;
        system.dynamics = None;
        let plan = Plan {
            steps_per_segment: 1,
            segments: 1,
            energies_every: 1,
            positions_every: 1,
        };
        let package = system.package(plan).unwrap_or_else(|error| panic!("{name}: {error}"));
        let device = device::select("cpu").expect("every machine has the CPU device");
        let found = evaluate(&package, device.as_ref(), &SessionOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        // The twin at the positions and in the cell that the device has.
        let cell = FixedCell::new(system.cell.expect("periodic")).expect("a reduced cell");
        let buffers = &package.manifest().buffers;
        let index = buffers
            .iter()
            .position(|buffer| buffer.name == "positions")
            .expect("positions");
        let bytes = package.initial(index);
        let words: Vec<u32> = bytes
            .chunks_exact(4)
            .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
            .collect();
        system.positions_nm = words.chunks_exact(3).map(|p| cell.decode([p[0], p[1], p[2]])).collect();
        system.cell = Some(cell.cell());
        let expected = twin::evaluate(&system);
        for (class, energy) in &expected.energies_kj_mol {
            let off = found.energies[class.name()] - energy;
            println!("{name}: {}: {energy:.6} kJ/mol, off by {off:.1e}", class.name());
            assert!(
                off.abs() < (1e-6 * energy.abs()).max(2e-2),
                "{name}: {}: {off:e}",
                class.name()
            );
        }
        // Of a pair within a millionth of the cutoff f32 cannot tell on which side it lies: its atoms are named and left out.
        let nonbonded = system.terms.nonbonded.as_ref().expect("pairs");
        let cutoff_nm = nonbonded.method.cutoff().expect("a cutoff").radius_nm;
        let mut decided = vec![true; system.atoms()];
        twin::pairs::for_each(&system, Some(cutoff_nm * (1.0 + 1e-6)), |a, b, _, r2| {
            if r2.sqrt() > cutoff_nm * (1.0 - 1e-6) {
                println!("{name}: atoms {a} and {b} are {} nm apart, at the cutoff", r2.sqrt());
                decided[a as usize] = false;
                decided[b as usize] = false;
            }
        });
        let left_out = decided.iter().filter(|decided| !**decided).count();
        assert!(left_out <= 8, "{name}: {left_out} atoms at the cutoff");
        let kept = |all: &[[f64; 3]]| -> Vec<[f64; 3]> {
            let both = all.iter().zip(&decided).filter(|(_, decided)| **decided);
            both.map(|(force, _)| *force).collect()
        };
        let forces: Vec<[f64; 3]> = found
            .forces
            .chunks_exact(3)
            .map(|f| [f[0], f[1], f[2]].map(f64::from))
            .collect();
        let error = relative(&kept(&forces), &kept(&expected.forces_kj_mol_nm));
        println!("{name}: forces {error:.2e}");
        assert!(error < 3e-6, "{name}: {error:e}");
    }
}
