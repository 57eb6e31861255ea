//! A molecular system as plain data in double precision: particles, force terms, constraints, sites, and how it moves.
//!
//! Importers make a [`System`], the package builder and the double-precision reference read it. It knows no device, no package and no file
//! format. Units everywhere: nm, ps, u (dalton), e, kJ/mol, K, bar, radians; forces in kJ/mol/nm.
//!
//! | module | owns |
//! |---|---|
//! | [`particle`] | particles, and which of them are alike (kinds) |
//! | [`cell`] | the periodic box: three vectors in reduced form, nearest images |
//! | [`bonded`] | bonds, angles, torsions, impropers, CMAP, position restraints |
//! | [`nonbonded`] | Lennard-Jones and Coulomb: method, cutoff, exclusions, exceptions; formulas for Ewald's parameters |
//! | [`custom`] | tables of pairs of types, pair bonds, generalised Born |
//! | [`constraint`] | distance constraints by connected group |
//! | [`site`] | virtual sites |
//! | [`dynamics`] | integrator, thermostat, barostat, removal of centre-of-mass motion |
//! | [`molecule`] | which particles belong together |
//! | [`velocity`] | velocities drawn at a temperature |
//! | [`check`] | what a system must fulfil |
//!
//! Invariant: nothing is derived twice. What follows from a file's settings (Ewald's alpha and grid, say) is computed once, by a formula here, and stored.

pub mod bonded;
pub mod cell;
pub mod check;
pub mod constraint;
pub mod custom;
pub mod dynamics;
pub mod molecule;
pub mod nonbonded;
pub mod particle;
pub mod site;
pub mod velocity;

use std::collections::BTreeSet;

pub use bonded::{Angle, Bond, CmapGrid, CmapTorsion, Improper, RbTorsion, Restraint, Torsion};
pub use cell::Cell;
pub use constraint::{Constraint, Constraints};
pub use custom::{CustomPairs, GbObc, GbParticle, PairBond};
pub use dynamics::{Action, Barostat, Bath, Dynamics, Integrator, Scaling};
pub use nonbonded::{Cutoff, Exception, Method, Nonbonded};
pub use particle::{Kinds, Particle};
pub use site::{Site, SiteKind};

/// A vector; its unit is that of what it is part of.
pub type Vector = [f64; 3];

/// A molecular system: what is simulated, and from which state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct System {
    /// Lower-case letters, digits and `-`.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// All particles, virtual sites and frozen ones among them. A particle's index in this list is its tag everywhere.
    pub particles: Vec<Particle>,
    /// The periodic box of the starting state; none where nothing is periodic (method [`Method::NoCutoff`]).
    pub cell: Option<Cell>,
    /// Positions, nm, `[n, 3]`, any image; molecules may be whole or wrapped.
    pub positions_nm: Vec<Vector>,
    /// Velocities, nm/ps, `[n, 3]`; half a step before the positions for leapfrog integrators ([`Integrator::on_step`]).
    pub velocities_nm_ps: Vec<Vector>,
    /// Time of the starting state, ps.
    pub time_ps: f64,
    /// Steps made before the starting state.
    pub step: u64,
    /// What makes forces.
    pub terms: Terms,
    /// Distances that are held fixed.
    pub constraints: Constraints,
    /// Particles placed by others, in an order in which each comes after all that it is placed by.
    pub sites: Vec<Site>,
    /// What acts on the state at the start of a step, before its forces, in this order.
    pub actions: Vec<Action>,
    /// How it moves; none where only energies and forces are asked for.
    pub dynamics: Option<Dynamics>,
}

/// The terms of the potential energy; an empty list is a term that is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// Harmonic bonds.
    pub bonds: Vec<Bond>,
    /// Harmonic angles.
    pub angles: Vec<Angle>,
    /// Periodic torsions.
    pub torsions: Vec<Torsion>,
    /// Ryckaert-Bellemans torsions.
    pub rb_torsions: Vec<RbTorsion>,
    /// Harmonic impropers.
    pub impropers: Vec<Improper>,
    /// Energy maps that `cmap_torsions` refer to.
    pub cmap_grids: Vec<CmapGrid>,
    /// Pairs of torsions with an energy map.
    pub cmap_torsions: Vec<CmapTorsion>,
    /// Lennard-Jones and Coulomb.
    pub nonbonded: Option<Nonbonded>,
    /// Pair potentials by tables of types, beside or instead of Lennard-Jones.
    pub custom_pairs: Vec<CustomPairs>,
    /// Single pairs with coefficients of their own.
    pub pair_bonds: Vec<PairBond>,
    /// Springs to points in space.
    pub restraints: Vec<Restraint>,
    /// Generalised Born implicit solvent.
    pub gb_obc: Option<GbObc>,
}

/// A class of forces; energies are reported for each. Named as OpenMM names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForceClass {
    /// [`Terms::bonds`].
    HarmonicBond,
    /// [`Terms::angles`].
    HarmonicAngle,
    /// [`Terms::torsions`].
    PeriodicTorsion,
    /// [`Terms::rb_torsions`].
    RbTorsion,
    /// [`Terms::impropers`].
    CustomTorsion,
    /// [`Terms::cmap_torsions`].
    Cmap,
    /// [`Terms::nonbonded`], with its exceptions and its reciprocal part.
    Nonbonded,
    /// [`Terms::custom_pairs`].
    CustomNonbonded,
    /// [`Terms::pair_bonds`].
    CustomBond,
    /// [`Terms::restraints`].
    CustomExternal,
    /// [`Terms::gb_obc`].
    GbsaObc,
}

impl ForceClass {
    /// OpenMM's name of the class.
    pub fn name(self) -> &'static str {
        match self {
            Self::HarmonicBond => "HarmonicBondForce",
            Self::HarmonicAngle => "HarmonicAngleForce",
            Self::PeriodicTorsion => "PeriodicTorsionForce",
            Self::RbTorsion => "RBTorsionForce",
            Self::CustomTorsion => "CustomTorsionForce",
            Self::Cmap => "CMAPTorsionForce",
            Self::Nonbonded => "NonbondedForce",
            Self::CustomNonbonded => "CustomNonbondedForce",
            Self::CustomBond => "CustomBondForce",
            Self::CustomExternal => "CustomExternalForce",
            Self::GbsaObc => "GBSAOBCForce",
        }
    }
}

impl Terms {
    /// The classes that have at least one term.
    pub fn classes(&self) -> BTreeSet<ForceClass> {
        use ForceClass as Class;
        [
            (Class::HarmonicBond, !self.bonds.is_empty()),
            (Class::HarmonicAngle, !self.angles.is_empty()),
            (Class::PeriodicTorsion, !self.torsions.is_empty()),
            (Class::RbTorsion, !self.rb_torsions.is_empty()),
            (Class::CustomTorsion, !self.impropers.is_empty()),
            (Class::Cmap, !self.cmap_torsions.is_empty()),
            (Class::Nonbonded, self.nonbonded.is_some()),
            (Class::CustomNonbonded, !self.custom_pairs.is_empty()),
            (Class::CustomBond, !self.pair_bonds.is_empty()),
            (Class::CustomExternal, !self.restraints.is_empty()),
            (Class::GbsaObc, self.gb_obc.is_some()),
        ]
        .into_iter()
        .filter_map(|(class, there)| there.then_some(class))
        .collect()
    }
}

impl System {
    /// Number of particles.
    pub fn atoms(&self) -> usize {
        self.particles.len()
    }

    /// Kinds of particles that no term between all particles tells apart.
    pub fn kinds(&self) -> Kinds {
        Kinds::of(&self.particles, |index| {
            let tables = self.terms.custom_pairs.iter().map(|pairs| u64::from(pairs.type_of[index]));
            let solvent = self.terms.gb_obc.iter().flat_map(|gb| {
                let own = gb.particles[index];
                [own.charge_e, own.radius_nm, own.scale].map(f64::to_bits)
            });
            tables.chain(solvent).collect()
        })
    }

    /// From `b` to `a`, nm: the nearest image in a periodic system, the plain difference otherwise.
    pub fn difference_nm(&self, a: u32, b: u32) -> Vector {
        let (a, b) = (self.positions_nm[a as usize], self.positions_nm[b as usize]);
        let plain = [0, 1, 2].map(|axis| a[axis] - b[axis]);
        self.cell.map_or(plain, |cell| cell.nearest(plain))
    }

    /// Degrees of freedom: three for each particle that has a mass, less one for each constraint, less three where centre-of-mass motion is removed.
    pub fn degrees_of_freedom(&self) -> usize {
        let moving = self.particles.iter().filter(|particle| particle.mass_u > 0.0).count();
        let removed = self
            .actions
            .iter()
            .any(|action| matches!(action, Action::RemoveMotion { .. }));
        (3 * moving).saturating_sub(self.constraints.len() + if removed { 3 } else { 0 })
    }
}
