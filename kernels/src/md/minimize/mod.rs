//! The energy of a molecular package's starting state, minimised: forces from a device, everything else in double precision on the host.
//!
//! | module | owns |
//! |---|---|
//! | [`field`] | forces of a state, with a coarser scale where atoms overlap |
//! | [`hold`] | constraints and virtual sites, held on the host |
//!
//! The method is FIRE (Bitzek et al., Phys. Rev. Lett. 97, 170201, 2006): motion with unit masses whose velocity is turned towards the force, and stopped where it
//! goes uphill. No atom moves by more than [`MOVE_MAX_NM`] in a step, so that clashes come apart and do not explode.
//!
//! Invariant: the result is a function of the package, the tolerance and the most steps alone. Forces are those of the package's own passes, the same bits on every
//! device of its class; the host adds, multiplies, divides and takes square roots, in one order.

mod field;
mod hold;

use device::{Device, SessionOptions};
use protocol::StateBuffer;

use self::field::Field;
use self::hold::Hold;
use super::readback::Readback;
use super::system::Vector;
use super::twin::vector::{add, dot, scale};
use crate::package::{Package, PackageError};
use crate::run::{RunError, initial_state};

/// The furthest that a particle moves in a step, nm.
const MOVE_MAX_NM: f64 = 0.01;
/// FIRE's time steps for unit masses, ps: stiff bonds (5·10⁵ kJ/mol/nm²) are followed at the largest.
const STEP_FIRST_PS: f64 = 2e-4;
const STEP_MAX_PS: f64 = 1e-3;
/// FIRE's constants: steps downhill before the time step grows, its growth and fall, the first mixing of velocity and force, and its fall.
const PATIENCE: u32 = 5;
const GROWTH: f64 = 1.1;
const FALL: f64 = 0.5;
const MIXING: f64 = 0.1;
const MIXING_FALL: f64 = 0.99;

/// When to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Root mean square of the force components of all particles that move, kJ/mol/nm, what is along constraints left out.
    pub tolerance_kj_mol_nm: f64,
    /// Most steps.
    pub steps_max: u64,
}

/// A package whose starting state was minimised.
#[derive(Clone, Debug)]
pub struct Minimized {
    /// The package: the same but for its positions.
    pub package: Package,
    /// Steps that were made.
    pub steps: u64,
    /// Whether the tolerance was reached.
    pub converged: bool,
    /// Root mean square force before and after, kJ/mol/nm.
    pub rms_kj_mol_nm: [f64; 2],
    /// Potential energy before and after, kJ/mol; none before where atoms overlap so much that it cannot be held.
    pub energy_kj_mol: [Option<f64>; 2],
    /// Steps that needed the coarser scale of forces.
    pub coarse_steps: u64,
}

/// Why a package cannot be minimised.
#[derive(Debug, thiserror::Error)]
pub enum MinimizeError {
    /// It is not a molecular one, or its constraints cannot be held; or atoms overlap beyond repair: which.
    #[error("{0}")]
    State(String),
    /// The device failed, or the package reports a fault.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What came out makes no package.
    #[error("what was minimised does not make a package")]
    Package(#[from] PackageError),
}

/// Minimise the energy of a package's starting state.
///
/// # Errors
/// The package has no particles or no `[evaluate]`; atoms lie on each other; the device failed.
pub fn minimize(
    package: &Package,
    device: &dyn Device,
    options: &SessionOptions,
    goal: Goal,
) -> Result<Minimized, MinimizeError> {
    let particles = Readback::of(package).map_err(MinimizeError::State)?;
    let hold = Hold::new(&particles);
    let mut state = State::new(package, &particles)?;
    let coarse = field::coarse(package)?;
    let mut field = Field::open(package, &coarse, device, options, &particles)?;
    // What the starting state breaks is put right first.
    hold.settle(&mut state.points_nm).map_err(MinimizeError::State)?;
    particles.place_sites(&mut state.points_nm);
    let energy_before = field.energy(&state.buffers(&particles))?;
    let mut forces = hold.project(&state.points_nm, field.forces(&state.buffers(&particles))?);
    let before = rms(&forces, &hold);
    let mut fire = Fire::new(forces.len());
    let (mut steps, mut coarse_steps, mut now) = (0, 0, before);
    while steps < goal.steps_max && (now > goal.tolerance_kj_mol_nm || field.is_coarse()) {
        fire.turn(&forces);
        let moved = fire.displacements(&forces);
        let held = hold.displace(&state.points_nm, moved).map_err(MinimizeError::State)?;
        fire.follow(&held);
        for (point, step) in state.points_nm.iter_mut().zip(&held) {
            *point = add(*point, *step);
        }
        particles.place_sites(&mut state.points_nm);
        forces = hold.project(&state.points_nm, field.forces(&state.buffers(&particles))?);
        now = rms(&forces, &hold);
        coarse_steps += u64::from(field.is_coarse());
        steps += 1;
    }
    let buffers = state.buffers(&particles);
    let energy_after = field.energy(&buffers)?;
    Ok(Minimized {
        package: state.package(package, &buffers)?,
        steps,
        converged: now <= goal.tolerance_kj_mol_nm && !field.is_coarse(),
        rms_kj_mol_nm: [before, now],
        energy_kj_mol: [energy_before, energy_after],
        coarse_steps,
    })
}

/// Root mean square of the components of what moves.
fn rms(forces: &[Vector], hold: &Hold) -> f64 {
    let squares: f64 = forces.iter().map(|force| dot(*force, *force)).sum();
    libm::sqrt(squares / (3.0 * hold.moving().max(1) as f64))
}

/// Where particles are.
struct State {
    points_nm: Vec<Vector>,
    /// The package's starting state.
    initial: Vec<StateBuffer>,
    /// Which of it are the positions.
    positions: usize,
}

impl State {
    fn new(package: &Package, particles: &Readback) -> Result<Self, MinimizeError> {
        let initial = initial_state(package);
        let positions = initial.iter().position(|buffer| buffer.name == "positions");
        let positions = positions.ok_or_else(|| MinimizeError::State("the package's state has no positions".into()))?;
        let words = initial[positions].bytes.as_chunks::<4>().0;
        let word = |at: usize| u32::from_le_bytes(words[at]);
        let point = |atom: usize| particles.cell.decode([0, 1, 2].map(|axis| word(3 * atom + axis)));
        Ok(Self {
            points_nm: (0..words.len() / 3).map(point).collect(),
            initial,
            positions,
        })
    }

    /// The state with these positions.
    fn buffers(&self, particles: &Readback) -> Vec<StateBuffer> {
        let mut state = self.initial.clone();
        let words = self.points_nm.iter().flat_map(|point| particles.cell.encode(*point));
        state[self.positions].bytes = words.flat_map(u32::to_le_bytes).collect();
        state
    }

    /// The package with this state.
    fn package(&self, package: &Package, state: &[StateBuffer]) -> Result<Package, PackageError> {
        let buffers = package.manifest().buffers.iter().enumerate();
        let given = buffers.filter(|(_, buffer)| buffer.init.is_some());
        let contents = given.map(|(index, buffer)| {
            let own = state.iter().find(|own| own.name == buffer.name);
            let bytes = own.map_or_else(|| package.initial(index), |own| own.bytes.clone());
            (buffer.name.clone(), bytes)
        });
        Package::new(package.manifest().clone(), package.shaders().clone(), contents.collect())
    }
}

/// FIRE's own state.
struct Fire {
    velocities: Vec<Vector>,
    step_ps: f64,
    mixing: f64,
    downhill: u32,
}

impl Fire {
    fn new(atoms: usize) -> Self {
        Self {
            velocities: vec![[0.0; 3]; atoms],
            step_ps: STEP_FIRST_PS,
            mixing: MIXING,
            downhill: 0,
        }
    }

    /// Turn velocities towards the forces, or stop them where they go uphill.
    fn turn(&mut self, forces: &[Vector]) {
        let both = || self.velocities.iter().zip(forces);
        let power: f64 = both().map(|(v, f)| dot(*v, *f)).sum();
        if power > 0.0 {
            let square = |all: &mut dyn Iterator<Item = &Vector>| all.map(|v| dot(*v, *v)).sum::<f64>();
            let speed = libm::sqrt(square(&mut self.velocities.iter()));
            let size = libm::sqrt(square(&mut forces.iter()));
            let (keep, towards) = (1.0 - self.mixing, self.mixing * speed / size);
            for (v, f) in self.velocities.iter_mut().zip(forces) {
                *v = add(scale(keep, *v), scale(towards, *f));
            }
            self.downhill += 1;
            if self.downhill > PATIENCE {
                self.step_ps = (self.step_ps * GROWTH).min(STEP_MAX_PS);
                self.mixing *= MIXING_FALL;
            }
        } else {
            self.velocities.fill([0.0; 3]);
            self.downhill = 0;
            self.mixing = MIXING;
            self.step_ps = (self.step_ps * FALL).max(1e-3 * STEP_FIRST_PS);
        }
    }

    /// Velocities change by the forces; the displacements that they give, none longer than [`MOVE_MAX_NM`].
    fn displacements(&mut self, forces: &[Vector]) -> Vec<Vector> {
        let step = self.step_ps;
        let moves = self.velocities.iter().zip(forces).map(|(v, f)| {
            let d = scale(step, add(*v, scale(step, *f)));
            let length = libm::sqrt(dot(d, d));
            if length > MOVE_MAX_NM {
                scale(MOVE_MAX_NM / length, d)
            } else {
                d
            }
        });
        moves.collect()
    }

    /// Velocities are those of the displacements that were made.
    fn follow(&mut self, displacements: &[Vector]) {
        self.velocities = displacements.iter().map(|d| scale(self.step_ps.recip(), *d)).collect();
    }
}
