//! Lennard-Jones coefficients of pairs of types, in double precision: u = 4ε((σ/r)¹² − (σ/r)⁶), truncated and not shifted.

use crate::md::AtomType;

/// A pair of types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// 4εσ⁶, kJ/mol nm⁶.
    pub c6: f64,
    /// 4εσ¹², kJ/mol nm¹².
    pub c12: f64,
}

impl Pair {
    /// Lorentz and Berthelot: σ is the arithmetic mean, ε the geometric one.
    pub fn mix(a: &AtomType, b: &AtomType) -> Self {
        let sigma6 = (0.5 * (a.sigma_nm + b.sigma_nm)).powi(6);
        let epsilon = (a.epsilon_kj_mol * b.epsilon_kj_mol).sqrt();
        Self {
            c6: 4.0 * epsilon * sigma6,
            c12: 4.0 * epsilon * sigma6 * sigma6,
        }
    }

    /// Energy at a squared distance, kJ/mol, without cutoff.
    pub fn energy(&self, r2_nm2: f64) -> f64 {
        let i6 = r2_nm2.powi(-3);
        (self.c12 * i6 - self.c6) * i6
    }

    /// `r · F` at a squared distance, kJ/mol, without cutoff.
    pub fn virial(&self, r2_nm2: f64) -> f64 {
        let i6 = r2_nm2.powi(-3);
        (12.0 * self.c12 * i6 - 6.0 * self.c6) * i6
    }
}

/// All pairs of types, row by row.
pub fn table(types: &[AtomType]) -> Vec<Pair> {
    types
        .iter()
        .flat_map(|a| types.iter().map(move |b| Pair::mix(a, b)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARGON: AtomType = AtomType {
        mass_u: 39.948,
        sigma_nm: 0.3405,
        epsilon_kj_mol: 0.996,
    };

    #[test]
    fn the_minimum_lies_at_the_sixth_root_of_two() {
        let pair = Pair::mix(&ARGON, &ARGON);
        let r2 = 2f64.powf(1.0 / 3.0) * 0.3405 * 0.3405;
        assert!((pair.energy(r2) + 0.996).abs() < 1e-12);
        assert!(pair.virial(r2).abs() < 1e-12);
    }

    #[test]
    fn virial_is_minus_r_times_the_slope() {
        let pair = Pair::mix(
            &ARGON,
            &AtomType {
                sigma_nm: 0.4,
                epsilon_kj_mol: 2.0,
                ..ARGON
            },
        );
        let (r, h) = (0.38f64, 1e-6);
        let slope = (pair.energy((r + h).powi(2)) - pair.energy((r - h).powi(2))) / (2.0 * h);
        assert!((pair.virial(r * r) + r * slope).abs() < 1e-5 * slope.abs());
    }
}
