//! Generalised Born implicit solvent (OBC II) in double precision, with the surface term of OpenMM's GBSAOBCForce.
//!
//! Born radii: Onufriev, Bashford and Case, Proteins 55, 383 (2004), with descreening after Hawkins, Cramer and Truhlar, J. Phys. Chem. 100, 19824 (1996).

use std::f64::consts::PI;

use crate::md::system::nonbonded::COULOMB;
use crate::md::system::{GbObc, System, Vector};
use crate::md::twin::pairs::for_each;
use crate::md::twin::vector::{push_pair, scale};

/// By what radii are smaller where they descreen and are descreened, nm.
pub const OFFSET_NM: f64 = 0.009;
/// The radius of a molecule of solvent, nm.
const PROBE_NM: f64 = 0.14;
/// α, β, γ of OBC II.
const OBC: [f64; 3] = [1.0, 0.8, 4.85];

/// −1/(4π ε₀) (1/ε_in − 1/ε_out): factor of q q'/f, kJ nm/mol/e².
pub fn factor_kj_nm_mol(gb: &GbObc) -> f64 {
    -COULOMB * (1.0 / gb.solute_dielectric - 1.0 / gb.solvent_dielectric)
}

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let Some(gb) = &system.terms.gb_obc else {
        return 0.0;
    };
    let (radii, chain) = born_radii(system, gb);
    let factor = factor_kj_nm_mol(gb);
    let mut energy = 0.0;
    // Slopes of the energy by the Born radii, kJ/mol/nm.
    let mut slopes = vec![0.0; radii.len()];
    for (index, particle) in gb.particles.iter().enumerate() {
        let radius = radii[index];
        let own = 0.5 * factor * particle.charge_e * particle.charge_e / radius;
        let surface =
            4.0 * PI * gb.surface_kj_mol_nm2 * (particle.radius_nm + PROBE_NM).powi(2) * (particle.radius_nm / radius).powi(6);
        energy += own + surface;
        slopes[index] -= (own + 6.0 * surface) / radius;
    }
    for_each(system, gb.cutoff_nm, |a, b, d, r2| {
        let (i, j) = (a as usize, b as usize);
        let product = radii[i] * radii[j];
        let ratio = r2 / (4.0 * product);
        let exp = libm::exp(-ratio);
        let f2 = r2 + product * exp;
        let charges = factor * gb.particles[i].charge_e * gb.particles[j].charge_e;
        let u = charges / libm::sqrt(f2);
        energy += u - gb.cutoff_nm.map_or(0.0, |cutoff| charges / cutoff);
        let by_product = -0.5 * u * exp * (1.0 + ratio) / f2;
        slopes[i] += by_product * radii[j];
        slopes[j] += by_product * radii[i];
        push_pair(forces, [a, b], scale(u * (1.0 - 0.25 * exp) / f2, d));
    });
    for (slope, (radius, chain)) in slopes.iter_mut().zip(radii.iter().zip(&chain)) {
        *slope *= radius * radius * chain;
    }
    for_each(system, gb.cutoff_nm, |a, b, d, r2| {
        let r = libm::sqrt(r2);
        let pull = slopes[a as usize] * descreened(gb, a, b, r).1 + slopes[b as usize] * descreened(gb, b, a, r).1;
        push_pair(forces, [a, b], scale(-pull / r, d));
    });
    energy
}

/// Born radii, nm, and for each particle the factor from a change of its descreening sum, ½ Σ H, to a change of −1/R, dimensionless.
fn born_radii(system: &System, gb: &GbObc) -> (Vec<f64>, Vec<f64>) {
    let mut sums = vec![0.0; gb.particles.len()];
    for_each(system, gb.cutoff_nm, |a, b, _, r2| {
        let r = libm::sqrt(r2);
        sums[a as usize] += descreened(gb, a, b, r).0;
        sums[b as usize] += descreened(gb, b, a, r).0;
    });
    let [alpha, beta, gamma] = OBC;
    let one = |(sum, particle): (&f64, &crate::md::system::GbParticle)| {
        let own = particle.radius_nm - OFFSET_NM;
        let psi = own * sum;
        let tanh = libm::tanh(psi * (alpha + psi * (-beta + psi * gamma)));
        let slope = own * (alpha + psi * (-2.0 * beta + psi * 3.0 * gamma));
        let radius = 1.0 / (1.0 / own - tanh / particle.radius_nm);
        (radius, (1.0 - tanh * tanh) * slope / particle.radius_nm)
    };
    sums.iter().zip(&gb.particles).map(one).unzip()
}

/// What particle `by` takes from the surroundings of `of`, ½ H, 1/nm, and its slope by their distance, 1/nm².
fn descreened(gb: &GbObc, of: u32, by: u32, r: f64) -> (f64, f64) {
    let (of, by) = (&gb.particles[of as usize], &gb.particles[by as usize]);
    let own = of.radius_nm - OFFSET_NM;
    let other = (by.radius_nm - OFFSET_NM) * by.scale;
    if own >= r + other {
        return (0.0, 0.0);
    }
    let (lower, upper) = (1.0 / own.max((r - other).abs()), 1.0 / (r + other));
    let (lower2, upper2) = (lower * lower, upper * upper);
    let log = libm::log(upper / lower);
    let mut h = lower - upper + 0.25 * r * (upper2 - lower2) + 0.5 * log / r + 0.25 * other * other / r * (lower2 - upper2);
    if own < other - r {
        h += 2.0 * (1.0 / own - lower);
    }
    let slope = -0.25 * (1.0 + other * other / (r * r)) * (lower2 - upper2) - 0.5 * log / (r * r);
    (0.5 * h, 0.5 * slope)
}
