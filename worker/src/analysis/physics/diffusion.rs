//! Einstein's relation: the mean square displacement grows by 6 D a unit of time.

use super::fit::{self, Line};
use super::track::Track;

/// The slope is taken between these times, ps.
const FROM_PS: f64 = 2.0;
const TO_PS: f64 = 10.0;
/// Blocks whose spread gives the standard error.
const BLOCKS: usize = 5;
/// Displacements looked at, at most: time origins are left out evenly beyond that.
const LOOKS_MAX: usize = 300_000_000;

/// Mean square displacement and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Diffusion {
    /// Time between two looks (ps), mean square displacement.
    pub(crate) points: Vec<(f64, f64)>,
    /// The line through the points between 2 and 10 ps.
    pub(crate) line: Line,
    /// D, length² / ps.
    pub(crate) coefficient: f64,
    /// Standard error of D over five blocks of the run, where it is long enough.
    pub(crate) error: Option<f64>,
}

/// The diffusion coefficient of each kind of atom, in a box of its mean size; `ps` is the length of the track's unit of time, `of_row` the kind of each atom, empty where
/// there is one.
///
/// # Errors
/// What the track lacks, in words.
pub(crate) fn diffusion(track: &Track, ps: f64, of_row: &[usize]) -> Result<Vec<Diffusion>, String> {
    if let Some(share) = track.too_fast() {
        return Err(format!(
            "the atoms are too fast for frames {:.3} ps apart in this box: {:.0} % of their steps from frame to frame are longer than a quarter \
             of an edge, so that paths cannot be followed; take frames oftener (the output's `every`)",
            track.recorded_every * ps,
            100.0 * share
        ));
    }
    let kinds = of_row.iter().max().map_or(1, |last| last + 1);
    (0..kinds)
        .map(|kind| {
            let is_of = |atom: usize| of_row.get(atom).is_none_or(|of| *of == kind);
            of_atoms(track, ps, &is_of)
        })
        .collect()
}

fn of_atoms(track: &Track, ps: f64, is_of: &dyn Fn(usize) -> bool) -> Result<Diffusion, String> {
    let times: Vec<f64> = track.times.iter().map(|time| time * ps).collect();
    let (Some(first), Some(second), Some(last)) = (times.first(), times.get(1), times.last()) else {
        return Err("it needs frames".into());
    };
    let (spacing, length) = (second - first, last - first);
    if spacing > 1.0 || length < 2.0 * TO_PS {
        return Err(format!(
            "it needs frames at most 1 ps apart over {} ps; these are {spacing:.3} ps apart over {length:.1} ps",
            2.0 * TO_PS
        ));
    }
    let size = track.mean_size();
    let chosen = |frame: &Vec<[f64; 3]>| {
        let atoms = frame.iter().enumerate().filter(|(atom, _)| is_of(*atom));
        atoms.map(|(_, position)| position.map(|x| x * size)).collect()
    };
    let paths: Vec<Vec<[f64; 3]>> = track.paths.iter().map(chosen).collect();
    let (points, line) = slope(&paths, spacing).ok_or("the displacements lie on no line")?;
    let block = paths.len() / BLOCKS;
    let error = (block as f64 * spacing >= 1.5 * TO_PS).then(|| {
        let slopes: Vec<f64> = paths
            .chunks_exact(block)
            .filter_map(|paths| Some(slope(paths, spacing)?.1.slope / 6.0))
            .collect();
        let count = slopes.len() as f64;
        let mean = slopes.iter().sum::<f64>() / count;
        (slopes.iter().map(|slope| (slope - mean).powi(2)).sum::<f64>() / (count * (count - 1.0))).sqrt()
    });
    Ok(Diffusion {
        points,
        coefficient: line.slope / 6.0,
        line,
        error,
    })
}

/// Mean square displacements up to 10 ps over all time origins, and the line between 2 and 10 ps.
fn slope(paths: &[Vec<[f64; 3]>], spacing: f64) -> Option<(Vec<(f64, f64)>, Line)> {
    let atoms = paths.first()?.len();
    let lags = ((TO_PS / spacing).round() as usize).min(paths.len().checked_sub(1)?);
    let stride = (lags * paths.len() * atoms / LOOKS_MAX).max(1);
    let points: Vec<(f64, f64)> = (0..=lags)
        .map(|lag| {
            let origins = (0..paths.len() - lag).step_by(stride);
            let (mut sum, mut count) = (0.0, 0_u64);
            for origin in origins {
                for (a, b) in paths[origin].iter().zip(&paths[origin + lag]) {
                    sum += (b[0] - a[0]).powi(2) + (b[1] - a[1]).powi(2) + (b[2] - a[2]).powi(2);
                }
                count += atoms as u64;
            }
            (lag as f64 * spacing, sum / count.max(1) as f64)
        })
        .collect();
    let window: Vec<(f64, f64)> = points.iter().copied().filter(|point| point.0 >= FROM_PS - 1e-9).collect();
    let line = fit::line(&window)?;
    Some((points, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::physics::track::testing::noise;

    /// A random walk of known D through a small box.
    fn walk(frames: usize) -> Track {
        let mut noise = noise(3);
        let mut at = vec![[0.5_f64; 3]; 300];
        let mut track = Track::new([1.0; 3], 0.2);
        let mut path = Vec::new();
        for frame in 0..frames {
            track.times.push(frame as f64 * 0.2);
            track.follow(&mut path, &at);
            track.paths.push(path.clone());
            for position in &mut at {
                for x in position {
                    *x = (*x + 0.1 * (noise.next().unwrap_or(0.5) - 0.5)).rem_euclid(1.0);
                }
            }
        }
        track
    }

    #[test]
    fn a_random_walk_has_the_d_it_was_made_with() {
        // Steps of variance 0.1²/12 on each axis, 0.2 ps apart: D = variance / (2 · 0.2).
        let expected = 0.01 / 12.0 / 0.4;
        let found = diffusion(&walk(600), 1.0, &[]).unwrap().remove(0);
        assert!(
            (found.coefficient / expected - 1.0).abs() < 0.03,
            "{} {expected}",
            found.coefficient
        );
        assert!(found.error.is_some_and(|error| error < 0.1 * expected));
        assert_eq!(found.points[0], (0.0, 0.0));
    }

    #[test]
    fn each_kind_has_its_own_d() {
        let mut track = walk(600);
        // Every other atom stays where it is.
        for frame in &mut track.paths {
            frame.iter_mut().step_by(2).for_each(|position| *position = [0.5; 3]);
        }
        let of_row: Vec<usize> = (0..300).map(|atom| atom % 2).collect();
        let found = diffusion(&track, 1.0, &of_row).unwrap();
        assert!(found[0].coefficient.abs() < 1e-12 && found[1].coefficient > 1e-3, "{found:?}");
    }

    #[test]
    fn frames_too_far_apart_for_the_speed_and_the_box_are_said_to_be() {
        let mut track = walk(600);
        track.long_steps = track.steps / 20;
        let message = diffusion(&track, 1.0, &[]).unwrap_err();
        assert!(
            message.contains("0.200 ps") && message.contains("5 %") && message.contains("every"),
            "{message}"
        );
    }

    #[test]
    fn a_short_run_is_told_what_it_lacks() {
        let message = diffusion(&walk(50), 1.0, &[]).unwrap_err();
        assert!(message.contains("over 20 ps") && message.contains("9.8 ps"), "{message}");
    }
}
