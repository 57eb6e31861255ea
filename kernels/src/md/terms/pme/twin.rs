//! The reciprocal part of particle mesh Ewald in double precision, as OpenMM's Reference platform has it: B-splines of order 5, a grid of any size.
//!
//! Smooth PME: Essmann et al., J. Chem. Phys. 103, 8577 (1995). E = ½ Σ over grid frequencies of η |Q̂|², η = k exp(−π²m²/α²) / (π V m² B₁B₂B₃), and the
//! force on a charge is −q times the gradient of its weights on the grid of potentials.

use std::f64::consts::PI;

use super::transform::{Complex, Transform};
use crate::md::system::nonbonded::{COULOMB, PME_ORDER};
use crate::md::system::{Cell, Method, System, Vector};
use crate::md::twin::vector::{add as sum, dot, push, scale};

/// |B|² below which a frequency takes the mean of its neighbours.
const MODULUS_MIN: f64 = 1e-7;

/// Add the forces; the energy with self energy and that of a net charge, kJ/mol. 0 for a system without PME.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let (Some(nonbonded), Some(cell)) = (&system.terms.nonbonded, system.cell) else {
        return 0.0;
    };
    let Method::Pme { alpha_per_nm, grid, .. } = nonbonded.method else {
        return 0.0;
    };
    let grid = grid.map(|points| points as usize);
    let splines: Vec<_> = system.positions_nm.iter().map(|p| Spline::new(&cell, grid, *p)).collect();
    let charges: Vec<f64> = system.particles.iter().map(|particle| particle.charge_e).collect();
    let (energy, potential) = potential(&cell, alpha_per_nm, grid, &splines, &charges);
    let gradients = cell.gradients();
    for (particle, (spline, charge)) in splines.iter().zip(&charges).enumerate() {
        let mut slope = [0.0; 3];
        spline.for_each(grid, |place, weights, derivatives| {
            let phi = potential[place].re;
            for axis in 0..3 {
                let product: f64 = (0..3)
                    .map(|other| if other == axis { derivatives[other] } else { weights[other] })
                    .product();
                slope[axis] += phi * product * grid[axis] as f64;
            }
        });
        let force = (0..3).fold([0.0; 3], |force, axis| {
            sum(force, scale(-charge * slope[axis], gradients[axis]))
        });
        push(forces, particle as u32, force);
    }
    energy + self_energy(alpha_per_nm, &charges) + net_charge(&cell, alpha_per_nm, &charges)
}

/// −k α/√π Σ q², kJ/mol.
pub fn self_energy(alpha_per_nm: f64, charges_e: &[f64]) -> f64 {
    -COULOMB * alpha_per_nm / PI.sqrt() * charges_e.iter().map(|q| q * q).sum::<f64>()
}

/// The uniform background that a net charge Q is made neutral by: −Q²/(8 ε₀ V α²) = −k π Q²/(2 V α²), kJ/mol.
pub fn net_charge(cell: &Cell, alpha_per_nm: f64, charges_e: &[f64]) -> f64 {
    let total: f64 = charges_e.iter().sum();
    -COULOMB * PI * total * total / (2.0 * cell.volume_nm3() * alpha_per_nm * alpha_per_nm)
}

/// The energy in reciprocal space, kJ/mol, and at each point of the grid its slope by the charge there, kJ/mol/e.
fn potential(cell: &Cell, alpha: f64, grid: [usize; 3], splines: &[Spline], charges: &[f64]) -> (f64, Vec<Complex>) {
    let [nx, ny, nz] = grid;
    let mut values = vec![Complex::default(); nx * ny * nz];
    for (spline, charge) in splines.iter().zip(charges) {
        spline.for_each(grid, |place, weights, _| {
            values[place].re += charge * weights.iter().product::<f64>();
        });
    }
    let transforms = grid.map(Transform::new);
    let axes = |values: &mut [Complex], forward: bool| {
        transforms[0].along(values, [1, ny * nz, ny * nz], forward);
        transforms[1].along(values, [nx, nz, nz], forward);
        transforms[2].along(values, [nx * ny, 1, 1], forward);
    };
    axes(&mut values, true);
    let moduli = grid.map(moduli);
    let gradients = cell.gradients();
    let signed = |k: usize, n: usize| if k < n.div_ceil(2) { k as f64 } else { k as f64 - n as f64 };
    let mut energy = 0.0;
    for x in 0..nx {
        for y in 0..ny {
            for z in 0..nz {
                let value = &mut values[(x * ny + y) * nz + z];
                let counts = [signed(x, nx), signed(y, ny), signed(z, nz)];
                let m = (0..3).fold([0.0; 3], |m, axis| sum(m, scale(counts[axis], gradients[axis])));
                let m2 = dot(m, m);
                let eta = if m2 == 0.0 {
                    0.0
                } else {
                    let splines = moduli[0][x] * moduli[1][y] * moduli[2][z];
                    COULOMB * libm::exp(-PI * PI * m2 / (alpha * alpha)) / (PI * cell.volume_nm3() * m2 * splines)
                };
                energy += 0.5 * eta * (value.re * value.re + value.im * value.im);
                value.re *= eta;
                value.im *= eta;
            }
        }
    }
    axes(&mut values, false);
    (energy, values)
}

/// |Σ M₅(j + 1) exp(2πi j k/n)|² for each frequency k, M₅ at the integers being 1/24, 11/24, 11/24, 1/24.
pub fn moduli(n: usize) -> Vec<f64> {
    let modulus = |k: usize| {
        let mut value = Complex::default();
        for (j, weight) in [1.0 / 24.0, 11.0 / 24.0, 11.0 / 24.0, 1.0 / 24.0].into_iter().enumerate() {
            let angle = 2.0 * PI * (j * k % n) as f64 / n as f64;
            value.re += weight * libm::cos(angle);
            value.im += weight * libm::sin(angle);
        }
        value.re * value.re + value.im * value.im
    };
    let mut moduli: Vec<f64> = (0..n).map(modulus).collect();
    for k in 1..n - 1 {
        if moduli[k] < MODULUS_MIN {
            moduli[k] = 0.5 * (moduli[k - 1] + moduli[k + 1]);
        }
    }
    moduli
}

/// A particle's weights on the grid.
struct Spline {
    /// The first of five points along each axis.
    first: [usize; 3],
    weights: [[f64; PME_ORDER]; 3],
    /// Slopes of the weights by the place in units of grid points.
    derivatives: [[f64; PME_ORDER]; 3],
}

impl Spline {
    fn new(cell: &Cell, grid: [usize; 3], position: Vector) -> Self {
        let fractions = cell.fractions(position);
        let mut spline = Self {
            first: [0; 3],
            weights: [[0.0; PME_ORDER]; 3],
            derivatives: [[0.0; PME_ORDER]; 3],
        };
        for axis in 0..3 {
            let at = (fractions[axis] - fractions[axis].floor()) * grid[axis] as f64;
            let point = at as usize;
            spline.first[axis] = point % grid[axis];
            (spline.weights[axis], spline.derivatives[axis]) = weights(at - point as f64);
        }
        spline
    }

    /// Call with the index of each of the 125 points, its weights along the axes, and their slopes.
    fn for_each(&self, grid: [usize; 3], mut call: impl FnMut(usize, [f64; 3], [f64; 3])) {
        for i in 0..PME_ORDER {
            for j in 0..PME_ORDER {
                for k in 0..PME_ORDER {
                    let steps = [i, j, k];
                    let [x, y, z] = [0, 1, 2].map(|axis| (self.first[axis] + steps[axis]) % grid[axis]);
                    let pick = |list: &[[f64; PME_ORDER]; 3]| [0, 1, 2].map(|axis| list[axis][steps[axis]]);
                    call((x * grid[1] + y) * grid[2] + z, pick(&self.weights), pick(&self.derivatives));
                }
            }
        }
    }
}

/// Weights of order 5 at a fraction d of a grid step, and their slopes: from (1 − d, d), w_j ← ((d + k − 1 − j) w_(j−1) + (j + 1 − d) w_j)/(k − 1) for
/// k = 3, 4, 5.
fn weights(d: f64) -> ([f64; PME_ORDER], [f64; PME_ORDER]) {
    let mut w = [0.0; PME_ORDER];
    let mut slopes = [0.0; PME_ORDER];
    w[0] = 1.0 - d;
    w[1] = d;
    for k in 3..=PME_ORDER {
        if k == PME_ORDER {
            for j in 0..PME_ORDER {
                slopes[j] = if j > 0 { w[j - 1] } else { 0.0 } - w[j];
            }
        }
        for j in (0..k).rev() {
            let before = if j > 0 { w[j - 1] } else { 0.0 };
            w[j] = ((d + (k - 1 - j) as f64) * before + ((j + 1) as f64 - d) * w[j]) / (k - 1) as f64;
        }
    }
    (w, slopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_slopes_are_theirs() {
        for d in [0.0, 0.1, 0.5, 0.9, 1.0] {
            let (w, slopes) = weights(d);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            assert!(slopes.iter().sum::<f64>().abs() < 1e-15);
            assert!((w[0] - (1.0 - d).powi(4) / 24.0).abs() < 1e-15 && (w[4] - d.powi(4) / 24.0).abs() < 1e-15);
            let h = 1e-6;
            let (after, before) = (weights(d + h).0, weights(d - h).0);
            for j in 0..PME_ORDER {
                assert!(((after[j] - before[j]) / (2.0 * h) - slopes[j]).abs() < 1e-9, "{d} {j}");
            }
        }
    }
}
