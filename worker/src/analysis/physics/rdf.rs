//! The radial distribution function: how many pairs there are at a distance, beside how many an ideal gas would have.

use super::fit;
use super::track::Track;

/// Bins on half an edge of 3.5 nm are 0.002 nm (0.02 Å) wide.
const BIN_NM: f64 = 0.002;
/// Bins that the parabola at the first peak goes through.
const PEAK_BINS: usize = 13;
/// Pairs looked at, at most: frames are left out evenly beyond that, but never all.
const PAIRS_MAX: f64 = 6e8;

/// g(r).
#[derive(Clone, Debug)]
pub(crate) struct Rdf {
    /// Middle of each bin, and g there.
    pub(crate) points: Vec<(f64, f64)>,
    /// First peak: distance and height.
    pub(crate) peak: Option<(f64, f64)>,
    /// Frames it is the mean of.
    pub(crate) frames: usize,
}

/// g(r) up to half the shortest edge, in bins of a width that suits the unit: `BIN_NM` where that is nm.
pub(crate) fn rdf(track: &Track, is_nm: bool) -> Rdf {
    let reach = 0.5 * track.edges.iter().copied().fold(f64::INFINITY, f64::min);
    let width = if is_nm { BIN_NM } else { reach / 800.0 };
    let bins = (reach / width).floor() as usize;
    let atoms = track.atoms();
    let pairs = atoms as f64 * (atoms as f64 - 1.0) / 2.0;
    let stride = ((pairs * track.frames.len() as f64 / PAIRS_MAX).ceil() as usize).max(1);
    let mut counts = vec![0_u64; bins];
    let mut frames = 0;
    for frame in track.frames.iter().step_by(stride) {
        count(track, frame, width, &mut counts);
        frames += 1;
    }
    let ideal = |bin: usize| {
        let shell = 4.0 / 3.0 * std::f64::consts::PI * ((bin + 1) as f64 * width).powi(3)
            - 4.0 / 3.0 * std::f64::consts::PI * (bin as f64 * width).powi(3);
        pairs * shell / track.volume() * frames as f64
    };
    let points: Vec<(f64, f64)> = counts
        .iter()
        .enumerate()
        .map(|(bin, count)| ((bin as f64 + 0.5) * width, *count as f64 / ideal(bin).max(f64::MIN_POSITIVE)))
        .collect();
    Rdf {
        peak: peak(&points),
        points,
        frames,
    }
}

fn count(track: &Track, frame: &[[f64; 3]], width: f64, counts: &mut [u64]) {
    let reach2 = (counts.len() as f64 * width).powi(2);
    for (index, a) in frame.iter().enumerate() {
        for b in &frame[index + 1..] {
            let [x, y, z] = track.nearest(*a, *b);
            let r2 = x * x + y * y + z * z;
            if r2 < reach2
                && let Some(bin) = counts.get_mut((r2.sqrt() / width) as usize)
            {
                *bin += 1;
            }
        }
    }
}

/// Top of the parabola through the bins around the highest one.
fn peak(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let highest = (0..points.len()).max_by(|a, b| points[*a].1.total_cmp(&points[*b].1))?;
    let from = highest.checked_sub(PEAK_BINS / 2)?;
    fit::top(points.get(from..from + PEAK_BINS)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::physics::track::testing::gas;

    #[test]
    fn an_ideal_gas_is_even() {
        let found = rdf(&gas(400, 40, [2.0, 2.5, 3.0]), true);
        assert_eq!(found.frames, 40);
        assert!((found.points.last().unwrap().0 - 0.999).abs() < 1e-9);
        let far = &found.points[250..];
        let mean = far.iter().map(|point| point.1).sum::<f64>() / far.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn pairs_at_one_distance_are_found_across_the_boundary() {
        let frames = vec![vec![[0.05, 0.5, 0.5], [0.95, 0.5, 0.5]]];
        let track = Track {
            edges: [1.0; 3],
            times: vec![0.0],
            frames,
        };
        let found = rdf(&track, true);
        let hit: Vec<usize> = (0..found.points.len()).filter(|bin| found.points[*bin].1 > 0.0).collect();
        assert!(hit == [49] || hit == [50], "{hit:?}");
    }
}
