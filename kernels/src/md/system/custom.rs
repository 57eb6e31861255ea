//! Potentials that other programs write as expressions: tables of pairs of types, single pairs with coefficients, generalised Born.

use super::Cutoff;

/// A pair potential between all particles, by their types: u = a f₁₂(r) − b f₆(r) − c/r⁴ with coefficients from tables of pairs of types.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomPairs {
    /// Each particle's type.
    pub type_of: Vec<u32>,
    /// Number of types, t.
    pub types: usize,
    /// a of each pair of types, kJ/mol nm¹², row-major `[t, t]`, symmetric.
    pub a_kj_mol_nm12: Vec<f64>,
    /// b, kJ/mol nm⁶, likewise.
    pub b_kj_mol_nm6: Vec<f64>,
    /// c, kJ/mol nm⁴, likewise; all 0 where there is none.
    pub c_kj_mol_nm4: Vec<f64>,
    /// CHARMM's force switch of f₁₂ and f₆; none: f₁₂ = r⁻¹², f₆ = r⁻⁶.
    pub force_switch: Option<ForceSwitch>,
    /// How far pairs reach; none: all pairs, nothing periodic.
    pub cutoff: Option<Cutoff>,
    /// Pairs that feel nothing, smaller index first, in order, each once.
    pub exclusions: Vec<[u32; 2]>,
    /// Whether energies hold the analytic correction beyond the cutoff.
    pub long_range_correction: bool,
}

/// CHARMM's force switch (Steinbach and Brooks, J. Comput. Chem. 15, 667, 1994), from r_on to r_off:
/// f₁₂ = r_off⁶/(r_off⁶ − r_on⁶) (r⁻⁶ − r_off⁻⁶)², f₆ = r_off³/(r_off³ − r_on³) (r⁻³ − r_off⁻³)²; within r_on, r⁻¹² − (r_on r_off)⁻⁶ and
/// r⁻⁶ − (r_on r_off)⁻³.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForceSwitch {
    /// r_on, nm.
    pub on_nm: f64,
    /// r_off, nm.
    pub off_nm: f64,
}

/// A single pair: E = k q/r + a/r¹² − b/r⁶, at any distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairBond {
    /// The two particles.
    pub atoms: [u32; 2],
    /// Factor of 1/r, kJ/mol nm.
    pub coulomb_kj_mol_nm: f64,
    /// a, kJ/mol nm¹².
    pub a_kj_mol_nm12: f64,
    /// b, kJ/mol nm⁶.
    pub b_kj_mol_nm6: f64,
}

/// Generalised Born implicit solvent, OBC II (Onufriev, Bashford and Case, Proteins 55, 383, 2004), as OpenMM's GBSAOBCForce.
#[derive(Clone, Debug, PartialEq)]
pub struct GbObc {
    /// What it knows of each particle.
    pub particles: Vec<GbParticle>,
    /// Relative permittivity of the solvent.
    pub solvent_dielectric: f64,
    /// Relative permittivity inside the molecule.
    pub solute_dielectric: f64,
    /// Energy of the surface term, E₀ in 4π E₀ (r + 0.14 nm)² (r/R)⁶, kJ/mol/nm².
    pub surface_kj_mol_nm2: f64,
    /// How far pairs reach, nm; none: all pairs.
    pub cutoff_nm: Option<f64>,
}

/// A particle in implicit solvent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GbParticle {
    /// Charge, e.
    pub charge_e: f64,
    /// Radius, nm.
    pub radius_nm: f64,
    /// Scale of its radius where it descreens others.
    pub scale: f64,
}
