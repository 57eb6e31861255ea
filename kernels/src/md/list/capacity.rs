//! How much room the neighbor list gets.
//!
//! Invariant: capacity shows in no result. A list without room is a fault, never a list with a pair less.

use super::LIST_CLUSTERS;
use super::order::{CLUSTER, neighbor_counts};

/// Words up to which a buffer has room for everything that could be asked of it.
const SMALL_WORDS: u64 = 1 << 20;

/// Room of a list, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Neighbors of a cluster, on average over those that share a block of the list.
    pub neighbors: u64,
    /// Neighbors found by one of a cluster's four invocations.
    pub hits_max: u64,
    /// Candidates of a group of eight clusters, in units of 32 candidates (one bit each in a mask word of `partners`).
    pub candidate_words: u64,
}

impl Capacity {
    /// Room for the positions at hand, and for what they may become, in a list that holds each pair once, with the later cluster. Small systems get room for every
    /// pair. Larger ones: for a third more than the cluster with the longest list has now, a fifth more than the block with the longest ones has on average, and a little
    /// for small numbers; and for a liquid at the density of the positions or at `dense_per_nm3`, whichever is more, where a cluster reaches about 1.8 times as many atoms
    /// as one atom does, and in few blocks more than three quarters of them are earlier ones.
    pub fn of(positions: &[[u32; 3]], edges_nm: [f64; 3], reach_nm: f64, dense_per_nm3: f64) -> Self {
        let atoms = positions.len() as u64;
        let clusters = atoms.div_ceil(CLUSTER as u64);
        let all_candidates = clusters * clusters.div_ceil(8) <= SMALL_WORDS;
        let candidate_words = |candidates: u64| (candidates + 1).div_ceil(32);
        if atoms * clusters <= SMALL_WORDS {
            return Self {
                neighbors: atoms + 1,
                // One of each cluster.
                hits_max: clusters,
                candidate_words: candidate_words(clusters),
            };
        }
        let sphere_nm3 = 4.0 / 3.0 * std::f64::consts::PI * reach_nm.powi(3);
        let even = atoms as f64 / edges_nm.iter().product::<f64>();
        let liquid = 1.8 * sphere_nm3 * even.max(dense_per_nm3);
        let counts = neighbor_counts(positions, edges_nm, reach_nm);
        let most = counts.iter().copied().max().unwrap_or(0) as f64;
        let blocks = counts.chunks(LIST_CLUSTERS as usize);
        let most_of_a_block = blocks.map(|block| block.iter().sum::<usize>()).max().unwrap_or(0) as f64 / LIST_CLUSTERS as f64;
        let room = |most: f64, share: f64, more: f64| ((most.max(share * liquid) * more) as u64 + 32).min(atoms + 1);
        let crowded = room(most, 1.0, 1.33);
        // In a liquid a group meets 270 clusters on average where a cluster has 134 neighbors, and a few groups, which the curve bends far, more than
        // twice that.
        let candidates = if all_candidates {
            clusters
        } else {
            (6 * crowded).max(256).min(clusters)
        };
        Self {
            neighbors: room(most_of_a_block, 0.75, 1.2),
            hits_max: crowded / 4 + 16,
            candidate_words: candidate_words(candidates),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(n: u32) -> Vec<[u32; 3]> {
        (1..=n)
            .map(|i| [2_654_435_769u32, 2_246_822_519, 3_266_489_917].map(|factor| i.wrapping_mul(factor)))
            .collect()
    }

    #[test]
    fn small_systems_have_room_for_every_pair() {
        for n in [1, 5, 864, 2000] {
            let capacity = Capacity::of(&scattered(n), [100.0; 3], 1.0, 0.0);
            let n = u64::from(n);
            assert!(capacity.neighbors > n.saturating_sub(1), "{n}");
            assert!(4 * capacity.hits_max >= n, "{n}");
            assert!(32 * capacity.candidate_words > n.div_ceil(4), "{n}");
        }
    }

    #[test]
    fn a_thin_gas_has_room_for_the_liquid_it_may_become() {
        let gas = Capacity::of(&scattered(8000), [60.0; 3], 2.8, 1.2);
        let liquid = Capacity::of(&scattered(8000), [8000f64.cbrt() / 1.2f64.cbrt(); 3], 2.8, 0.0);
        assert!(gas.neighbors >= 125, "{gas:?}");
        assert!(liquid.neighbors >= 125, "{liquid:?}");
    }
}
