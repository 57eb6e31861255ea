//! Terms of two to eight given particles, and springs to points in space.
//!
//! Differences between the particles of a term are nearest images in a periodic system: importers refuse states in which that is not what the
//! program that wrote them would take.

use super::Vector;

/// E = k (r − r₀)² / 2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bond {
    /// The two particles.
    pub atoms: [u32; 2],
    /// r₀, nm.
    pub length_nm: f64,
    /// k, kJ/mol/nm².
    pub k_kj_mol_nm2: f64,
}

/// E = k (θ − θ₀)² / 2, θ the angle at the middle particle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Angle {
    /// The three particles; the middle one is the vertex.
    pub atoms: [u32; 3],
    /// θ₀, radians.
    pub angle_rad: f64,
    /// k, kJ/mol/rad².
    pub k_kj_mol_rad2: f64,
}

/// E = k (1 + cos(n φ − φ₀)), φ the dihedral angle in the IUPAC sense (trans is π).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Torsion {
    /// The four particles in order.
    pub atoms: [u32; 4],
    /// n; 0 is a constant energy.
    pub periodicity: u32,
    /// φ₀, radians.
    pub phase_rad: f64,
    /// k, kJ/mol.
    pub k_kj_mol: f64,
}

/// Ryckaert-Bellemans: E = Σ Cᵢ cosⁱ ψ, i from 0 to 5, ψ = φ − π (trans is 0).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RbTorsion {
    /// The four particles in order.
    pub atoms: [u32; 4],
    /// C₀ to C₅, kJ/mol.
    pub c_kj_mol: [f64; 6],
}

/// Harmonic improper: E = k d², d = φ − φ₀ wrapped into half a period on either side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Improper {
    /// The four particles in order.
    pub atoms: [u32; 4],
    /// φ₀, radians.
    pub angle_rad: f64,
    /// k, kJ/mol/rad²: the factor of d², a half included where the source has one.
    pub k_kj_mol_rad2: f64,
    /// By what differences wrap, radians: twice the source's own π, which is often a rounded number; none where the source does not wrap.
    pub period_rad: Option<f64>,
}

/// A map of energies over two torsion angles, periodic in both.
#[derive(Clone, Debug, PartialEq)]
pub struct CmapGrid {
    /// Points along each axis, `size`; the angles of point i are 2π i / size, from 0.
    pub size: usize,
    /// Energies, kJ/mol, `size²`; that of point (i, j) is at i + size j, i along the first angle.
    pub energies_kj_mol: Vec<f64>,
}

/// Two torsions whose angles a map turns into an energy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CmapTorsion {
    /// Index of the map.
    pub grid: u32,
    /// The particles of the first and of the second torsion.
    pub atoms: [[u32; 4]; 2],
}

/// A spring to a point: E = k d², d the distance from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restraint {
    /// The particle.
    pub atom: u32,
    /// k, kJ/mol/nm²: the factor of d², a half included where the source has one.
    pub k_kj_mol_nm2: f64,
    /// The point, nm; the nearest image of it counts in a periodic system.
    pub at_nm: Vector,
}
