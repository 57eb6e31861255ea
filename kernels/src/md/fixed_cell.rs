//! Positions as 32-bit fractions of a cell's three vectors, and the constants of `cell.wgsl`.
//!
//! Invariant: every component of a vector is an f32, so that a unit of a position (a 2³²nd of it) is an f32 too and shaders see the very cell that the
//! host computes with.

use super::system::Cell;

/// 2³².
const ONE: f64 = 4_294_967_296.0;

/// Edge of the box that stands for none, nm: no difference may reach half of it. Systems without a box lie around its middle.
pub const OPEN_EDGE_NM: f64 = 64.0;

/// A cell whose vectors are f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedCell {
    cell: Cell,
}

impl FixedCell {
    /// The cell with each component rounded to f32.
    ///
    /// # Errors
    /// It is not in reduced form, or not finite: see [`Cell::problem`].
    pub fn new(cell: Cell) -> Result<Self, String> {
        if let Some(problem) = cell.problem() {
            return Err(problem);
        }
        let vectors_nm = cell.vectors_nm.map(|vector| vector.map(|x| f64::from(x as f32)));
        Ok(Self {
            cell: Cell { vectors_nm },
        })
    }

    /// The rounded cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// The cell of a box whose size is part of the state: each component times `scale`, rounded to f32, as `cell_scaled.wgsl` has it.
    #[must_use]
    pub fn scaled(&self, scale: f32) -> Self {
        let vectors_nm = self.cell.vectors_nm.map(|vector| vector.map(|x| f64::from(x as f32 * scale)));
        Self {
            cell: Cell { vectors_nm },
        }
    }

    /// A point, nm, as fractions of the three vectors, nearest in 32 bits, from any image.
    pub fn encode(&self, point_nm: [f64; 3]) -> [u32; 3] {
        // 2^32 itself wraps to 0.
        let word = |fraction: f64| (fraction.rem_euclid(1.0) * ONE).round() as u64 as u32;
        self.cell.fractions(point_nm).map(word)
    }

    /// A position, nm, within the parallelepiped that starts at the origin.
    pub fn decode(&self, position: [u32; 3]) -> [f64; 3] {
        self.combine(position.map(|x| f64::from(x) / ONE))
    }

    /// From `b` to `a`, nm: the nearest image, for all within half of the least of ax, by and cz. As `cell_nm` of `cell.wgsl`.
    pub fn difference(&self, a: [u32; 3], b: [u32; 3]) -> [f64; 3] {
        let units = [0, 1, 2].map(|axis| f64::from(a[axis].wrapping_sub(b[axis]).cast_signed()) / ONE);
        self.cell.nearest(self.combine(units))
    }

    fn combine(&self, fractions: [f64; 3]) -> [f64; 3] {
        let [a, b, c] = self.cell.vectors_nm;
        [0, 1, 2].map(|k| fractions[0] * a[k] + fractions[1] * b[k] + fractions[2] * c[k])
    }

    /// The `override` constants of `cell.wgsl`.
    pub fn constants(&self) -> [(&'static str, f64); 12] {
        let [[ax, ..], [bx, by, _], [cx, cy, cz]] = self.cell.vectors_nm;
        let [[xx, xy, xz], [_, yy, yz], [_, _, zz]] = self.cell.gradients();
        [
            ("cell_ax", ax / ONE),
            ("cell_bx", bx / ONE),
            ("cell_by", by / ONE),
            ("cell_cx", cx / ONE),
            ("cell_cy", cy / ONE),
            ("cell_cz", cz / ONE),
            ("units_xx", xx * ONE),
            ("units_xy", xy * ONE),
            ("units_xz", xz * ONE),
            ("units_yy", yy * ONE),
            ("units_yz", yz * ONE),
            ("units_zz", zz * ONE),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_survives_to_a_unit_and_every_image_is_the_same() {
        let [a, b, c] = [[3.0, 0.0, 0.0], [1.4, 2.8, 0.0], [-1.2, 1.3, 2.5]];
        let cell = FixedCell::new(Cell { vectors_nm: [a, b, c] }).expect("a reduced cell");
        let [a, b, c] = cell.cell().vectors_nm;
        for point in [[0.1, 0.2, 0.3], [2.2, 2.6, 2.4], [1.0, 0.0, 1.2]] {
            let image = [0, 1, 2].map(|k| point[k] + 2.0 * a[k] - b[k] + c[k]);
            let (here, there) = (cell.encode(point), cell.encode(image));
            assert!((0..3).all(|axis| here[axis].wrapping_sub(there[axis]).cast_signed().abs() <= 2));
            let off = cell.difference(cell.encode(cell.decode(here)), here);
            assert!(off.iter().all(|x| x.abs() < 3e-9), "{off:?}");
        }
    }
}
