//! How a system moves: integrator and thermostat, and what acts on the state between steps.

/// An integrator and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dynamics {
    /// The integrator.
    pub integrator: Integrator,
    /// Time step, ps.
    pub step_ps: f64,
    /// Relative tolerance of constrained lengths that the source asks for. Reported beside what is reached: iterations are fixed in number.
    pub constraint_tolerance: f64,
    /// Seed of all random numbers of a run; none where nothing is random.
    pub seed: Option<u64>,
}

/// Integrators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Integrator {
    /// Leapfrog: v += dt F/m, x += dt v.
    Verlet,
    /// The same with integer velocities and odd roundings, so that a trajectory can be taken back bit for bit (Levesque and Verlet, J. Stat. Phys. 72, 519,
    /// 1993). Without constraints, virtual sites and actions.
    ReversibleVerlet,
    /// Kick, half a drift, friction and noise, half a drift, constraints (Zhang et al., J. Phys. Chem. A 123, 6056, 2019): OpenMM's
    /// LangevinMiddleIntegrator, and since version 8 its LangevinIntegrator.
    LangevinMiddle(Bath),
    /// Half a kick, half a drift, friction and noise, half a drift, half a kick (Leimkuhler and Matthews, 2013), with constraints after each:
    /// openmmtools' "V R O R V". The trajectory of `LangevinMiddle` with velocities on step.
    Baoab(Bath),
    /// Overdamped: x += dt F/(γ m) + √(2 kT dt/(γ m)) R.
    Brownian(Bath),
}

/// A heat bath.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bath {
    /// Temperature, K.
    pub temperature_k: f64,
    /// Friction, γ, 1/ps.
    pub friction_per_ps: f64,
}

impl Dynamics {
    /// The same for a run whose first step is the `step`-th of its trajectory: steps are counted from 0 in each run, so random numbers get another key,
    /// or a state that is taken up again would meet the noise of its first steps once more.
    #[must_use]
    pub fn from_step(self, step: u64) -> Self {
        let key = |seed: u64| protocol::split_mix::next(&mut (seed ^ step.rotate_left(32)));
        Self {
            seed: self.seed.map(|seed| if step == 0 { seed } else { key(seed) }),
            ..self
        }
    }
}

impl Integrator {
    /// Its heat bath, if it has one.
    pub fn bath(&self) -> Option<Bath> {
        match self {
            Self::Verlet | Self::ReversibleVerlet => None,
            Self::LangevinMiddle(bath) | Self::Baoab(bath) | Self::Brownian(bath) => Some(*bath),
        }
    }

    /// Whether velocities belong to the same time as positions, and not half a step before.
    pub fn on_step(&self) -> bool {
        matches!(self, Self::Baoab(_) | Self::Brownian(_))
    }
}

/// What acts on the state at the start of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Take the velocity of the centre of mass off all particles, at every step whose number (that of the whole run, from 0) is a multiple of `every`.
    RemoveMotion {
        /// Steps.
        every: u64,
    },
    /// Monte Carlo moves of the volume.
    Barostat(Barostat),
}

/// Isotropic Monte Carlo barostat (Åqvist et al., Chem. Phys. Lett. 384, 288, 2004), as OpenMM's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Barostat {
    /// Pressure, bar.
    pub pressure_bar: f64,
    /// Temperature, K.
    pub temperature_k: f64,
    /// Steps between two tries.
    pub every: u64,
    /// What moves as a whole.
    pub scaling: Scaling,
}

/// What a change of volume moves as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaling {
    /// Each molecule, with the unweighted mean of its particles' positions.
    Molecules,
    /// Each particle.
    Particles,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_taken_up_again_meets_other_random_numbers() {
        let dynamics = Dynamics {
            integrator: Integrator::Verlet,
            step_ps: 0.001,
            constraint_tolerance: 1e-5,
            seed: Some(7),
        };
        assert_eq!(dynamics.from_step(0), dynamics);
        let seeds = [0, 1, 2, 1 << 32, 7].map(|step| dynamics.from_step(step).seed);
        let different: std::collections::BTreeSet<_> = seeds.iter().collect();
        assert_eq!(different.len(), seeds.len(), "{seeds:?}");
        assert_eq!(dynamics.from_step(5).seed, dynamics.from_step(5).seed);
    }
}
