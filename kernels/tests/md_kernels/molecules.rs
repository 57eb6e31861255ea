//! Small molecules in random places and orientations.

use kernels::md::fixed_cell::FixedCell;
use kernels::md::motion::twin;
use kernels::md::system::Cell;
use kernels::md::system::constraint::{Constraints, Star, Triangle};
use kernels::random::{Stream, gaussian, uniform};

/// Points, inverse masses and constraints.
#[derive(Default)]
pub(crate) struct Molecules {
    pub(crate) points_nm: Vec<[f64; 3]>,
    pub(crate) inverse_masses: Vec<f64>,
    pub(crate) constraints: Constraints,
}

/// A number in (0, 1), and one that is normally distributed: functions of (purpose, index).
pub(crate) fn flat(purpose: u64, index: usize) -> f64 {
    uniform(1, Stream::Test, purpose, index as u32)
}

pub(crate) fn normal(purpose: u64, index: usize) -> f64 {
    gaussian(2, Stream::Test, purpose, index as u32)
}

/// A vector of normally distributed components.
pub(crate) fn vector(purpose: u64, index: usize) -> [f64; 3] {
    [0, 1, 2].map(|axis| normal(purpose, 3 * index + axis))
}

impl Molecules {
    /// A molecule of points around its first one, in u and nm, turned at random about a place in the box.
    pub(crate) fn add(&mut self, place_nm: [f64; 3], points_nm: &[[f64; 3]], masses: &[f64]) -> u32 {
        let first = self.points_nm.len();
        // A random rotation from a quaternion.
        let q = [0, 1, 2, 3].map(|k| normal(90, 4 * first + k));
        let norm = q.iter().map(|x| x * x).sum::<f64>().sqrt();
        let [a, b, c, d] = q.map(|x| x / norm);
        let rotation = [
            [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
            [2.0 * (b * c + a * d), a * a - b * b + c * c - d * d, 2.0 * (c * d - a * b)],
            [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a - b * b - c * c + d * d],
        ];
        for point in points_nm {
            let turned = rotation.map(|row| row[0] * point[0] + row[1] * point[1] + row[2] * point[2]);
            self.points_nm.push([0, 1, 2].map(|k| place_nm[k] + turned[k]));
        }
        self.inverse_masses.extend(masses.iter().map(|mass| 1.0 / mass));
        first as u32
    }

    /// Rigid TIP3P water.
    pub(crate) fn water(&mut self, place_nm: [f64; 3], hydrogen_u: f64) {
        let (bond, across): (f64, f64) = (0.09572, 0.151_390_066);
        let height = (bond * bond - 0.25 * across * across).sqrt();
        let points = [[0.0; 3], [0.5 * across, height, 0.0], [-0.5 * across, height, 0.0]];
        let o = self.add(place_nm, &points, &[15.9994, hydrogen_u, hydrogen_u]);
        self.constraints.triangles.push(Triangle {
            atoms: [o, o + 1, o + 2],
            lengths_nm: [bond, across, bond],
        });
    }

    /// A heavy atom with one to four hydrogens at 0.109 nm and tetrahedral angles.
    pub(crate) fn star(&mut self, place_nm: [f64; 3], arms: usize, hydrogen_u: f64) {
        let bond = 0.109;
        let unit = bond / 3f64.sqrt();
        let corners =
            [[1.0, 1.0, 1.0], [1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]].map(|c| c.map(|x: f64| x * unit));
        let mut points = vec![[0.0; 3]];
        points.extend(&corners[..arms]);
        let mut masses = vec![12.011];
        masses.extend(vec![hydrogen_u; arms]);
        let centre = self.add(place_nm, &points, &masses);
        self.constraints.stars.push(Star {
            center: centre,
            arms: (0..arms as u32).map(|arm| (centre + 1 + arm, bond)).collect(),
        });
    }
}

/// Velocities of 300 K without components along constraints, nm/ps.
pub(crate) fn thermal(all: &Molecules) -> Vec<[f64; 3]> {
    let widths = all.inverse_masses.iter().map(|w| (2.494 * w).sqrt());
    let mut velocities: Vec<[f64; 3]> = widths
        .enumerate()
        .map(|(index, width)| vector(2, index).map(|x| width * x))
        .collect();
    let constraints: Vec<_> = all.constraints.all().collect();
    twin::constrain_velocities(&all.points_nm, &mut velocities, &all.inverse_masses, &constraints);
    velocities.iter().map(|v| v.map(|x| f64::from(x as f32))).collect()
}

/// The points that the device has for these: near them, not wrapped.
pub(crate) fn exact_points(cell: &FixedCell, points_nm: &[[f64; 3]], positions: &[[u32; 3]]) -> Vec<[f64; 3]> {
    let vectors = cell.cell().vectors_nm;
    let near = |(point, position): (&[f64; 3], &[u32; 3])| {
        let wrapped = cell.decode(*position);
        let off = [0, 1, 2].map(|k| point[k] - wrapped[k]);
        let whole = cell.cell().fractions(off).map(f64::round);
        [0, 1, 2].map(|k| wrapped[k] + (0..3).map(|m| whole[m] * vectors[m][k]).sum::<f64>())
    };
    points_nm.iter().zip(positions).map(near).collect()
}

/// Largest difference of components, and its root mean square.
pub(crate) fn worst(a: &[[f64; 3]], b: &[[f64; 3]]) -> (f64, f64) {
    let off = a.as_flattened().iter().zip(b.as_flattened()).map(|(a, b)| (a - b).abs());
    let (most, squares) = off.fold((0.0f64, 0.0), |(most, squares), off| (most.max(off), squares + off * off));
    (most, (squares / a.as_flattened().len() as f64).sqrt())
}

/// A cell of three vectors, nm.
pub(crate) fn cell_of(vectors_nm: [[f64; 3]; 3]) -> FixedCell {
    FixedCell::new(Cell { vectors_nm }).expect("a reduced cell")
}
