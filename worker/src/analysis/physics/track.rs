//! Positions over time. Frames hold positions wrapped into the box; consecutive ones are close enough to follow each atom through it.

use anyhow::bail;

use crate::analysis::trajectory::Frames;

/// Positions held at most: frames are left out evenly beyond that.
const POSITIONS_MAX: u64 = 4_000_000;

/// Frames of a periodic box.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// Edges of the box.
    pub(crate) edges: [f64; 3],
    /// Time of each frame.
    pub(crate) times: Vec<f64>,
    /// Positions of each frame, wrapped into the box.
    pub(crate) frames: Vec<Vec<[f64; 3]>>,
}

impl Track {
    /// The frames of an output at time `from` and later, or evenly chosen ones where there are too many to hold.
    ///
    /// # Errors
    /// The frames are not positions in a periodic box, or cannot be read.
    pub(crate) fn read(frames: &mut dyn Frames, from: f64) -> anyhow::Result<Self> {
        let shape = frames.shape().clone();
        let rows = shape.positions()?;
        let Some(edges) = shape.box_edges() else {
            bail!("output '{}' has no periodic box", shape.name)
        };
        let held_max = (POSITIONS_MAX / rows.max(1)).max(2);
        let first = (0..frames.count())
            .find(|frame| shape.time(*frame) >= from)
            .unwrap_or(frames.count());
        let stride = (frames.count() - first).div_ceil(held_max).max(1);
        let mut track = Self {
            edges,
            times: Vec::new(),
            frames: Vec::new(),
        };
        for frame in (first..frames.count()).step_by(usize::try_from(stride)?) {
            track.times.push(shape.time(frame));
            track
                .frames
                .push(shape.values(&frames.read(frame)?).as_chunks::<3>().0.to_vec());
        }
        Ok(track)
    }

    /// Atoms.
    pub(crate) fn atoms(&self) -> usize {
        self.frames.first().map_or(0, Vec::len)
    }

    /// Volume of the box.
    pub(crate) fn volume(&self) -> f64 {
        self.edges.iter().product()
    }

    /// From `a` to the nearest image of `b`.
    pub(crate) fn nearest(&self, a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|axis| {
            let edge = self.edges[axis];
            let d = b[axis] - a[axis];
            if d > 0.5 * edge {
                d - edge
            } else if d < -0.5 * edge {
                d + edge
            } else {
                d
            }
        })
    }

    /// The frames with each atom's path unbroken.
    pub(crate) fn unwrapped(&self) -> Vec<Vec<[f64; 3]>> {
        let mut paths: Vec<Vec<[f64; 3]>> = Vec::with_capacity(self.frames.len());
        for (index, frame) in self.frames.iter().enumerate() {
            let Some(before) = paths.last() else {
                paths.push(frame.clone());
                continue;
            };
            let wrapped_before = &self.frames[index - 1];
            let moved = |atom: usize| {
                let step = self.nearest(wrapped_before[atom], frame[atom]);
                [0, 1, 2].map(|axis| before[atom][axis] + step[axis])
            };
            let next = (0..frame.len()).map(moved).collect();
            paths.push(next);
        }
        paths
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::Track;

    /// Numbers in [0, 1) without a pattern that matters.
    pub(crate) fn noise(seed: u64) -> impl Iterator<Item = f64> {
        let mut state = seed;
        std::iter::from_fn(move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            Some((state >> 33) as f64 / 2_147_483_648.0)
        })
    }

    /// Atoms of an ideal gas, each frame drawn anew.
    pub(crate) fn gas(atoms: usize, frames: usize, edges: [f64; 3]) -> Track {
        let mut noise = noise(7);
        let mut frame = || {
            (0..atoms)
                .map(|_| edges.map(|edge| edge * noise.next().unwrap_or(0.0)))
                .collect()
        };
        Track {
            edges,
            times: (0..frames).map(|i| i as f64).collect(),
            frames: (0..frames).map(|_| frame()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_followed_through_the_box_both_ways() {
        let frames = [0.1, 0.9, 0.7, 0.15, 0.4].map(|x| vec![[x, 1.0 - x, 0.5]]).to_vec();
        let track = Track {
            edges: [1.0; 3],
            times: vec![0.0; 5],
            frames,
        };
        let paths: Vec<f64> = track.unwrapped().iter().map(|frame| frame[0][0]).collect();
        for (found, expected) in paths.iter().zip([0.1, -0.1, -0.3, 0.15, 0.4]) {
            assert!((found - expected).abs() < 1e-12, "{paths:?}");
        }
    }
}
