//! Torsion angles of four particles over time, as asked for by the user: φ and ψ of a protein's backbone, say.
//!
//! Means of angles are those of directions: the mean of 179° and -179° is 180° (Mardia and Jupp, Directional Statistics, 2000).

use std::str::FromStr;

use anyhow::bail;
use kernels::md::readback::Readback;
use kernels::package::Package;

use crate::analysis::trajectory::Frames;

/// Torsions of one call, at most.
pub(crate) const TORSIONS_MAX: usize = 8;

/// Which torsion: `NAME=A,B,C,D`, particles counted from 0 in the order of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What the user calls it.
    pub(crate) name: String,
    /// Its particles.
    pub(crate) atoms: [u32; 4],
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("found '{text}', expected NAME=A,B,C,D with four different particles, counted from 0: phi=4,6,8,10");
        let (name, atoms) = text.split_once('=').ok_or_else(wrong)?;
        let atoms: Vec<u32> = atoms
            .split(',')
            .map(|atom| atom.trim().parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        let atoms: [u32; 4] = atoms.try_into().map_err(|_| wrong())?;
        let is_repeated = (1..4).any(|at| atoms[..at].contains(&atoms[at]));
        if name.is_empty() || name.len() > 40 || is_repeated {
            return Err(wrong());
        }
        Ok(Self {
            name: name.to_owned(),
            atoms,
        })
    }
}

/// A torsion over time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Torsion {
    /// Which one.
    pub(crate) asked: Asked,
    /// Time and angle, degrees, above -180 to 180; trans is 180.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Torsion {
    /// Mean direction and circular standard deviation √(-2 ln R), degrees, from time `from` on; none without frames.
    pub(crate) fn mean(&self, from: f64) -> Option<(f64, f64)> {
        let angles: Vec<f64> = self
            .points
            .iter()
            .filter(|point| point.0 >= from)
            .map(|point| point.1.to_radians())
            .collect();
        let count = angles.len() as f64;
        let (sin, cos) = angles
            .iter()
            .fold((0.0, 0.0), |(s, c), angle| (s + angle.sin(), c + angle.cos()));
        let resultant = (sin.hypot(cos) / count).clamp(f64::MIN_POSITIVE, 1.0);
        (count > 0.0).then(|| (sin.atan2(cos).to_degrees(), (-2.0 * resultant.ln()).sqrt().to_degrees()))
    }
}

/// The torsions that are asked for, in all frames.
///
/// # Errors
/// The package is not of molecules, has no such particles, or a frame cannot be read.
pub(crate) fn of_frames(asked: &[Asked], package: &Package, frames: &mut dyn Frames) -> anyhow::Result<Vec<Torsion>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let particles = Readback::of(package).map_err(|why| anyhow::anyhow!("--torsion: {why}"))?;
    let rows = frames.shape().positions()?;
    for one in asked {
        if let Some(atom) = one.atoms.iter().find(|atom| u64::from(**atom) >= rows) {
            bail!(
                "--torsion {}: found particle {atom}, expected 0 to {}",
                one.name,
                rows.saturating_sub(1)
            );
        }
    }
    let begin = |asked: &Asked| Torsion {
        asked: asked.clone(),
        points: Vec::new(),
    };
    let mut torsions: Vec<Torsion> = asked.iter().map(begin).collect();
    for frame in 0..frames.count() {
        let bytes = frames.read(frame)?;
        let words: Vec<u32> = bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word))
            .collect();
        let all = particles.in_one_piece(words.as_chunks::<3>().0);
        let time = frames.shape().time(frame);
        for torsion in &mut torsions {
            let points = torsion.asked.atoms.map(|atom| all[atom as usize]);
            torsion.points.push((time, degrees(points)));
        }
    }
    Ok(torsions)
}

/// φ = atan2(|v1| v0·c2, c1·c2) with v0 = x1 - x2, v1 = x3 - x2, v2 = x3 - x4, c1 = v0 × v1, c2 = v1 × v2: IUPAC's sign.
fn degrees([a, b, c, d]: [[f64; 3]; 4]) -> f64 {
    let minus = |p: [f64; 3], q: [f64; 3]| [0, 1, 2].map(|k| p[k] - q[k]);
    let dot = |p: [f64; 3], q: [f64; 3]| p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
    let cross = |p: [f64; 3], q: [f64; 3]| [0, 1, 2].map(|k| p[(k + 1) % 3] * q[(k + 2) % 3] - p[(k + 2) % 3] * q[(k + 1) % 3]);
    let (v0, v1, v2) = (minus(a, b), minus(c, b), minus(c, d));
    let (c1, c2) = (cross(v0, v1), cross(v1, v2));
    (dot(v1, v1).sqrt() * dot(v0, c2)).atan2(dot(c1, c2)).to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_have_iupacs_sign() {
        // Looking along z from the second to the third: clockwise is positive.
        for expected in [0.0f64, 30.0, 90.0, 179.0, -60.0, -120.0] {
            let (sin, cos) = expected.to_radians().sin_cos();
            let points = [[1.0, 0.0, 0.0], [0.0; 3], [0.0, 0.0, 1.0], [cos, sin, 1.5]];
            assert!((degrees(points) - expected).abs() < 1e-12, "{expected}: {}", degrees(points));
        }
    }

    #[test]
    fn a_mean_does_not_break_at_180_degrees() {
        let torsion = |angles: &[f64]| Torsion {
            asked: "phi=4,6,8,10".parse().expect("a torsion"),
            points: (0u8..).map(f64::from).zip(angles.iter().copied()).collect(),
        };
        let (mean, spread) = torsion(&[170.0, -170.0]).mean(0.0).expect("a mean");
        assert!((mean.abs() - 180.0).abs() < 1e-9, "{mean}");
        assert!(
            (spread - (-2.0 * 10f64.to_radians().cos().ln()).sqrt().to_degrees()).abs() < 1e-9,
            "{spread}"
        );
        let (mean, _) = torsion(&[0.0, 40.0, 50.0]).mean(1.0).expect("a mean");
        assert!((mean - 45.0).abs() < 1e-9, "{mean}");
        assert_eq!(torsion(&[]).mean(0.0), None);
    }

    #[test]
    fn what_is_no_torsion_is_refused_with_what_was_expected() {
        for text in ["phi", "phi=1,2,3", "phi=1,2,3,3", "=1,2,3,4", "phi=1,2,3,-4", "phi=1,2,3,4,5"] {
            let error = text.parse::<Asked>().expect_err("no torsion");
            assert!(error.contains("expected NAME=A,B,C,D"), "{error}");
        }
    }
}
