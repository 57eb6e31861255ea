//! The units that Lennard-Jones pairs are computed in.

use super::pairs::Pair;

/// 2³²: units of a position to the box's edge.
const ONE: f64 = 4_294_967_296.0;

/// In which units pairs are computed: a cubic box has one for all axes, in which squares are exact.
pub(in crate::md) struct PairUnit {
    pub(in crate::md) file: &'static str,
    /// Bits of a fixed-point difference that are squared apart from the rest.
    pub(super) shift: u32,
    /// Unit of distances.
    pub(super) small_nm: f64,
    /// Unit of 1 / r² (its square root): the cutoff is 1/2 to 1 of it.
    pub(super) large_nm: f64,
}

impl PairUnit {
    pub(in crate::md) fn of([x, y, z]: [f64; 3], cutoff_nm: f64) -> Self {
        if x != y || x != z {
            return Self {
                file: "md/terms/lennard_jones/pair_box.wgsl",
                shift: 0,
                small_nm: 1.0,
                large_nm: 1.0,
            };
        }
        let bits = (cutoff_nm / x * ONE).log2().ceil();
        let shift = (bits - 11.0).clamp(0.0, 20.0);
        let small_nm = x / ONE;
        Self {
            file: "md/terms/lennard_jones/pair_cube.wgsl",
            shift: shift as u32,
            small_nm,
            large_nm: small_nm * (shift + 11.0).exp2(),
        }
    }

    /// Coefficients of r⁻⁶ and r⁻¹² in energies.
    pub(super) fn energy(&self, pair: &Pair) -> [f64; 2] {
        [pair.c6 / self.large_nm.powi(6), pair.c12 / self.large_nm.powi(12)]
    }

    /// The same in forces, which are these times r / r².
    pub(super) fn force(&self, pair: &Pair) -> [f64; 2] {
        let [c6, c12] = self.energy(pair);
        let vector = self.small_nm / self.large_nm.powi(2);
        [6.0 * c6 * vector, 12.0 * c12 * vector]
    }
}
