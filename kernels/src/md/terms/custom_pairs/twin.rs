//! Pair potentials by tables of types in double precision: u = a f₁₂(r) − b f₆(r) − c/r⁴, switched, with CHARMM's force switch, and the correction
//! beyond the cutoff.

use std::f64::consts::PI;

use crate::md::system::custom::ForceSwitch;
use crate::md::system::{CustomPairs, System, Vector};
use crate::md::twin::pairs::{Exclusions, for_each};
use crate::md::twin::switch::{switch, switched_off};
use crate::md::twin::vector::{push_pair, scale};

/// Add the forces; the energy, kJ/mol.
pub fn add(system: &System, forces: &mut [Vector]) -> f64 {
    let mut energy = 0.0;
    for pairs in &system.terms.custom_pairs {
        let excluded = Exclusions::new(system.atoms(), &pairs.exclusions);
        for_each(system, pairs.cutoff.map(|cutoff| cutoff.radius_nm), |a, b, d, r2| {
            if excluded.contain(a, b) {
                return;
            }
            let r = libm::sqrt(r2);
            let place = pairs.type_of[a as usize] as usize * pairs.types + pairs.type_of[b as usize] as usize;
            let (u, slope) = potential(pairs, place, r);
            let (s, falls) = switch(pairs.cutoff, r);
            energy += u * s;
            push_pair(forces, [a, b], scale(-(slope * s + u * falls) / r, d));
        });
        energy += correction(system, pairs);
    }
    energy
}

/// The potential at a distance, kJ/mol, and its slope, kJ/mol/nm, for the pair of types at `place` in the tables.
fn potential(pairs: &CustomPairs, place: usize, r: f64) -> (f64, f64) {
    let [a, b, c] = [&pairs.a_kj_mol_nm12, &pairs.b_kj_mol_nm6, &pairs.c_kj_mol_nm4].map(|table| table[place]);
    let ([f12, d12], [f6, d6]) = powers(pairs.force_switch, r);
    let r4 = r.powi(-4);
    (a * f12 - b * f6 - c * r4, a * d12 - b * d6 + 4.0 * c * r4 / r)
}

/// f₁₂ and f₆, each with its slope.
fn powers(force_switch: Option<ForceSwitch>, r: f64) -> ([f64; 2], [f64; 2]) {
    let (r3, r6) = (r.powi(-3), r.powi(-6));
    let plain = ([r6 * r6, -12.0 * r6 * r6 / r], [r6, -6.0 * r6 / r]);
    let Some(ForceSwitch { on_nm, off_nm }) = force_switch else {
        return plain;
    };
    let (on3, off3) = (on_nm.powi(3), off_nm.powi(3));
    let (on6, off6) = (on3 * on3, off3 * off3);
    if r <= on_nm {
        let ([f12, d12], [f6, d6]) = plain;
        ([f12 - 1.0 / (on6 * off6), d12], [f6 - 1.0 / (on3 * off3), d6])
    } else if r <= off_nm {
        let (k12, k6) = (off6 / (off6 - on6), off3 / (off3 - on3));
        let (x6, x3) = (r6 - 1.0 / off6, r3 - 1.0 / off3);
        (
            [k12 * x6 * x6, -12.0 * k12 * x6 * r6 / r],
            [k6 * x3 * x3, -6.0 * k6 * x3 * r3 / r],
        )
    } else {
        ([0.0; 2], [0.0; 2])
    }
}

/// 2π N²/V times the mean over all pairs, each particle with itself among them, of ∫ u r² dr beyond the cutoff and of what is switched off, kJ/mol.
pub fn correction(system: &System, pairs: &CustomPairs) -> f64 {
    let (Some(cutoff), Some(cell), true) = (pairs.cutoff, system.cell, pairs.long_range_correction) else {
        return 0.0;
    };
    let mut counts = vec![0.0; pairs.types];
    pairs.type_of.iter().for_each(|kind| counts[*kind as usize] += 1.0);
    let beyond = |place: usize| {
        let rc = cutoff.radius_nm;
        // A force switch leaves nothing beyond its end.
        let tail = if pairs.force_switch.is_some() {
            0.0
        } else {
            pairs.a_kj_mol_nm12[place] / (9.0 * rc.powi(9))
                - pairs.b_kj_mol_nm6[place] / (3.0 * rc.powi(3))
                - pairs.c_kj_mol_nm4[place] / rc
        };
        tail + switched_off(cutoff, |r| potential(pairs, place, r).0)
    };
    let mut sum = 0.0;
    for first in 0..pairs.types {
        sum += 0.5 * counts[first] * (counts[first] + 1.0) * beyond(first * pairs.types + first);
        for second in 0..first {
            sum += counts[first] * counts[second] * beyond(first * pairs.types + second);
        }
    }
    let n = system.atoms() as f64;
    2.0 * PI * n * n * sum / (0.5 * n * (n + 1.0)) / cell.volume_nm3()
}
