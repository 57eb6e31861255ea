//! The host's version of the sort and of the list: how many neighbors clusters have in the starting state, which says how much
//! room the device's list needs.

use crate::md::fixed::distance2;

/// Atoms of a cluster.
pub const CLUSTER: usize = 4;

/// Bits of each axis in a place on Hilbert's curve; `hilbert.wgsl` has the same.
const BITS: u32 = 10;

/// A point's place on Hilbert's curve: what `hilbert_key` of `hilbert.wgsl` gives.
pub fn hilbert_key(position: [u32; 3]) -> u32 {
    let [mut x, mut y, mut z] = position.map(|v| v >> (32 - BITS));
    for bit in (1..BITS).rev() {
        let (q, low) = (1 << bit, (1 << bit) - 1);
        if x & q != 0 {
            x ^= low;
        }
        for v in [&mut y, &mut z] {
            if *v & q != 0 {
                x ^= low;
            } else {
                let swap = (x ^ *v) & low;
                x ^= swap;
                *v ^= swap;
            }
        }
    }
    y ^= x;
    z ^= y;
    let turn = (1..BITS)
        .filter(|bit| z & (1 << bit) != 0)
        .fold(0, |turn, bit| turn ^ ((1 << bit) - 1));
    let bits = [x ^ turn, y ^ turn, z ^ turn];
    (0..BITS)
        .rev()
        .fold(0, |key, bit| bits.iter().fold(key, |key, v| key << 1 | (v >> bit & 1)))
}

/// Tags in sorted order.
pub fn sorted_tags(positions: &[[u32; 3]]) -> Vec<u32> {
    let mut pairs: Vec<_> = (0u32..)
        .zip(positions)
        .map(|(tag, position)| (hilbert_key(*position), tag))
        .collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(_, tag)| tag).collect()
}

/// How many neighbors each cluster lists: atoms of earlier clusters nearer than `reach_nm` to one of its own.
pub fn neighbor_counts(positions: &[[u32; 3]], edges_nm: [f64; 3], reach_nm: f64) -> Vec<usize> {
    let tags = sorted_tags(positions);
    let grid = Grid::new(positions, edges_nm, reach_nm);
    let mut cluster_of = vec![0; positions.len()];
    tags.iter()
        .enumerate()
        .for_each(|(slot, tag)| cluster_of[*tag as usize] = slot / CLUSTER);
    let mut seen = vec![usize::MAX; positions.len()];
    let clusters = tags.chunks(CLUSTER).enumerate();
    let counts = clusters.map(|(cluster, members)| {
        let mut count = 0;
        for &member in members {
            let here = positions[member as usize];
            grid.for_each_around(here, |other| {
                let fresh = cluster_of[other] < cluster && seen[other] != cluster;
                if fresh && distance2(here, positions[other], edges_nm) < reach_nm * reach_nm {
                    seen[other] = cluster;
                    count += 1;
                }
            });
        }
        count
    });
    counts.collect()
}

/// The two atoms that are nearest to each other, and their distance, nm: none closer than `below_nm` gives `None`.
pub fn closest_pair(positions: &[[u32; 3]], edges_nm: [f64; 3], below_nm: f64) -> Option<(usize, usize, f64)> {
    let grid = Grid::new(positions, edges_nm, below_nm);
    let mut closest: Option<(usize, usize, f64)> = None;
    for (a, here) in positions.iter().enumerate() {
        grid.for_each_around(*here, |b| {
            let r = distance2(*here, positions[b], edges_nm).sqrt();
            if b > a && r < closest.map_or(below_nm, |(.., r)| r) {
                closest = Some((a, b, r));
            }
        });
    }
    closest
}

/// Atoms by cells no smaller than a distance.
struct Grid {
    cells: [usize; 3],
    /// Atoms, cell after cell.
    atoms: Vec<usize>,
    /// Where each cell starts in `atoms`, and the end.
    starts: Vec<usize>,
}

impl Grid {
    fn new(positions: &[[u32; 3]], edges_nm: [f64; 3], reach_nm: f64) -> Self {
        // No more cells than atoms ask for, whatever the distance.
        let most = (positions.len() as f64).cbrt().ceil().max(1.0);
        let cells = edges_nm.map(|edge| (edge / reach_nm).floor().clamp(1.0, most) as usize);
        let mut starts = vec![0; cells.iter().product::<usize>() + 1];
        let mut grid = Self {
            cells,
            atoms: vec![0; positions.len()],
            starts: Vec::new(),
        };
        let of: Vec<usize> = positions.iter().map(|position| grid.index(grid.cell(*position))).collect();
        of.iter().for_each(|cell| starts[cell + 1] += 1);
        for cell in 1..starts.len() {
            starts[cell] += starts[cell - 1];
        }
        let mut next = starts.clone();
        for (atom, cell) in of.iter().enumerate() {
            grid.atoms[next[*cell]] = atom;
            next[*cell] += 1;
        }
        grid.starts = starts;
        grid
    }

    fn cell(&self, position: [u32; 3]) -> [usize; 3] {
        [0, 1, 2].map(|axis| ((u64::from(position[axis]) * self.cells[axis] as u64) >> 32) as usize)
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * self.cells[1] + y) * self.cells[2] + z
    }

    /// Call with each atom of the cells around a position once.
    fn for_each_around(&self, position: [u32; 3], mut call: impl FnMut(usize)) {
        let here = self.cell(position);
        // Where an axis has fewer than three cells, each comes once.
        let around = |axis: usize| {
            let count = self.cells[axis];
            (0..count.min(3)).map(move |step| (here[axis] + count + step - usize::from(count > 1)) % count)
        };
        for x in around(0) {
            for y in around(1) {
                for z in around(2) {
                    let cell = self.index([x, y, z]);
                    self.atoms[self.starts[cell]..self.starts[cell + 1]]
                        .iter()
                        .for_each(|atom| call(*atom));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(n: u32) -> Vec<[u32; 3]> {
        (1..=n)
            .map(|i| {
                [
                    i.wrapping_mul(2_654_435_769),
                    i.wrapping_mul(2_246_822_519),
                    i.wrapping_mul(3_266_489_917),
                ]
            })
            .collect()
    }

    #[test]
    fn the_curve_visits_every_cell_once_and_never_jumps() {
        // 8 cells an edge: the top 3 bits of each axis, which are the top 9 of the key.
        let mut places = vec![None; 512];
        for cell in 0..512u32 {
            let at = [cell >> 6, cell >> 3 & 7, cell & 7];
            let place = (hilbert_key(at.map(|v| v << 29)) >> 21) as usize;
            assert_eq!(places[place].replace(at), None, "two cells have place {place}");
        }
        for pair in places.windows(2) {
            let (a, b) = (pair[0].expect("every place is taken"), pair[1].expect("every place is taken"));
            let steps: u32 = (0..3).map(|axis| a[axis].abs_diff(b[axis])).sum();
            assert_eq!(steps, 1, "{a:?} to {b:?}");
        }
    }

    #[test]
    fn neighbors_are_counted_as_all_pairs_say() {
        for (edges, reach) in [([3.0, 3.0, 3.0], 0.9), ([1.5, 4.0, 2.1], 1.0), ([1.9, 1.9, 1.9], 1.0)] {
            let positions = scattered(203);
            let tags = sorted_tags(&positions);
            let near = |a: u32, b: u32| distance2(positions[a as usize], positions[b as usize], edges) < reach * reach;
            let clusters = tags.chunks(CLUSTER).enumerate();
            let expected = clusters.map(|(cluster, members)| {
                let earlier = tags[..CLUSTER * cluster].iter();
                earlier
                    .filter(|tag| members.iter().any(|member| near(*member, **tag)))
                    .count()
            });
            assert_eq!(
                neighbor_counts(&positions, edges, reach),
                expected.collect::<Vec<_>>(),
                "{edges:?}"
            );
        }
    }

    #[test]
    fn the_closest_pair_is_found_across_the_boundary() {
        let mut positions = scattered(50);
        positions[7] = [5, 1 << 31, 1 << 30];
        positions[31] = [0u32.wrapping_sub(5), 1 << 31, 1 << 30];
        let (a, b, r) = closest_pair(&positions, [2.0; 3], 0.1).expect("a pair is close");
        assert_eq!((a, b), (7, 31));
        assert!((r - 10.0 * 2.0 / 4_294_967_296.0).abs() < 1e-15);
        assert_eq!(closest_pair(&positions[8..20], [2.0; 3], 1e-6), None);
    }
}
