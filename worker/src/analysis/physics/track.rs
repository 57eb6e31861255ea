//! Positions over time. Frames hold positions wrapped into the box; each atom's path through it is followed from frame to frame, over all
//! frames, before any are left out. Where the box changes, paths are those in the box of [`Track::edges`], which positions are fractions of; a frame's size turns
//! them into lengths.

use anyhow::bail;

use crate::analysis::trajectory::Frames;

/// Positions held at most: frames are left out evenly beyond that.
const POSITIONS_MAX: u64 = 4_000_000;
/// Share of steps from frame to frame that may be longer than a quarter of the box. For steps that are spread as a Gaussian, half the box is
/// then five standard deviations away: of a million steps less than one is taken for its shorter image.
const LONG_SHARE_MAX: f64 = 0.01;

/// Frames of a periodic box.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    /// Edges of the box, at size 1.
    pub(crate) edges: [f64; 3],
    /// Time of each frame.
    pub(crate) times: Vec<f64>,
    /// Size of the box at each frame.
    pub(crate) sizes: Vec<f64>,
    /// Positions of each frame, not wrapped: each atom's path is unbroken, as far as [`Track::too_fast`] does not say otherwise.
    pub(crate) paths: Vec<Vec<[f64; 3]>>,
    /// Steps from one recorded frame to the next, along one axis, and how many of them are longer than a quarter of the edge.
    pub(crate) steps: u64,
    /// How many of the steps are longer than a quarter of the edge.
    pub(crate) long_steps: u64,
    /// Time between two recorded frames.
    pub(crate) recorded_every: f64,
}

impl Track {
    /// A track of no frames.
    pub(crate) fn new(edges: [f64; 3], recorded_every: f64) -> Self {
        Self {
            edges,
            times: Vec::new(),
            sizes: Vec::new(),
            paths: Vec::new(),
            steps: 0,
            long_steps: 0,
            recorded_every,
        }
    }

    /// The frames of an output at time `from` and later, or evenly chosen ones where there are too many to hold.
    ///
    /// # Errors
    /// The frames are not positions in a periodic box, or cannot be read.
    pub(crate) fn read(frames: &mut dyn Frames, from: f64) -> anyhow::Result<Self> {
        let shape = frames.shape().clone();
        let rows = shape.positions()?;
        let Some(edges) = shape.box_edges() else {
            bail!("output '{}' has no rectangular periodic box", shape.name)
        };
        let held_max = (POSITIONS_MAX / rows.max(1)).max(2);
        let first = (0..frames.count())
            .find(|frame| shape.time(*frame) >= from)
            .unwrap_or(frames.count());
        let stride = (frames.count() - first).div_ceil(held_max).max(1);
        let mut track = Self::new(edges, shape.time(1) - shape.time(0));
        let mut at: Vec<[f64; 3]> = Vec::new();
        for frame in first..frames.count() {
            let size = frames.size(frame)?;
            let wrapped = shape.values(&frames.read(frame)?).as_chunks::<3>().0.to_vec();
            track.follow(&mut at, &wrapped);
            if (frame - first).is_multiple_of(stride) {
                track.times.push(shape.time(frame));
                track.sizes.push(size);
                track.paths.push(at.clone());
            }
        }
        Ok(track)
    }

    /// Move unbroken positions on to where the next frame has them, wrapped. The first frame begins them.
    pub(crate) fn follow(&mut self, at: &mut Vec<[f64; 3]>, wrapped: &[[f64; 3]]) {
        if at.is_empty() {
            wrapped.clone_into(at);
            return;
        }
        for (position, to) in at.iter_mut().zip(wrapped) {
            for axis in 0..3 {
                let edge = self.edges[axis];
                let step = nearest(edge, wrap(edge, position[axis]), wrap(edge, to[axis]));
                position[axis] += step;
                self.steps += 1;
                self.long_steps += u64::from(step.abs() > 0.25 * edge);
            }
        }
    }

    /// The share of long steps, where it is so large that paths cannot be followed: an atom that moves by more than half the box between two
    /// frames is taken for one that moved the other way.
    pub(crate) fn too_fast(&self) -> Option<f64> {
        let share = self.long_steps as f64 / self.steps.max(1) as f64;
        (share > LONG_SHARE_MAX).then_some(share)
    }

    /// Atoms.
    pub(crate) fn atoms(&self) -> usize {
        self.paths.first().map_or(0, Vec::len)
    }

    /// Volume of the box at a size.
    pub(crate) fn volume(&self, size: f64) -> f64 {
        self.edges.iter().product::<f64>() * size.powi(3)
    }

    /// Mean size of the box; 1 of no frames.
    pub(crate) fn mean_size(&self) -> f64 {
        match self.sizes.len() {
            0 => 1.0,
            count => self.sizes.iter().sum::<f64>() / count as f64,
        }
    }

    /// The positions of a frame, wrapped into the box.
    pub(crate) fn wrapped(&self, frame: &[[f64; 3]]) -> Vec<[f64; 3]> {
        let wrapped = |position: &[f64; 3]| [0, 1, 2].map(|axis| wrap(self.edges[axis], position[axis]));
        frame.iter().map(wrapped).collect()
    }

    /// From `a` to the nearest image of `b`, both wrapped.
    pub(crate) fn nearest(&self, a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
        [0, 1, 2].map(|axis| nearest(self.edges[axis], a[axis], b[axis]))
    }
}

fn wrap(edge: f64, x: f64) -> f64 {
    x - edge * (x / edge).floor()
}

fn nearest(edge: f64, a: f64, b: f64) -> f64 {
    let d = b - a;
    if d > 0.5 * edge {
        d - edge
    } else if d < -0.5 * edge {
        d + edge
    } else {
        d
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
            times: (0..frames).map(|i| i as f64).collect(),
            sizes: vec![1.0; frames],
            paths: (0..frames).map(|_| frame()).collect(),
            ..Track::new(edges, 1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::noise;
    use super::*;

    #[test]
    fn paths_are_followed_through_the_box_both_ways() {
        let mut track = Track::new([1.0; 3], 1.0);
        let mut at = Vec::new();
        let mut paths = Vec::new();
        for x in [0.1, 0.9, 0.7, 0.15, 0.4] {
            track.follow(&mut at, &[[x, 1.0 - x, 0.5]]);
            paths.push(at[0][0]);
        }
        for (found, expected) in paths.iter().zip([0.1, -0.1, -0.3, 0.15, 0.4]) {
            assert!((found - expected).abs() < 1e-12, "{paths:?}");
        }
    }

    /// Atoms that fly straight through a box of edge 1, `speed` a frame on average.
    fn flight(speed: f64) -> Track {
        let mut noise = noise(5);
        let mut roll = || noise.next().unwrap_or(0.5);
        let velocity: Vec<[f64; 3]> = (0..300)
            .map(|_| [0; 3].map(|_| speed * (0..12).map(|_| roll()).sum::<f64>() - 6.0 * speed))
            .collect();
        let mut track = Track::new([1.0; 3], 1.0);
        let mut at = Vec::new();
        for frame in 0..20 {
            let wrapped: Vec<[f64; 3]> = velocity
                .iter()
                .map(|v| v.map(|v| (0.5 + f64::from(frame) * v).rem_euclid(1.0)))
                .collect();
            track.follow(&mut at, &wrapped);
        }
        let moved: f64 = at.iter().flatten().map(|x| (x - 0.5).powi(2)).sum();
        let flown: f64 = velocity.iter().flatten().map(|v| (19.0 * v).powi(2)).sum();
        let is_followed = (moved / flown - 1.0).abs() < 1e-6;
        assert!(
            is_followed || track.too_fast().is_some(),
            "{speed}: lost without a word, {moved} for {flown}"
        );
        track
    }

    #[test]
    fn atoms_that_are_too_fast_for_the_frames_are_said_to_be() {
        for speed in [0.001, 0.01, 0.05, 0.08] {
            assert_eq!(flight(speed).too_fast(), None, "{speed}");
        }
        for speed in [0.2, 0.3, 0.5, 1.0, 3.0] {
            assert!(flight(speed).too_fast().is_some(), "{speed}");
        }
    }
}
