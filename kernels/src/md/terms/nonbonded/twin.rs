//! Lennard-Jones and Coulomb in direct space in double precision: pairs, exceptions, what exclusions take out of Ewald's reciprocal sum, and the
//! correction for Lennard-Jones beyond the cutoff. The reciprocal sum itself is `terms::pme`.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use crate::md::system::nonbonded::{COULOMB, reaction_field};
use crate::md::system::{Cutoff, Exception, Method, Nonbonded, Particle, System, Vector};
use crate::md::twin::pairs::{Exclusions, for_each};
use crate::md::twin::switch::{switch, switched_off};
use crate::md::twin::vector::{dot, push_pair, scale};

/// erf(αr) below which an excluded pair takes its limit at r = 0, as in OpenMM's Reference platform.
const ERF_MIN: f64 = 1e-6;

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let Some(nonbonded) = &system.terms.nonbonded else {
        return 0.0;
    };
    pairs(system, nonbonded, forces)
        + exceptions(system, nonbonded, forces)
        + excluded_from_ewald(system, nonbonded, forces)
        + dispersion_correction(system)
}

/// σ and ε of two particles by Lorentz and Berthelot, nm and kJ/mol.
fn mixed(a: &Particle, b: &Particle) -> (f64, f64) {
    (
        0.5 * (a.sigma_nm + b.sigma_nm),
        libm::sqrt(a.epsilon_kj_mol * b.epsilon_kj_mol),
    )
}

/// 4ε((σ/r)¹² − (σ/r)⁶) and −r times its slope, kJ/mol.
fn lennard_jones(sigma_nm: f64, epsilon_kj_mol: f64, r2_nm2: f64) -> (f64, f64) {
    let s6 = (sigma_nm * sigma_nm / r2_nm2).powi(3);
    (
        4.0 * epsilon_kj_mol * (s6 * s6 - s6),
        epsilon_kj_mol * (48.0 * s6 * s6 - 24.0 * s6),
    )
}

/// Coulomb between charges whose product times the constant is `qq`: the energy and −r times its slope, kJ/mol.
fn coulomb(method: &Method, qq: f64, r: f64) -> (f64, f64) {
    match *method {
        Method::NoCutoff => (qq / r, qq / r),
        Method::ReactionField { cutoff, dielectric } => {
            let [k, c] = reaction_field(cutoff.radius_nm, dielectric);
            (qq * (1.0 / r + k * r * r - c), qq * (1.0 / r - 2.0 * k * r * r))
        }
        Method::Pme { alpha_per_nm, .. } => {
            let x = alpha_per_nm * r;
            let energy = qq * libm::erfc(x) / r;
            (energy, energy + qq * 2.0 * alpha_per_nm * libm::exp(-x * x) / PI.sqrt())
        }
    }
}

fn pairs(system: &System, nonbonded: &Nonbonded, forces: &mut [Vector]) -> f64 {
    let excluded = Exclusions::new(system.atoms(), &nonbonded.exclusions);
    let cutoff = nonbonded.method.cutoff();
    let mut energy = 0.0;
    for_each(system, cutoff.map(|cutoff| cutoff.radius_nm), |a, b, d, r2| {
        if excluded.contain(a, b) {
            return;
        }
        let (first, second) = (&system.particles[a as usize], &system.particles[b as usize]);
        let r = libm::sqrt(r2);
        let (mut sum, mut pull) = (0.0, 0.0);
        let (sigma, epsilon) = mixed(first, second);
        if epsilon > 0.0 {
            let (u, minus_ru) = lennard_jones(sigma, epsilon, r2);
            let (s, slope) = switch(cutoff, r);
            sum += u * s;
            pull += minus_ru * s - u * slope * r;
        }
        let qq = COULOMB * first.charge_e * second.charge_e;
        if qq != 0.0 {
            let (u, minus_ru) = coulomb(&nonbonded.method, qq, r);
            sum += u;
            pull += minus_ru;
        }
        energy += sum;
        if pull != 0.0 {
            push_pair(forces, [a, b], scale(pull / r2, d));
        }
    });
    energy
}

/// Pairs with numbers of their own.
fn exceptions(system: &System, nonbonded: &Nonbonded, forces: &mut [Vector]) -> f64 {
    let one = |exception: &Exception| {
        let [a, b] = exception.atoms;
        let d = system.difference_nm(a, b);
        let r2 = dot(d, d);
        let charges = COULOMB * exception.charge_product_e2 / libm::sqrt(r2);
        let (u, minus_ru) = lennard_jones(exception.sigma_nm, exception.epsilon_kj_mol, r2);
        (u + charges, [a, b], scale((minus_ru + charges) / r2, d))
    };
    let mut energy = 0.0;
    for (u, atoms, force) in nonbonded.exceptions.iter().map(one) {
        energy += u;
        push_pair(forces, atoms, force);
    }
    energy
}

/// Excluded pairs are part of the reciprocal sum: −k q₁q₂ erf(αr)/r takes them out, at any distance.
fn excluded_from_ewald(system: &System, nonbonded: &Nonbonded, forces: &mut [Vector]) -> f64 {
    let Method::Pme { alpha_per_nm, .. } = nonbonded.method else {
        return 0.0;
    };
    let mut energy = 0.0;
    for [a, b] in &nonbonded.exclusions {
        let qq = COULOMB * system.particles[*a as usize].charge_e * system.particles[*b as usize].charge_e;
        let d = system.difference_nm(*a, *b);
        let r2 = dot(d, d);
        let r = libm::sqrt(r2);
        let x = alpha_per_nm * r;
        let per_root_pi = 2.0 * alpha_per_nm / PI.sqrt();
        let erf = libm::erf(x);
        if erf > ERF_MIN {
            let u = qq * erf / r;
            energy -= u;
            let pull = u - qq * per_root_pi * libm::exp(-x * x);
            push_pair(forces, [*a, *b], scale(-pull / r2, d));
        } else {
            energy -= qq * per_root_pi;
        }
    }
    energy
}

/// The energy of Lennard-Jones beyond the cutoff, and of what the switching function takes away, for a fluid without structure there, kJ/mol:
/// 8π N²/V (⟨εσ¹²⟩/(9 r_c⁹) − ⟨εσ⁶⟩/(3 r_c³) + I), means over all pairs of particles, each with itself among them.
pub fn dispersion_correction(system: &System) -> f64 {
    let Some(nonbonded) = &system.terms.nonbonded else {
        return 0.0;
    };
    let (Some(cutoff), Some(cell), true) = (nonbonded.method.cutoff(), system.cell, nonbonded.dispersion_correction) else {
        return 0.0;
    };
    let mut kinds: BTreeMap<[u64; 2], (Particle, f64)> = BTreeMap::new();
    for particle in &system.particles {
        let key = [particle.sigma_nm, particle.epsilon_kj_mol].map(f64::to_bits);
        kinds.entry(key).or_insert((*particle, 0.0)).1 += 1.0;
    }
    let kinds: Vec<_> = kinds.into_values().collect();
    let mut sum = 0.0;
    for (index, (first, count)) in kinds.iter().enumerate() {
        sum += 0.5 * count * (count + 1.0) * beyond(first, first, cutoff);
        for (second, other) in &kinds[..index] {
            sum += count * other * beyond(first, second, cutoff);
        }
    }
    let n = system.atoms() as f64;
    let mean = sum / (0.5 * n * (n + 1.0));
    8.0 * PI * n * n * mean / cell.volume_nm3()
}

/// ε ∫ ((σ/r)¹² − (σ/r)⁶) r² dr beyond the cutoff, and before it of what is switched off, kJ/mol nm³.
fn beyond(a: &Particle, b: &Particle, cutoff: Cutoff) -> f64 {
    let (sigma, epsilon) = mixed(a, b);
    let (s6, rc3) = (sigma.powi(6), cutoff.radius_nm.powi(3));
    let tail = s6 * s6 / (9.0 * rc3.powi(3)) - s6 / (3.0 * rc3);
    let switched = switched_off(cutoff, |r| {
        let s6 = (sigma / r).powi(6);
        s6 * s6 - s6
    });
    epsilon * (tail + switched)
}
