//! How far a molecule is from what it was at first: the root mean square deviation of its atoms from those of a reference, after the best translation and rotation.
//!
//! The least deviation follows from the largest eigenvalue of a symmetric 4 x 4 matrix (Horn, J. Opt. Soc. Am. A 4, 629, 1987; Theobald, Acta Cryst. A 61, 478, 2005):
//!   rmsd² = (Σ|a|² + Σ|b|² - 2 λ) / N, both sets about their centres.

use kernels::md::readback::Readback;
use kernels::package::Package;

use crate::analysis::trajectory::Frames;

/// A molecule smaller than this, atoms, has no shape worth following.
const ATOMS_MIN: usize = 5;

/// A point, nm.
type Point = [f64; 3];

/// The deviation of a package's largest molecule over time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deviation {
    /// Atoms of the molecule.
    pub(crate) atoms: usize,
    /// Time and deviation from the first frame, in the unit of positions.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Of all frames, from the run's first; none where the package has no molecule of five atoms or more.
///
/// # Errors
/// A frame cannot be read.
pub(crate) fn of_largest_molecule(package: &Package, frames: &mut dyn Frames) -> anyhow::Result<Option<Deviation>> {
    let Ok(particles) = Readback::of(package) else {
        return Ok(None);
    };
    let molecules = particles.molecules();
    // The first of those of one size.
    let largest = molecules.iter().rev().max_by_key(|molecule| molecule.len());
    let Some(molecule) = largest.filter(|molecule| molecule.len() >= ATOMS_MIN) else {
        return Ok(None);
    };
    let mut first: Option<Vec<Point>> = None;
    let mut points = Vec::new();
    for frame in 0..frames.count() {
        let bytes = frames.read(frame)?;
        let words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let words: Vec<u32> = words.collect();
        let size = frames.size(frame)?;
        let all = particles.in_one_piece(words.as_chunks::<3>().0);
        let here: Vec<Point> = molecule.iter().map(|atom| all[*atom as usize].map(|x| x * size)).collect();
        let reference = first.get_or_insert_with(|| here.clone());
        points.push((frames.shape().time(frame), rmsd(&here, reference)));
    }
    Ok(Some(Deviation {
        atoms: molecule.len(),
        points,
    }))
}

/// Least root mean square deviation of two sets of points, one for one.
///
/// # Panics
/// The sets differ in size.
pub(crate) fn rmsd(a: &[Point], b: &[Point]) -> f64 {
    assert_eq!(a.len(), b.len(), "the same atoms");
    let count = a.len().max(1) as f64;
    let (a, b) = (centred(a), centred(b));
    let mut correlation = [[0.0; 3]; 3];
    let mut squares = 0.0;
    for (p, q) in a.iter().zip(&b) {
        for i in 0..3 {
            squares += p[i] * p[i] + q[i] * q[i];
            for j in 0..3 {
                correlation[i][j] += p[i] * q[j];
            }
        }
    }
    let [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = correlation;
    let matrix = [
        [xx + yy + zz, yz - zy, zx - xz, xy - yx],
        [yz - zy, xx - yy - zz, xy + yx, zx + xz],
        [zx - xz, xy + yx, yy - xx - zz, yz + zy],
        [xy - yx, zx + xz, yz + zy, zz - xx - yy],
    ];
    ((squares - 2.0 * largest_eigenvalue(matrix)).max(0.0) / count).sqrt()
}

fn centred(points: &[Point]) -> Vec<Point> {
    let count = points.len().max(1) as f64;
    let centre = [0, 1, 2].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / count);
    let off = |point: &Point| [0, 1, 2].map(|axis| point[axis] - centre[axis]);
    points.iter().map(off).collect()
}

/// Of a symmetric matrix, by Jacobi's rotations.
fn largest_eigenvalue(mut m: [[f64; 4]; 4]) -> f64 {
    for _ in 0..50 {
        let off: f64 = (0..4)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| m[i][j].powi(2))
            .sum();
        let size: f64 = m.as_flattened().iter().map(|x| x * x).sum();
        if off <= 1e-32 * size {
            break;
        }
        for p in 0..3 {
            for q in p + 1..4 {
                if m[p][q] == 0.0 {
                    continue;
                }
                let theta = 0.5 * (m[q][q] - m[p][p]) / m[p][q];
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut m {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (first, second) = (m[p], m[q]);
                m[p] = std::array::from_fn(|k| c * first[k] - s * second[k]);
                m[q] = std::array::from_fn(|k| s * first[k] + c * second[k]);
            }
        }
    }
    (0..4).map(|i| m[i][i]).fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::physics::track::testing::noise;

    fn cloud(count: usize) -> Vec<Point> {
        let mut noise = noise(3);
        (0..count).map(|_| [0; 3].map(|_| noise.next().unwrap_or(0.0))).collect()
    }

    /// Turned about (1, 2, 3) by an angle, and moved.
    fn turned(points: &[Point], angle: f64) -> Vec<Point> {
        let axis = [1.0, 2.0, 3.0].map(|x: f64| x / 14f64.sqrt());
        let (sin, cos) = angle.sin_cos();
        let turn = |p: &Point| {
            let along: f64 = (0..3).map(|k| axis[k] * p[k]).sum();
            [0, 1, 2].map(|k| {
                let (i, j) = ((k + 1) % 3, (k + 2) % 3);
                let cross = axis[i] * p[j] - axis[j] * p[i];
                p[k] * cos + cross * sin + axis[k] * along * (1.0 - cos) + 7.0
            })
        };
        points.iter().map(turn).collect()
    }

    #[test]
    fn a_body_that_turns_and_moves_stays_itself() {
        let points = cloud(20);
        for angle in [0.0, 0.3, 1.5, 3.1, std::f64::consts::PI, 5.0] {
            let found = rmsd(&turned(&points, angle), &points);
            assert!(found < 2e-7, "{angle}: {found}");
        }
    }

    #[test]
    fn deviations_are_those_of_exact_cases() {
        // A body that grows by a tenth: each point is a tenth of its distance from the centre away, and no rotation helps.
        let points = cloud(15);
        let grown: Vec<Point> = points.iter().map(|p| p.map(|x| 1.1 * x)).collect();
        let radius = (centred(&points).as_flattened().iter().map(|x| x * x).sum::<f64>() / 15.0).sqrt();
        let found = rmsd(&turned(&grown, 2.0), &points);
        assert!((found / (0.1 * radius) - 1.0).abs() < 1e-9, "{found} for {}", 0.1 * radius);
        // A mirror image is no rotation. Of the four points (1, 0, 0), (0, 2, 0), (0, 0, 3), (0, 0, 0) and their mirror image about z = 0, numpy's SVD (Kabsch) finds this.
        let chiral = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0; 3]];
        let mirror = chiral.map(|[x, y, z]| [x, y, -z]);
        let found = rmsd(&mirror, &chiral);
        assert!((found - MIRROR).abs() < 1e-12, "{found}");
    }

    const MIRROR: f64 = 0.671_302_390_501_482_1;
}
