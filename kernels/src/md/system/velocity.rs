//! Velocities drawn at a temperature: Maxwell's distribution, without components along constraints, without motion of the centre of mass.

use super::System;
use crate::md::GAS_CONSTANT;
use crate::random::{Stream, gaussian};

/// Sweeps over all constraints after which a component along one is what rounding leaves.
const SWEEPS_MAX: usize = 10_000;
/// A component along a constraint that counts as none, nm/ps.
const ALONG_MAX_NM_PS: f64 = 1e-12;

impl System {
    /// Draw velocities. Temperature in the mean over degrees of freedom: a single draw scatters about it.
    ///
    /// Each component of a particle of mass m is normal with variance kT/m, from (`seed`, [`Stream::Velocities`], 0, 3 · particle + axis); particles
    /// without mass stay at rest. Then the motion of the centre of mass is taken off, and what is along constraints, which changes no momentum.
    pub fn draw_velocities(&mut self, temperature_k: f64, seed: u64) {
        let draw = |(index, mass_u): (usize, f64)| {
            [0, 1, 2].map(|axis| {
                if mass_u > 0.0 {
                    let width = libm::sqrt(GAS_CONSTANT * temperature_k / mass_u);
                    width * gaussian(seed, Stream::Velocities, 0, 3 * index as u32 + axis)
                } else {
                    0.0
                }
            })
        };
        let masses = self.particles.iter().map(|particle| particle.mass_u);
        self.velocities_nm_ps = masses.enumerate().map(draw).collect();
        self.remove_motion();
        self.project_velocities();
    }

    /// Take the velocity of the centre of mass off all particles that have a mass.
    fn remove_motion(&mut self) {
        let total: f64 = self.particles.iter().map(|particle| particle.mass_u).sum();
        if total <= 0.0 {
            return;
        }
        for axis in 0..3 {
            let momentum: f64 = self
                .particles
                .iter()
                .zip(&self.velocities_nm_ps)
                .map(|(particle, v)| particle.mass_u * v[axis])
                .sum();
            for (particle, v) in self.particles.iter().zip(&mut self.velocities_nm_ps) {
                if particle.mass_u > 0.0 {
                    v[axis] -= momentum / total;
                }
            }
        }
    }

    /// Take off what is along constraints, one constraint after the other, until nothing is left (RATTLE: Andersen, J. Comput. Phys. 52, 24, 1983).
    fn project_velocities(&mut self) {
        let constraints: Vec<_> = self
            .constraints
            .all()
            .map(|one| {
                let d = self.difference_nm(one.atoms[0], one.atoms[1]);
                let length = libm::sqrt(d.iter().map(|x| x * x).sum());
                let inverse = one.atoms.map(|atom| self.particles[atom as usize].mass_u.recip());
                (one.atoms.map(|atom| atom as usize), d.map(|x| x / length), inverse)
            })
            .collect();
        for _ in 0..SWEEPS_MAX {
            let mut largest = 0.0f64;
            for ([a, b], along, inverse) in &constraints {
                let v = &mut self.velocities_nm_ps;
                let speed: f64 = (0..3).map(|axis| (v[*a][axis] - v[*b][axis]) * along[axis]).sum();
                let impulse = speed / (inverse[0] + inverse[1]);
                for axis in 0..3 {
                    v[*a][axis] -= impulse * inverse[0] * along[axis];
                    v[*b][axis] += impulse * inverse[1] * along[axis];
                }
                largest = largest.max(speed.abs());
            }
            if largest < ALONG_MAX_NM_PS {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Constraint, Constraints, Particle};
    use super::*;

    /// 400 rigid waters on a line, one massless particle.
    fn water() -> System {
        let mut system = System::default();
        let mut constraints = Vec::new();
        for i in 0..400 {
            let at = f64::from(i);
            let first = 3 * i as u32;
            for (mass_u, x, y) in [(16.0, 0.0, 0.0), (1.0, 0.0957, 0.0), (1.0, -0.024, 0.0927)] {
                system.particles.push(Particle {
                    mass_u,
                    ..Particle::default()
                });
                system.positions_nm.push([at + x, y, 0.1 * at]);
            }
            for (a, b) in [(0, 1), (1, 2), (2, 0)] {
                constraints.push(Constraint {
                    atoms: [first + a, first + b],
                    length_nm: 0.1,
                });
            }
        }
        system.particles.push(Particle::default());
        system.positions_nm.push([0.0; 3]);
        let masses: Vec<f64> = system.particles.iter().map(|particle| particle.mass_u).collect();
        system.constraints = Constraints::grouped(&masses, &constraints);
        system
    }

    #[test]
    fn drawn_velocities_have_the_temperature_no_momentum_and_nothing_along_constraints() {
        let mut system = water();
        system.draw_velocities(300.0, 7);
        let v = &system.velocities_nm_ps;
        assert_eq!(v[1200], [0.0; 3]);
        for one in system.constraints.all() {
            let d = system.difference_nm(one.atoms[0], one.atoms[1]);
            let speed: f64 = (0..3)
                .map(|k| (v[one.atoms[0] as usize][k] - v[one.atoms[1] as usize][k]) * d[k])
                .sum();
            assert!(speed.abs() < 1e-12, "{speed}");
        }
        let momentum = |axis: usize| system.particles.iter().zip(v).map(|(p, v)| p.mass_u * v[axis]).sum::<f64>();
        assert!((0..3).all(|axis| momentum(axis).abs() < 1e-9));
        let twice_kinetic: f64 = system
            .particles
            .iter()
            .zip(v)
            .map(|(p, v)| p.mass_u * v.iter().map(|x| x * x).sum::<f64>())
            .sum();
        let freedom = (system.degrees_of_freedom() - 3) as f64;
        let temperature = twice_kinetic / GAS_CONSTANT / freedom;
        // The standard error of a temperature is T √(2/f).
        let error = 300.0 * (2.0 / freedom).sqrt();
        assert!((temperature - 300.0).abs() < 4.0 * error, "{temperature} ± {error}");
        let mut again = water();
        again.draw_velocities(300.0, 7);
        assert_eq!(again.velocities_nm_ps, system.velocities_nm_ps);
    }
}
