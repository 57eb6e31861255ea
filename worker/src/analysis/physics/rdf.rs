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

/// Which atoms a radial distribution function is of: all pairs, or those of two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair(pub(crate) usize, pub(crate) usize);

/// All pairs of `kinds` kinds, in order.
pub(crate) fn pairs(kinds: usize) -> Vec<Pair> {
    (0..kinds).flat_map(|a| (a..kinds).map(move |b| Pair(a, b))).collect()
}

/// g(r) up to half the shortest edge of the smallest box, one for each of [`pairs`], in bins of a width that suits the unit: `BIN_NM` where that is nm. `of_row` is the
/// kind of each atom; empty where there is one.
pub(crate) fn rdf(track: &Track, is_nm: bool, of_row: &[usize]) -> Vec<Rdf> {
    let smallest = track.sizes.iter().copied().fold(f64::INFINITY, f64::min);
    let reach = 0.5 * smallest * track.edges.iter().copied().fold(f64::INFINITY, f64::min);
    let width = if is_nm { BIN_NM } else { reach / 800.0 };
    let bins = (reach / width).floor() as usize;
    let kind = |atom: usize| of_row.get(atom).copied().unwrap_or(0);
    let kinds = of_row.iter().max().map_or(1, |last| last + 1);
    let atoms = track.atoms();
    let all = atoms as f64 * (atoms as f64 - 1.0) / 2.0;
    let stride = ((all * track.paths.len() as f64 / PAIRS_MAX).ceil() as usize).max(1);
    // One row of bins for each ordered pair of kinds: the two of a pair are added at the end.
    let mut counts = vec![vec![0_u64; bins]; kinds * kinds];
    let mut frames = 0;
    // Sum of 1 / V over the frames.
    let mut crowding = 0.0;
    for (frame, size) in track.paths.iter().zip(&track.sizes).step_by(stride) {
        crowding += 1.0 / track.volume(*size);
        count(track, &track.wrapped(frame), reach / size, width / size, |a, b, bin| {
            if let Some(count) = counts[kind(a) * kinds + kind(b)].get_mut(bin) {
                *count += 1;
            }
        });
        frames += 1;
    }
    let mut members = vec![0_u64; kinds];
    (0..atoms).for_each(|atom| members[kind(atom)] += 1);
    let of_pair = |Pair(a, b): Pair| {
        let (of_a, of_b) = (members[a] as f64, members[b] as f64);
        let there = if a == b { of_a * (of_a - 1.0) / 2.0 } else { of_a * of_b };
        let counted = |bin: usize| {
            let back = if a == b { 0 } else { counts[b * kinds + a][bin] };
            counts[a * kinds + b][bin] + back
        };
        let ideal = |bin: usize| {
            let shell = 4.0 / 3.0 * std::f64::consts::PI * ((bin + 1) as f64 * width).powi(3)
                - 4.0 / 3.0 * std::f64::consts::PI * (bin as f64 * width).powi(3);
            there * shell * crowding
        };
        let g = |bin: usize| counted(bin) as f64 / ideal(bin).max(f64::MIN_POSITIVE);
        let points: Vec<(f64, f64)> = (0..bins).map(|bin| ((bin as f64 + 0.5) * width, g(bin))).collect();
        Rdf {
            peak: peak(&points),
            points,
            frames,
        }
    };
    pairs(kinds).into_iter().map(of_pair).collect()
}

fn count(track: &Track, frame: &[[f64; 3]], reach: f64, width: f64, mut put: impl FnMut(usize, usize, usize)) {
    for (index, a) in frame.iter().enumerate() {
        for (other, b) in (index + 1..).zip(&frame[index + 1..]) {
            let [x, y, z] = track.nearest(*a, *b);
            let r2 = x * x + y * y + z * z;
            if r2 < reach * reach {
                put(index, other, (r2.sqrt() / width) as usize);
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
        let found = rdf(&gas(400, 40, [2.0, 2.5, 3.0]), true, &[]).remove(0);
        assert_eq!(found.frames, 40);
        assert!((found.points.last().unwrap().0 - 0.999).abs() < 1e-9);
        let far = &found.points[250..];
        let mean = far.iter().map(|point| point.1).sum::<f64>() / far.len() as f64;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn pairs_at_one_distance_are_found_across_the_boundary() {
        let track = Track {
            times: vec![0.0],
            sizes: vec![1.0],
            paths: vec![vec![[0.05, 0.5, 0.5], [0.95, 0.5, 0.5]]],
            ..Track::new([1.0; 3], 1.0)
        };
        let found = rdf(&track, true, &[]).remove(0);
        let hit: Vec<usize> = (0..found.points.len()).filter(|bin| found.points[*bin].1 > 0.0).collect();
        assert!(hit == [49] || hit == [50], "{hit:?}");
    }

    #[test]
    fn each_pair_of_kinds_has_its_own() {
        // Dimers of unlike atoms in a gas: only the unlike pair has a peak.
        let mut track = gas(200, 40, [2.0, 2.0, 2.0]);
        for frame in &mut track.paths {
            let beside: Vec<[f64; 3]> = frame.iter().map(|[x, y, z]| [x + 0.301, *y, *z]).collect();
            frame.extend(beside);
        }
        let of_row: Vec<usize> = (0..400).map(|atom| atom / 200).collect();
        let found = rdf(&track, true, &of_row);
        assert_eq!(pairs(2), [Pair(0, 0), Pair(0, 1), Pair(1, 1)]);
        let highest: Vec<f64> = found
            .iter()
            .map(|rdf| rdf.points[100..].iter().map(|point| point.1).fold(0.0, f64::max))
            .collect();
        assert!(highest[1] > 5.0 && highest[0] < 2.5 && highest[2] < 2.5, "{highest:?}");
        for rdf in &found {
            let far = &rdf.points[300..];
            let mean = far.iter().map(|point| point.1).sum::<f64>() / far.len() as f64;
            assert!((mean - 1.0).abs() < 0.03, "{mean}");
        }
    }
}
