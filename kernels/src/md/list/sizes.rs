//! How large things get: counts, room for lists, and the units that pairs are computed in.

use super::order::{CLUSTER, most_neighbors};
use crate::md::LennardJonesSystem;
use crate::md::fixed::{edges_nm, encode};
use crate::md::terms::lennard_jones::pairs::Pair;

/// Pairs that one workgroup of `sort.wgsl` sorts.
pub(in crate::md) const SORT_BLOCK: u64 = 256;
/// Runs that `merge.wgsl` merges into one.
const MERGE_WAYS: u64 = 8;
/// 2³²: units of a position to the box's edge.
pub(in crate::md) const ONE: f64 = 4_294_967_296.0;

/// What follows from the system's size.
pub(in crate::md) struct Sizes {
    pub(in crate::md) edges_nm: [f64; 3],
    pub(in crate::md) positions: Vec<[u32; 3]>,
    pub(in crate::md) atoms: u64,
    pub(in crate::md) clusters: u64,
    pub(in crate::md) groups_8: u64,
    pub(in crate::md) groups_64: u64,
    /// Atoms rounded up to whole blocks of the sort.
    pub(in crate::md) padded: u64,
    pub(in crate::md) neighbors_max: u64,
    pub(in crate::md) unit: PairUnit,
}

impl Sizes {
    pub(in crate::md) fn of(system: &LennardJonesSystem) -> Self {
        let edges_nm = edges_nm(system.box_nm);
        let positions: Vec<_> = system
            .positions_nm
            .iter()
            .map(|p| [0, 1, 2].map(|axis| encode(p[axis], edges_nm[axis])))
            .collect();
        let atoms = positions.len() as u64;
        let clusters = atoms.div_ceil(CLUSTER as u64);
        let reach = system.cutoff_nm + system.skin_nm;
        // A cluster of a liquid reaches about 1.8 times as many atoms as one atom does. Room for the state at the start and for
        // an even liquid of that density, a third more, and a little for small numbers; never more than there are.
        let even = 1.8 * 4.0 / 3.0 * std::f64::consts::PI * reach.powi(3) * atoms as f64 / edges_nm.iter().product::<f64>();
        let most = (most_neighbors(&positions, edges_nm, reach) as f64).max(even);
        let neighbors_max = ((most * 1.33) as u64 + 32).min(atoms);
        Self {
            edges_nm,
            positions,
            atoms,
            clusters,
            groups_8: clusters.div_ceil(8),
            groups_64: clusters.div_ceil(64),
            padded: atoms.div_ceil(SORT_BLOCK) * SORT_BLOCK,
            neighbors_max,
            unit: PairUnit::of(edges_nm, system.cutoff_nm),
        }
    }

    /// Room for the clusters around a group of eight. In a liquid a group meets 270 clusters on average where a cluster has 134
    /// neighbors, and a few groups, which the curve bends far, more than twice that.
    pub(in crate::md) fn candidates_max(&self) -> u64 {
        (6 * self.neighbors_max).max(256).min(self.clusters)
    }

    /// Room for what one of the four invocations of `neighbors.wgsl` that serve a cluster finds: a quarter of all, and more for chance.
    pub(in crate::md) fn hits_max(&self) -> u64 {
        self.neighbors_max / 3 + 32
    }

    /// Widths of the runs that each pass of `merge.wgsl` finds.
    pub(in crate::md) fn merge_widths(&self) -> Vec<u64> {
        std::iter::successors(Some(SORT_BLOCK), |width| Some(width * MERGE_WAYS))
            .take_while(|width| *width < self.padded)
            .collect()
    }
}

/// In which units pairs are computed: a cubic box has one for all axes, in which squares are exact.
pub(in crate::md) struct PairUnit {
    pub(in crate::md) file: &'static str,
    /// Bits of a fixed-point difference that are squared apart from the rest.
    pub(in crate::md) shift: u32,
    /// Unit of distances.
    pub(in crate::md) small_nm: f64,
    /// Unit of 1 / r² (its square root): the cutoff is 1/2 to 1 of it.
    pub(in crate::md) large_nm: f64,
}

impl PairUnit {
    pub(in crate::md) fn of([x, y, z]: [f64; 3], cutoff_nm: f64) -> Self {
        if x != y || x != z {
            return Self {
                file: "pair_box.wgsl",
                shift: 0,
                small_nm: 1.0,
                large_nm: 1.0,
            };
        }
        let bits = (cutoff_nm / x * ONE).log2().ceil();
        let shift = (bits - 11.0).clamp(0.0, 20.0);
        let small_nm = x / ONE;
        Self {
            file: "pair_cube.wgsl",
            shift: shift as u32,
            small_nm,
            large_nm: small_nm * (shift + 11.0).exp2(),
        }
    }

    /// Coefficients of r⁻⁶ and r⁻¹² in energies.
    pub(in crate::md) fn energy(&self, pair: &Pair) -> [f64; 2] {
        [pair.c6 / self.large_nm.powi(6), pair.c12 / self.large_nm.powi(12)]
    }

    /// The same in forces, which are these times r / r².
    pub(in crate::md) fn force(&self, pair: &Pair) -> [f64; 2] {
        let [c6, c12] = self.energy(pair);
        let vector = self.small_nm / self.large_nm.powi(2);
        [6.0 * c6 * vector, 12.0 * c12 * vector]
    }
}
