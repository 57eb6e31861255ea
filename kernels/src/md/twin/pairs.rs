//! Pairs of particles within a distance, each once, found by cells of the box.

use crate::md::system::{System, Vector};

use super::vector::{dot, norm, subtract};

/// Excluded partners of each particle.
#[derive(Debug)]
pub struct Exclusions {
    partners: Vec<Vec<u32>>,
}

impl Exclusions {
    /// From pairs.
    pub fn new(particles: usize, pairs: &[[u32; 2]]) -> Self {
        let mut partners = vec![Vec::new(); particles];
        for [a, b] in pairs {
            partners[*a as usize].push(*b);
            partners[*b as usize].push(*a);
        }
        Self { partners }
    }

    /// Whether two particles are an excluded pair.
    pub fn contain(&self, a: u32, b: u32) -> bool {
        self.partners[a as usize].contains(&b)
    }
}

/// Call with each pair of particles a < b at a distance up to `cutoff_nm`, or with all pairs, the difference x_a − x_b (nearest image in a periodic
/// system), nm, and its square, nm².
pub fn for_each(system: &System, cutoff_nm: Option<f64>, mut call: impl FnMut(u32, u32, Vector, f64)) {
    let Some(cutoff) = cutoff_nm else {
        for a in 0..system.atoms() as u32 {
            for b in a + 1..system.atoms() as u32 {
                let d = system.difference_nm(a, b);
                call(a, b, d, dot(d, d));
            }
        }
        return;
    };
    let reach2 = cutoff * cutoff;
    let cells = Cells::new(system, cutoff);
    let mut pair = |a: u32, b: u32| {
        let (a, b) = (a.min(b), a.max(b));
        let d = system.difference_nm(a, b);
        let r2 = dot(d, d);
        // The square root decides, as it does in the Reference platform.
        if r2 <= reach2 * (1.0 + 1e-12) && libm::sqrt(r2) <= cutoff {
            call(a, b, d, r2);
        }
    };
    for (index, members) in cells.members.iter().enumerate() {
        for other in cells.later_neighbours(index) {
            members
                .iter()
                .for_each(|a| cells.members[other].iter().for_each(|b| pair(*a, *b)));
        }
        for (place, a) in members.iter().enumerate() {
            members[place + 1..].iter().for_each(|b| pair(*a, *b));
        }
    }
}

struct Cells {
    counts: [usize; 3],
    members: Vec<Vec<u32>>,
}

impl Cells {
    /// Cells at least `reach_nm` thick in each direction; few where there are few particles.
    fn new(system: &System, reach_nm: f64) -> Self {
        let most = (system.atoms() as f64).cbrt().ceil();
        let thickness = |axis: usize| match &system.cell {
            // The distance of a box vector's two faces is one over the length of the fraction's gradient.
            Some(cell) => norm(cell.gradients()[axis]).recip(),
            None => {
                let [low, high] = extent(system, axis);
                high - low + 1e-9
            }
        };
        let counts = [0, 1, 2].map(|axis| (thickness(axis) / reach_nm).floor().clamp(1.0, most) as usize);
        let mut cells = Self {
            counts,
            members: vec![Vec::new(); counts.iter().product()],
        };
        let low = [0, 1, 2].map(|axis| extent(system, axis)[0]);
        for (particle, position) in system.positions_nm.iter().enumerate() {
            let fractions = match &system.cell {
                Some(cell) => cell.fractions(*position),
                None => {
                    let from_low = subtract(*position, low);
                    [0, 1, 2].map(|axis| from_low[axis] / thickness(axis))
                }
            };
            let place = [0, 1, 2].map(|axis| {
                let wrapped = fractions[axis] - fractions[axis].floor();
                ((wrapped * counts[axis] as f64) as usize).min(counts[axis] - 1)
            });
            let index = cells.index(place);
            cells.members[index].push(particle as u32);
        }
        cells
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * self.counts[1] + y) * self.counts[2] + z
    }

    /// Cells around one that have a larger index, each once.
    fn later_neighbours(&self, index: usize) -> Vec<usize> {
        let [_, ny, nz] = self.counts;
        let here = [index / (ny * nz), index / nz % ny, index % nz];
        let around = |axis: usize| {
            let count = self.counts[axis];
            [count - 1, 0, 1].map(|step| (here[axis] + step) % count)
        };
        let mut found = Vec::with_capacity(27);
        for x in around(0) {
            for y in around(1) {
                for z in around(2) {
                    found.push(self.index([x, y, z]));
                }
            }
        }
        found.retain(|other| *other > index);
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn extent(system: &System, axis: usize) -> [f64; 2] {
    let all = system.positions_nm.iter().map(|position| position[axis]);
    all.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::md::system::{Cell, Particle};
    use crate::random::{Stream, uniform};

    #[test]
    fn every_pair_comes_once_in_boxes_of_all_shapes() {
        let boxes = [
            Some(Cell::rectangular([3.0, 1.9, 4.2])),
            Some(Cell {
                vectors_nm: [[3.0, 0.0, 0.0], [1.4, 2.8, 0.0], [-1.3, 1.2, 2.6]],
            }),
            None,
        ];
        for (which, cell) in boxes.into_iter().enumerate() {
            let n = 300u32;
            let at = |i: u32| [0, 1, 2].map(|axis| 9.0 * uniform(which as u64, Stream::Test, 0, 3 * i + axis) - 3.0);
            let system = System {
                particles: vec![Particle::default(); n as usize],
                positions_nm: (0..n).map(at).collect(),
                cell,
                ..System::default()
            };
            for cutoff in [0.3, 0.6, 0.95] {
                let mut found = Vec::new();
                for_each(&system, Some(cutoff), |a, b, _, _| found.push((a, b)));
                found.sort_unstable();
                let mut expected = Vec::new();
                for_each(&system, None, |a, b, _, r2| {
                    if libm::sqrt(r2) <= cutoff {
                        expected.push((a, b));
                    }
                });
                assert!(!expected.is_empty());
                assert_eq!(found, expected, "{cell:?} {cutoff}");
            }
        }
    }
}
