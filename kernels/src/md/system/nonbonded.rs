//! Lennard-Jones and Coulomb between all particles: method, cutoff, exclusions and exceptions.
//!
//! u = 4ε((σ/r)¹² − (σ/r)⁶) with σ the arithmetic and ε the geometric mean of the two particles' own (Lorentz, Berthelot).

use super::Cell;

/// 1 / (4π ε₀), kJ nm/mol/e²: with the constants of the SI of 2019, ε₀ = 8.8541878128·10⁻¹² F/m as OpenMM takes it.
pub const COULOMB: f64 = 138.935_457_644_381_98;

/// Order of the B-splines of PME, as OpenMM's.
pub const PME_ORDER: usize = 5;

/// Least points of a PME grid along an axis.
pub const PME_GRID_MIN: u32 = 6;

/// Lennard-Jones and Coulomb between all particles.
#[derive(Clone, Debug, PartialEq)]
pub struct Nonbonded {
    /// How far pairs reach and how Coulomb is summed.
    pub method: Method,
    /// Pairs that do not interact as all pairs do, smaller index first, in order, each once: those of `exceptions` and those that feel nothing.
    /// With PME they still get −k q₁q₂ erf(αr)/r with the particles' charges, which takes them out of the reciprocal sum.
    pub exclusions: Vec<[u32; 2]>,
    /// Excluded pairs that interact by numbers of their own (1-4 pairs, say), in the order of `exclusions`.
    pub exceptions: Vec<Exception>,
    /// Whether energies hold the analytic correction for Lennard-Jones beyond the cutoff.
    pub dispersion_correction: bool,
}

/// How pairs are summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// All pairs, nothing periodic, plain Coulomb.
    NoCutoff,
    /// Pairs within the cutoff, nearest images; Coulomb with a reaction field: k q₁q₂ (1/r + k_rf r² − c_rf).
    ReactionField {
        /// Cutoff.
        cutoff: Cutoff,
        /// Relative permittivity of the surroundings, ε: k_rf = (ε − 1)/((2ε + 1) r_c³), c_rf = 3ε/((2ε + 1) r_c).
        dielectric: f64,
    },
    /// Pairs within the cutoff, nearest images; Coulomb by smooth particle mesh Ewald with B-splines of [`PME_ORDER`].
    Pme {
        /// Cutoff.
        cutoff: Cutoff,
        /// Width of the Gaussian charges, α, 1/nm.
        alpha_per_nm: f64,
        /// Points of the grid along a, b and c.
        grid: [u32; 3],
    },
}

/// A cutoff. A pair interacts up to and including it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cutoff {
    /// r_c, nm.
    pub radius_nm: f64,
    /// Where Lennard-Jones begins to be switched off, r_s, nm: times 1 − 10x³ + 15x⁴ − 6x⁵, x = (r − r_s)/(r_c − r_s). None: not switched.
    pub switch_nm: Option<f64>,
}

/// An excluded pair that interacts by numbers of its own: plain Coulomb and Lennard-Jones, without cutoff, switch or reaction field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exception {
    /// The two particles, smaller index first.
    pub atoms: [u32; 2],
    /// Product of charges, e².
    pub charge_product_e2: f64,
    /// σ, nm.
    pub sigma_nm: f64,
    /// ε, kJ/mol.
    pub epsilon_kj_mol: f64,
}

impl Method {
    /// The cutoff, where there is one.
    pub fn cutoff(&self) -> Option<Cutoff> {
        match self {
            Self::NoCutoff => None,
            Self::ReactionField { cutoff, .. } | Self::Pme { cutoff, .. } => Some(*cutoff),
        }
    }
}

/// α for an error tolerance, 1/nm: √(−ln(2 tol)) / r_c (OpenMM's user guide, section 19.6.5).
pub fn ewald_alpha(cutoff_nm: f64, tolerance: f64) -> f64 {
    libm::sqrt(-libm::log(2.0 * tolerance)) / cutoff_nm
}

/// Points of the PME grid that an error tolerance asks for: ⌈2 α L / (3 tol^0.2)⌉ along each axis, at least [`PME_GRID_MIN`]. OpenMM takes the System's
/// default box for it, not the State's, and its Reference platform takes the size as it is.
pub fn pme_grid(alpha_per_nm: f64, default_cell: &Cell, tolerance: f64) -> [u32; 3] {
    let step = 3.0 * libm::pow(tolerance, 0.2);
    default_cell
        .diagonal_nm()
        .map(|edge| (libm::ceil(2.0 * alpha_per_nm * edge / step) as u32).max(PME_GRID_MIN))
}

/// k_rf, nm⁻³, and c_rf, nm⁻¹, of a reaction field.
pub fn reaction_field(cutoff_nm: f64, dielectric: f64) -> [f64; 2] {
    let scale = 2.0 * dielectric + 1.0;
    [
        (dielectric - 1.0) / (scale * cutoff_nm.powi(3)),
        3.0 * dielectric / (scale * cutoff_nm),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_and_grid_are_those_that_openmm_reports() {
        // `pme_parameters_used` of alanine-dipeptide, tip3p-900 and dhfr, Reference platform.
        for (edges, tolerance, alpha, grid) in [
            (
                [2.879_993_145_508_388_3, 2.880_782_112_674_536_3, 2.792_505_453_084_032_8],
                5e-4,
                2.920_289_872_087_184_6,
                [26, 26, 25],
            ),
            ([2.999_503_256_327_551; 3], 1e-5, 3.654_825_709_716_916, [74; 3]),
            ([6.223; 3], 5e-4, 2.920_289_872_087_184_6, [56; 3]),
        ] {
            let found = ewald_alpha(0.9, tolerance);
            assert!((found - alpha).abs() < 1e-15 * alpha, "{found}");
            assert_eq!(pme_grid(found, &Cell::rectangular(edges), tolerance), grid);
        }
    }
}
