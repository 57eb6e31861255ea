//! Constraints and integrators in double precision: what the shaders of this folder are tested against.
//!
//! Invariant: nothing here is used by a run. Positions are nm and unwrapped, velocities nm/ps, masses as their inverses, 1/u.

use crate::md::system::Constraint;

/// A vector.
type V = [f64; 3];

/// Positions and velocities, by tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// nm.
    pub positions_nm: Vec<V>,
    /// nm/ps; at half steps, or as the integrator says.
    pub velocities_nm_ps: Vec<V>,
}

/// What an integrator needs to know of a system.
pub struct Model<'a> {
    /// 1/u, 0 for an atom that does not move.
    pub inverse_masses: &'a [f64],
    /// Distances to be held.
    pub constraints: &'a [Constraint],
    /// Forces of positions, kJ/mol/nm.
    pub forces: &'a dyn Fn(&[V]) -> Vec<V>,
    /// Time step, ps.
    pub dt_ps: f64,
    /// exp(-friction dt).
    pub keep: f64,
    /// √(kT (1 - keep²) / m) R of a step, nm/ps, by tag.
    pub noise: &'a dyn Fn(u64) -> Vec<V>,
}

fn add(a: V, b: V, factor: f64) -> V {
    [0, 1, 2].map(|k| a[k] + factor * b[k])
}

fn dot(a: V, b: V) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn advance(values: &mut [V], by: &[V], factor: f64) {
    for (value, by) in values.iter_mut().zip(by) {
        *value = add(*value, *by, factor);
    }
}

/// The displacements that hold all distances: corrections along the vectors before the step (SHAKE; Ryckaert, Ciccotti and Berendsen, J. Comput.
/// Phys. 23, 327, 1977), one constraint after the other until each is right to 1e-14.
///
/// # Panics
/// They cannot be held.
pub fn constrain(positions_nm: &[V], displacements_nm: &mut [V], inverse_masses: &[f64], constraints: &[Constraint]) {
    for _ in 0..2000 {
        let mut worst: f64 = 0.0;
        for Constraint { atoms, length_nm } in constraints {
            let [i, j] = atoms.map(|atom| atom as usize);
            let r = add(positions_nm[j], positions_nm[i], -1.0);
            let s = add(r, add(displacements_nm[j], displacements_nm[i], -1.0), 1.0);
            let off = length_nm * length_nm - dot(s, s);
            worst = worst.max(off.abs() / (length_nm * length_nm));
            let multiplier = 0.5 * off / (dot(s, r) * (inverse_masses[i] + inverse_masses[j]));
            displacements_nm[i] = add(displacements_nm[i], r, -multiplier * inverse_masses[i]);
            displacements_nm[j] = add(displacements_nm[j], r, multiplier * inverse_masses[j]);
        }
        if worst < 1e-14 {
            return;
        }
    }
    panic!("constraints do not converge");
}

/// The velocities without what would change a distance: RATTLE's second half (Andersen, J. Comput. Phys. 52, 24, 1983), repeated until
/// nothing is left.
///
/// # Panics
/// It does not converge.
pub fn constrain_velocities(positions_nm: &[V], velocities: &mut [V], inverse_masses: &[f64], constraints: &[Constraint]) {
    for _ in 0..2000 {
        let mut worst: f64 = 0.0;
        for Constraint { atoms, length_nm } in constraints {
            let [i, j] = atoms.map(|atom| atom as usize);
            let r = add(positions_nm[j], positions_nm[i], -1.0);
            let along = dot(r, add(velocities[j], velocities[i], -1.0));
            worst = worst.max(along.abs() / length_nm);
            let multiplier = -along / (dot(r, r) * (inverse_masses[i] + inverse_masses[j]));
            velocities[i] = add(velocities[i], r, -multiplier * inverse_masses[i]);
            velocities[j] = add(velocities[j], r, multiplier * inverse_masses[j]);
        }
        if worst < 1e-14 {
            return;
        }
    }
    panic!("constraints of velocities do not converge");
}

impl Model<'_> {
    fn kick(&self, motion: &mut Motion, share: f64) {
        let forces = (self.forces)(&motion.positions_nm);
        for ((v, force), w) in motion.velocities_nm_ps.iter_mut().zip(forces).zip(self.inverse_masses) {
            *v = add(*v, force, share * self.dt_ps * w);
        }
    }

    fn project(&self, motion: &mut Motion) {
        let Motion {
            positions_nm,
            velocities_nm_ps,
        } = motion;
        constrain_velocities(positions_nm, velocities_nm_ps, self.inverse_masses, self.constraints);
    }

    /// Move by displacements, constrained; velocities change by the change of the displacement over `time_ps`.
    fn displace(&self, motion: &mut Motion, displacements: &[V], time_ps: f64) {
        let mut held = displacements.to_vec();
        constrain(&motion.positions_nm, &mut held, self.inverse_masses, self.constraints);
        advance(&mut motion.positions_nm, &held, 1.0);
        advance(&mut motion.velocities_nm_ps, &held, 1.0 / time_ps);
        advance(&mut motion.velocities_nm_ps, displacements, -1.0 / time_ps);
    }

    fn thermostat(&self, motion: &mut Motion, step: u64) {
        for (v, noise) in motion.velocities_nm_ps.iter_mut().zip((self.noise)(step)) {
            *v = add(v.map(|x| self.keep * x), noise, 1.0);
        }
    }

    /// Leapfrog: v += F dt / m; x += v dt, constrained. Velocities are half a step behind the positions.
    pub fn verlet(&self, motion: &mut Motion) {
        self.kick(motion, 1.0);
        let displacements: Vec<V> = motion.velocities_nm_ps.iter().map(|v| v.map(|x| x * self.dt_ps)).collect();
        self.displace(motion, &displacements, self.dt_ps);
    }

    /// OpenMM's LangevinMiddleIntegrator; see `middle.wgsl`.
    pub fn langevin_middle(&self, motion: &mut Motion, step: u64) {
        self.kick(motion, 1.0);
        self.project(motion);
        let half = 0.5 * self.dt_ps;
        let mut displacements: Vec<V> = motion.velocities_nm_ps.iter().map(|v| v.map(|x| x * half)).collect();
        self.thermostat(motion, step);
        advance(&mut displacements, &motion.velocities_nm_ps, half);
        self.displace(motion, &displacements, self.dt_ps);
    }

    /// The splitting VRORV (BAOAB; Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34) as openmmtools writes it: half a kick, half a
    /// drift, thermostat, half a drift, half a kick, constraints after each. Velocities are at whole steps.
    pub fn vrorv(&self, motion: &mut Motion, step: u64) {
        let half = 0.5 * self.dt_ps;
        let drift = |motion: &mut Motion| {
            let displacements: Vec<V> = motion.velocities_nm_ps.iter().map(|v| v.map(|x| x * half)).collect();
            self.displace(motion, &displacements, half);
            self.project(motion);
        };
        self.kick(motion, 0.5);
        self.project(motion);
        drift(motion);
        self.thermostat(motion, step);
        self.project(motion);
        drift(motion);
        self.kick(motion, 0.5);
        self.project(motion);
    }
}
