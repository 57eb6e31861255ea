//! Systems that ship with the program: liquid argon, and a melt to measure speed with.

use super::fixed::edges_nm;
use super::{AtomType, GAS_CONSTANT, LennardJonesSystem, MdError, Plan};
use crate::package::Package;
use crate::random::{Stream, gaussian};

/// Seed of the examples' velocities.
const SEED: u64 = 1964;

/// Names of the examples.
pub const NAMES: [&str; 1] = ["argon"];

/// An example by name.
pub fn by_name(name: &str) -> Option<Result<Package, MdError>> {
    match name {
        "argon" => Some(argon().package()),
        _ => None,
    }
}

/// Rahman's liquid argon (Phys. Rev. 136, A405, 1964): 864 atoms, 1.374 g/cm³, 94.4 K, σ 0.3405 nm, ε/k 119.8 K, cutoff 2.25 σ.
/// Half of his time step: 5 fs conserves energy five times better than 10 fs.
///
/// It starts from a perfect crystal, which melts within a few picoseconds. Energy is conserved throughout, so the velocities are
/// drawn hot: at the temperature that leaves 94.4 K once the crystal's order has cost its potential energy. 10 ps are a segment.
pub fn argon() -> LennardJonesSystem {
    let sigma_nm = 0.3405;
    let epsilon_kj_mol = 119.8 * GAS_CONSTANT;
    let mass_u: f64 = 39.948;
    // Chosen so that the mean temperature after 20 ps is Rahman's.
    let start_k = 183.5;
    // 864 atoms of 39.948 u at 1.374 g/cm³.
    let edge_nm = (864.0 * mass_u * 1.660_539_066_6e-3 / 1.374).cbrt();
    LennardJonesSystem {
        name: "argon".into(),
        description: "Liquid argon after Rahman (1964): 864 atoms, 94.4 K, 1.374 g/cm3, Lennard-Jones, constant energy".into(),
        cutoff_nm: 2.25 * sigma_nm,
        skin_nm: LennardJonesSystem::usual_skin_nm(2.25 * sigma_nm),
        dt_ps: 0.005,
        plan: Plan {
            steps_per_segment: 2000,
            segments: 12,
            energies_every: 20,
            positions_every: 20,
        },
        ..crystal(
            6,
            edge_nm,
            AtomType {
                mass_u,
                sigma_nm,
                epsilon_kj_mol,
            },
            start_k,
        )
    }
}

/// The melt of LAMMPS's `bench/in.lj`: `4 cells³` atoms on a face-centred lattice at density 0.8442 and temperature 1.44, cutoff 2.5 σ,
/// skin 0.3 σ, step 0.005; 20 cells are 32,000 atoms. Reduced units: σ is 1 nm, ε 1 kJ/mol, the mass 1 u, and so time is in ps.
///
/// # Errors
/// Too few cells for the cutoff, or too many for one dispatch.
pub fn melt(cells: u32) -> Result<Package, MdError> {
    // Far past any limit, so that the lattice below is not built for nothing.
    if !(1..=200).contains(&cells) {
        return Err(MdError::System(format!("a melt of {cells} cells an edge: expected 2 to 101")));
    }
    let edge_nm = f64::from(cells) * (4.0f64 / 0.8442).cbrt();
    let system = LennardJonesSystem {
        name: "melt".into(),
        description:
            "Lennard-Jones melt, density 0.8442, in reduced units: nm, kJ/mol, u and ps for sigma, epsilon, mass and time"
                .into(),
        cutoff_nm: 2.5,
        skin_nm: 0.3,
        dt_ps: 0.005,
        plan: Plan {
            steps_per_segment: 1000,
            segments: 10,
            energies_every: 100,
            positions_every: 1000,
        },
        ..crystal(
            cells,
            edge_nm,
            AtomType {
                mass_u: 1.0,
                sigma_nm: 1.0,
                epsilon_kj_mol: 1.0,
            },
            1.44 / GAS_CONSTANT,
        )
    };
    system.package()
}

/// A face-centred lattice with velocities drawn at a temperature, scaled to it exactly, and no total momentum.
fn crystal(cells: u32, edge_nm: f64, kind: AtomType, temperature_k: f64) -> LennardJonesSystem {
    const BASIS: [[f64; 3]; 4] = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]];
    let step = edge_nm / f64::from(cells);
    let cells = || (0..cells).map(f64::from);
    let corners = cells().flat_map(|x| cells().flat_map(move |y| cells().map(move |z| [x, y, z])));
    let positions_nm: Vec<[f64; 3]> = corners
        .flat_map(|corner| BASIS.map(|offset| [0, 1, 2].map(|axis| (corner[axis] + offset[axis] + 0.25) * step)))
        .collect();
    let atoms = positions_nm.len();
    LennardJonesSystem {
        name: String::new(),
        description: String::new(),
        // The edge that the package can hold; the lattice is that of the exact edge.
        box_nm: edges_nm([edge_nm; 3]),
        types: vec![kind],
        type_of: vec![0; atoms],
        positions_nm,
        velocities_nm_ps: maxwell(atoms, kind.mass_u, temperature_k),
        dt_ps: 0.0,
        cutoff_nm: 0.0,
        skin_nm: 0.0,
        plan: Plan {
            steps_per_segment: 1,
            segments: 1,
            energies_every: 1,
            positions_every: 1,
        },
    }
}

/// Velocities of atoms of one mass, nm/ps: normally distributed, total momentum taken out, then scaled so that the kinetic energy is
/// exactly 3/2 N k T.
fn maxwell(atoms: usize, mass_u: f64, temperature_k: f64) -> Vec<[f64; 3]> {
    let draw = |particle: usize| gaussian(SEED, Stream::Velocities, 0, particle as u32);
    let mut velocities: Vec<[f64; 3]> = (0..atoms).map(|atom| [0, 1, 2].map(|axis| draw(3 * atom + axis))).collect();
    for axis in 0..3 {
        let mean = velocities.iter().map(|v| v[axis]).sum::<f64>() / atoms as f64;
        velocities.iter_mut().for_each(|v| v[axis] -= mean);
    }
    let squares: f64 = velocities.iter().flatten().map(|v| v * v).sum();
    let factor = (3.0 * atoms as f64 * GAS_CONSTANT * temperature_k / (mass_u * squares)).sqrt();
    velocities.iter_mut().flatten().for_each(|v| *v *= factor);
    velocities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argon_is_rahmans() {
        let argon = argon();
        assert_eq!(argon.atoms(), 864);
        assert!((argon.box_nm[0] - 3.468_090).abs() < 1e-6, "{}", argon.box_nm[0]);
        assert!((argon.cutoff_nm - 0.766_125).abs() < 1e-12);
        let momentum: f64 = argon.velocities_nm_ps.iter().flatten().sum::<f64>().abs();
        assert!(momentum < 1e-10, "{momentum}");
    }

    #[test]
    fn a_melt_needs_room_for_its_cutoff() {
        let error = melt(2).expect_err("2 cells are 3.4 sigma");
        assert!(
            error
                .to_string()
                .contains("the cutoff, 2.5 nm, is above half the box's shortest edge"),
            "{error}"
        );
        assert!(melt(0).is_err());
    }
}
