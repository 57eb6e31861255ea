//! Molecular systems as kernel packages.
//!
//! | module | owns |
//! |---|---|
//! | [`draft`] | a package under construction, to which parts contribute: start here to add a force term |
//! | `assemble` | [`system::System::package`]: which parts a general system is made of |
//! | [`list`] | the neighbor list: order of atoms, room |
//! | [`system`] | a molecular system as plain data: what importers make |
//! | [`terms`] | force terms, a folder each |
//! | [`twin`] | energies and forces of a whole system in double precision |
//! | [`motion`] | constraints, thermostat, integrators |
//! | [`observe`] | what is measured |
//! | [`readback`] | what a molecular package says of its particles |
//! | [`minimize`] | the energy of a package's starting state, minimised |
//! | `lennard_jones` | [`LennardJonesSystem`]: particles of several types at constant energy |
//! | [`check`] | what such a system must fulfil |
//! | [`fixed`] | positions as fractions of the box, in 32 bits |
//! | [`fixed_cell`] | the same in a cell with any angles |
//! | [`examples`] | argon, and a melt to measure speed with |
//!
//! # How positions are held
//! As fractions of the box, unsigned with 2³² to the edge: differences are exact, wrap to the nearest image by overflow, and the
//! resolution is the same everywhere (3.5 nm: 8·10⁻¹⁰ nm). Edges are rounded to f32 once, so that the factor from fractions
//! to nm is exact. Velocities are f32, half a step behind the positions (OpenMM's convention); the state is these two.
//!
//! # What the bits depend on
//! On the package, the state at the segment's start and the step alone. Each pair's force is rounded to an integer by itself, so that sums depend on the pairs within the
//! cutoff, not on the list, its skin, the sort or what they were computed by.
//!
//! # Where a list takes atoms to be
//! Where they will be in the middle of its life (`predict.wgsl`): a list serves until an atom is half the skin from there, so an atom that first
//! comes closer and then leaves needs no new list for almost twice as long. Nothing but the list's own life depends on how good the guess is.
//!
//! # Faults
//! The observable buffer `fault` is 0 as long as all is well. Numbers, given to the draft by the parts that raise them: 2 a displacement out of range,
//! 3 an energy, 5 constraints that cannot hold, 6 a force, 7 a momentum, 8 a sum of implicit solvent, 9 the charge grid of PME, 10 a box that has become too small for its list; 101 and 102
//! a list out of capacity, which is enlarged (`grow` of the manifest).

mod assemble;
pub mod check;
pub mod draft;
pub mod examples;
pub mod fixed;
pub mod fixed_cell;
mod lennard_jones;
pub mod list;
pub mod minimize;
pub mod motion;
pub mod observe;
pub mod readback;
pub mod system;
pub mod terms;
pub mod twin;

pub use check::MdError;
pub use lennard_jones::LennardJonesSystem;

/// Boltzmann's constant times Avogadro's, kJ/mol/K (exact in the SI of 2019).
pub const GAS_CONSTANT: f64 = 8.314_462_618_153_24e-3;

/// One kJ/mol/nm³ in bar.
pub const BAR_PER_KJ_MOL_NM3: f64 = 16.605_390_671_738_466;

/// Steps after which a new list also sorts the atoms again, so that clusters stay compact.
pub const SORT_PERIOD: u64 = 150;

/// A kind of atom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtomType {
    /// Mass, u.
    pub mass_u: f64,
    /// Lennard-Jones σ, nm. Types mix as Lorentz and Berthelot say.
    pub sigma_nm: f64,
    /// Lennard-Jones ε, kJ/mol.
    pub epsilon_kj_mol: f64,
}

/// Length of a run, and what is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Steps between two boundaries.
    pub steps_per_segment: u64,
    /// Segments of a whole run.
    pub segments: u64,
    /// Steps between two rows of energies; divides `steps_per_segment`.
    pub energies_every: u64,
    /// Steps between two frames of positions; divides `steps_per_segment`.
    pub positions_every: u64,
}
