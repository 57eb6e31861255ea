//! A molecular system as a kernel package: Lennard-Jones particles in a periodic box, at constant energy.
//!
//! | module | owns |
//! |---|---|
//! | [`build`](LennardJonesSystem::package) | the package: buffers, passes, outputs |
//! | [`check`] | what a system must fulfil |
//! | [`fixed`] | positions as fractions of the box, in 32 bits |
//! | [`fixed_cell`] | the same in a cell with any angles |
//! | [`list`] | the neighbor list: order of atoms, room |
//! | [`motion`] | constraints, thermostat, integrators |
//! | [`system`] | a molecular system as plain data: what importers make |
//! | [`terms`] | force terms, a folder each |
//! | [`twin`] | energies and forces of a whole system in double precision |
//! | [`examples`] | argon, and a melt to measure speed with |
//!
//! # How positions are held
//! As fractions of the box, unsigned with 2³² to the edge: differences are exact, wrap to the nearest image by overflow, and the
//! resolution is the same everywhere (3.5 nm: 8·10⁻¹⁰ nm). Edges are rounded to f32 once, so that the factor from fractions
//! to nm is exact. Velocities are f32, half a step behind the positions (OpenMM's convention); the state is these two.
//!
//! Lennard-Jones forces multiply the relative error of r² by seven, so in a cubic box r² of near pairs is computed to f32's last place
//! (`pair_cube.wgsl`), and far pairs, which are many and weak, are summed apart: argon's forces are then 4.4·10⁻⁷ from double precision at
//! the same positions. In a box of unequal edges they are as f32 leaves them, about 7·10⁻⁷.
//!
//! # What the bits depend on
//! On the package, the state at the segment's start and the step alone. The sort is a function of the positions, and so is the list's
//! order. Neighbors beyond the cutoff add exact zeros; but whether a pair counts as near or as far is decided when the list is built, so the skin,
//! which decides when that is, shows in last digits. It is a number of the package, covered by its digest.
//!
//! # Where a list takes atoms to be
//! Where they will be in the middle of its life (`predict.wgsl`): a list serves until an atom is half the skin from there, so an atom that first
//! comes closer and then leaves needs no new list for almost twice as long. Nothing but the list's own life depends on how good the guess is.
//!
//! # Faults
//! The observable buffer `fault` is 0 as long as all is well; see [`FAULTS`].

mod build;
pub mod check;
pub mod examples;
pub mod fixed;
pub mod fixed_cell;
pub mod list;
pub mod motion;
pub mod system;
pub mod terms;
pub mod twin;

pub use check::MdError;

/// Boltzmann's constant times Avogadro's, kJ/mol/K (exact in the SI of 2019).
pub const GAS_CONSTANT: f64 = 8.314_462_618_153_24e-3;

/// One kJ/mol/nm³ in bar.
pub const BAR_PER_KJ_MOL_NM3: f64 = 16.605_390_671_738_466;

/// Steps after which a new list also sorts the atoms again, so that clusters stay compact.
pub const SORT_PERIOD: u64 = 100;

/// What the values of the buffer `fault` mean.
pub const FAULTS: [(u32, &str); 4] = [
    (
        1,
        "a cluster of atoms has more neighbors than the list has room for (constants neighbors_max and hits_max): the system has become much denser somewhere than it was at the start; raise both, or check the starting state",
    ),
    (
        2,
        "an atom moved a quarter of the box or more in one step, or its velocity is not a number: the system has exploded; use a smaller time step, or a starting state without overlaps",
    ),
    (
        3,
        "an atom's energy is beyond 524,288 kJ/mol or not a number: atoms overlap; use a smaller time step, or a starting state without overlaps",
    ),
    (
        4,
        "a group of atoms is near more clusters than there is room for (constant candidates_max): the system has become much denser somewhere than it was at the start, or its atoms lie far apart; raise candidates_max",
    ),
];

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

/// Lennard-Jones particles in a periodic, orthorhombic box: velocity Verlet at constant energy, forces truncated at the cutoff.
#[derive(Clone, Debug, PartialEq)]
pub struct LennardJonesSystem {
    /// The package's name: lower-case letters, digits and `-`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Edges of the box, nm. The package rounds them to f32.
    pub box_nm: [f64; 3],
    /// Kinds of atoms.
    pub types: Vec<AtomType>,
    /// Each atom's kind, an index into `types`.
    pub type_of: Vec<u32>,
    /// Positions, nm, `[n, 3]`; any image.
    pub positions_nm: Vec<[f64; 3]>,
    /// Velocities, nm/ps, `[n, 3]`, half a step before the positions.
    pub velocities_nm_ps: Vec<[f64; 3]>,
    /// Time step, ps.
    pub dt_ps: f64,
    /// Pairs from here on feel nothing, nm.
    pub cutoff_nm: f64,
    /// The list holds pairs up to cutoff and skin, nm. Decides speed, and last digits.
    pub skin_nm: f64,
    /// Length of a run.
    pub plan: Plan,
}

impl LennardJonesSystem {
    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.type_of.len()
    }

    /// Pairs further apart than this, 1.1 of the largest σ, nm, pull with 2.4 ε/σ at most, where near ones push with twenty times as much:
    /// their distances need not be as exact.
    fn near_nm(&self) -> f64 {
        1.1 * self.types.iter().map(|kind| kind.sigma_nm).fold(0.0, f64::max)
    }

    /// How far ahead of itself a new list takes an atom to be (`predict.wgsl`), steps: a 25th of σ √(m / ε) of the type that has the least of it.
    /// In the melt, lists live 7.5 steps without, 12.9 with 5 steps, 14.3 with these 8, 14.0 with 10. Atoms that feel
    /// nothing fly straight as long as one likes: a thousand steps are enough.
    fn lead_steps(&self) -> f64 {
        let time = |kind: &AtomType| kind.sigma_nm * (kind.mass_u / kind.epsilon_kj_mol).sqrt();
        let times = self.types.iter().map(time).filter(|time| *time > 0.0);
        times
            .min_by(f64::total_cmp)
            .map_or(0.0, |time| (time / 25.0 / self.dt_ps).round().min(1000.0))
    }

    /// A skin that suits a cutoff: 0.3 σ for 2.5 σ.
    pub fn usual_skin_nm(cutoff_nm: f64) -> f64 {
        0.12 * cutoff_nm
    }
}
