//! The ensemble: an ideal gas, whose distribution of volumes is known.

use kernels::md::fixed_cell::FixedCell;
use kernels::md::system::{Cell, Particle, System};
use kernels::md::{BAR_PER_KJ_MOL_NM3, GAS_CONSTANT, Plan};
use kernels::random::{Stream, uniform};

use super::support::{boundaries, under_pressure};

/// Particles without interaction: p(V) ~ V^N exp(-P V / kT), so <V> = (N + 1) kT / P and the variance is (N + 1) (kT / P)^2.
#[test]
fn an_ideal_gas_has_its_exact_distribution_of_volumes() {
    let atoms = 15;
    let kt_over_p = GAS_CONSTANT * 300.0 * BAR_PER_KJ_MOL_NM3 / 100.0;
    let mean = (atoms + 1) as f64 * kt_over_p;
    let mut system = System {
        name: "ideal-gas".into(),
        cell: Some(Cell::rectangular([mean.cbrt(); 3])),
        ..System::default()
    };
    for atom in 0..atoms {
        let point = [0, 1, 2].map(|axis| mean.cbrt() * uniform(5, Stream::Test, 0, 3 * atom + axis));
        system.positions_nm.push(point);
        system.velocities_nm_ps.push([0.0; 3]);
        system.particles.push(Particle {
            mass_u: 9e5,
            charge_e: 0.0,
            sigma_nm: 0.3,
            epsilon_kj_mol: 0.0,
        });
    }
    let system = under_pressure(system, 100.0, 1);
    let package = system
        .package(Plan {
            steps_per_segment: 20_000,
            segments: 1,
            energies_every: 1,
            positions_every: 20_000,
        })
        .expect("a package");
    let device = device::select("cpu").expect("every machine has the CPU device");
    let boundary = boundaries(&package, device.as_ref()).remove(0);
    let outputs = &package.manifest().outputs;
    let at = outputs.iter().position(|output| output.name == "energies").expect("energies");
    let columns = &outputs[at].columns;
    let edge = columns.iter().find(|column| column.name == "box_x").expect("a column");
    let row = boundary.outputs[at].len() / 20_000;
    let first = FixedCell::new(system.cell.expect("a box")).expect("a cell").cell();
    let volumes = boundary.outputs[at].chunks_exact(row).map(|row| {
        let word = &row[4 * edge.element as usize..][..8];
        let scaled = i64::from_le_bytes(word.try_into().expect("eight bytes")) as f64 * edge.scale;
        first.volume_nm3() * (scaled / first.diagonal_nm()[0]).powi(3) / kt_over_p
    });
    // The size of moves is still sought at first.
    let volumes: Vec<f64> = volumes.skip(1000).collect();
    let block = |f: &dyn Fn(f64) -> f64| {
        let means: Vec<f64> = volumes
            .chunks_exact(950)
            .map(|block| block.iter().map(|v| f(*v)).sum::<f64>() / block.len() as f64)
            .collect();
        let count = means.len() as f64;
        let mean = means.iter().sum::<f64>() / count;
        let spread = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, (spread / count).sqrt())
    };
    let n1 = f64::from(atoms + 1);
    let (volume, volume_error) = block(&|v| v);
    let (variance, variance_error) = block(&|v| (v - n1).powi(2));
    println!("volume {volume:.3} ± {volume_error:.3} for {n1} kT/P, variance {variance:.2} ± {variance_error:.2} for {n1}");
    assert!((volume - n1).abs() < 4.0 * volume_error && volume_error < 0.02 * n1);
    assert!((variance - n1).abs() < 4.0 * variance_error && variance_error < 0.1 * n1);
}
