//! The periodic box: three vectors in reduced form, and nearest images in it.

use super::Vector;

/// A periodic box. Reduced form: a along x, b in the plane of x and y, and a_x ≥ 2|b_x|, a_x ≥ 2|c_x|, b_y ≥ 2|c_y|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The vectors a, b and c, nm, one a row.
    pub vectors_nm: [Vector; 3],
}

impl Cell {
    /// A rectangular box of these edges, nm.
    pub fn rectangular(edges_nm: Vector) -> Self {
        let [x, y, z] = edges_nm;
        Self {
            vectors_nm: [[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]],
        }
    }

    /// a_x, b_y and c_z, nm: the edges of a rectangular box, and the distances between opposite faces' lattice planes along the axes otherwise.
    pub fn diagonal_nm(&self) -> Vector {
        [0, 1, 2].map(|axis| self.vectors_nm[axis][axis])
    }

    /// Whether all three vectors lie along their axes.
    pub fn is_rectangular(&self) -> bool {
        let [_, b, c] = self.vectors_nm;
        b[0] == 0.0 && c[0] == 0.0 && c[1] == 0.0
    }

    /// Volume, nm³.
    pub fn volume_nm3(&self) -> f64 {
        self.diagonal_nm().iter().product()
    }

    /// The image of a difference that OpenMM takes: whole vectors c, b, a are taken off, in this order, until each component is within half the
    /// diagonal. In reduced form it is the nearest one for all distances up to half of the least of a_x, b_y, c_z.
    pub fn nearest(&self, difference_nm: Vector) -> Vector {
        let mut d = difference_nm;
        for axis in [2, 1, 0] {
            let vector = self.vectors_nm[axis];
            let count = (d[axis] / vector[axis] + 0.5).floor();
            for component in 0..3 {
                d[component] -= vector[component] * count;
            }
        }
        d
    }

    /// Fractional coordinates of a position, each along its vector; not wrapped.
    pub fn fractions(&self, position_nm: Vector) -> Vector {
        let [a, b, c] = self.vectors_nm;
        let z = position_nm[2] / c[2];
        let y = (position_nm[1] - z * c[1]) / b[1];
        let x = (position_nm[0] - z * c[0] - y * b[0]) / a[0];
        [x, y, z]
    }

    /// How the fractional coordinates change with position, 1/nm: one row for each of them; the rows span the reciprocal lattice.
    pub fn gradients(&self) -> [Vector; 3] {
        let [a, b, c] = self.vectors_nm;
        let z = [0.0, 0.0, 1.0 / c[2]];
        let y = [0.0, 1.0 / b[1], -c[1] / (b[1] * c[2])];
        let x = [1.0 / a[0], -b[0] * y[1] / a[0], (-c[0] * z[2] - b[0] * y[2]) / a[0]];
        [x, y, z]
    }

    /// What is wrong with it, if anything.
    pub fn problem(&self) -> Option<String> {
        let [a, b, c] = self.vectors_nm;
        let text = format!("a = {a:?}, b = {b:?}, c = {c:?} nm");
        if !self.vectors_nm.as_flattened().iter().all(|v| v.is_finite()) {
            return Some(format!("the box is {text}, expected finite numbers"));
        }
        if self.diagonal_nm().iter().any(|edge| !(1e-3..1e4).contains(edge)) {
            return Some(format!("the box is {text}, expected edges above 1e-3 and below 1e4 nm"));
        }
        if a[1] != 0.0 || a[2] != 0.0 || b[2] != 0.0 {
            return Some(format!("the box is {text}, expected a along x and b in the plane of x and y"));
        }
        if a[0] < 2.0 * b[0].abs() || a[0] < 2.0 * c[0].abs() || b[1] < 2.0 * c[1].abs() {
            return Some(format!(
                "the box is {text}, expected the reduced form: a_x >= 2|b_x|, a_x >= 2|c_x|, b_y >= 2|c_y|; openmm.app.internal.unitcell.reducePeriodicBoxVectors makes it"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRICLINIC: Cell = Cell {
        vectors_nm: [[3.0, 0.0, 0.0], [1.2, 2.8, 0.0], [-1.1, 0.9, 2.6]],
    };

    #[test]
    fn fractions_give_the_position_back() {
        let position = [1.3, -0.4, 7.2];
        let f = TRICLINIC.fractions(position);
        let back = [0, 1, 2].map(|axis| (0..3).map(|v| f[v] * TRICLINIC.vectors_nm[v][axis]).sum::<f64>());
        assert!(back.iter().zip(position).all(|(a, b)| (a - b).abs() < 1e-14), "{back:?}");
        let rows = TRICLINIC.gradients();
        let again = [0, 1, 2].map(|v| (0..3).map(|axis| rows[v][axis] * position[axis]).sum::<f64>());
        assert!(again.iter().zip(f).all(|(a, b)| (a - b).abs() < 1e-14), "{again:?}");
    }

    #[test]
    fn the_image_is_the_nearest_of_all_within_half_the_least_height() {
        let length2 = |v: Vector| v.iter().map(|x| x * x).sum::<f64>();
        for i in 0..2000 {
            let u = |k| f64::from(crate::random::words(5, crate::random::Stream::Test, k, i)[0]) / 4_294_967_296.0;
            let d = [0, 1, 2].map(|k| 20.0 * (u(k) - 0.5));
            let found = length2(TRICLINIC.nearest(d));
            let mut least = f64::INFINITY;
            for n in 0..13i32.pow(3) {
                let n = [n / 169 - 6, n / 13 % 13 - 6, n % 13 - 6].map(f64::from);
                let moved = [0, 1, 2]
                    .map(|axis| TRICLINIC.nearest(d)[axis] + (0..3).map(|v| n[v] * TRICLINIC.vectors_nm[v][axis]).sum::<f64>());
                least = least.min(length2(moved));
            }
            if least < 1.3 * 1.3 {
                assert!((found - least).abs() < 1e-12, "{d:?}: {found} {least}");
            }
        }
    }

    #[test]
    fn boxes_that_are_not_reduced_are_named() {
        assert_eq!(TRICLINIC.problem(), None);
        for (vector, axis, value, word) in [
            (1, 0, 1.6, "reduced form"),
            (0, 1, 0.1, "a along x"),
            (2, 2, -1.0, "edges above"),
            (2, 1, f64::NAN, "finite"),
        ] {
            let mut cell = TRICLINIC;
            cell.vectors_nm[vector][axis] = value;
            assert!(cell.problem().expect("a problem").contains(word), "{word}");
        }
    }
}
