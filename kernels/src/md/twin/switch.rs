//! The switching function of OpenMM, and numerical integrals over it.

use crate::md::system::Cutoff;

/// S = 1 − 10x³ + 15x⁴ − 6x⁵ with x = (r − r_s)/(r_c − r_s), and dS/dr, 1/nm; 1 and 0 where nothing is switched.
pub fn switch(cutoff: Option<Cutoff>, r_nm: f64) -> (f64, f64) {
    let range = cutoff.and_then(|cutoff| Some((cutoff.switch_nm?, cutoff.radius_nm)));
    match range {
        Some((from, to)) if r_nm > from => {
            let width = to - from;
            let x = (r_nm - from) / width;
            let value = 1.0 + x * x * x * (-10.0 + x * (15.0 - 6.0 * x));
            (value, -30.0 * x * x * (1.0 - x) * (1.0 - x) / width)
        }
        _ => (1.0, 0.0),
    }
}

/// Abscissas and weights of Gauss and Legendre's rule with 5 points, on −1 to 1.
const GAUSS: [(f64, f64); 5] = [
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
];
/// Pieces of the range.
const PIECES: u32 = 64;

/// ∫ u(r) (1 − S(r)) r² dr over the range in which S falls from 1 to 0; 0 where nothing is switched. Exact to rounding for potentials.
pub fn switched_off(cutoff: Cutoff, u: impl Fn(f64) -> f64) -> f64 {
    let Some(from) = cutoff.switch_nm else {
        return 0.0;
    };
    let half = 0.5 * (cutoff.radius_nm - from) / f64::from(PIECES);
    let piece = |k: u32| {
        let middle = from + half * f64::from(2 * k + 1);
        GAUSS
            .iter()
            .map(|(x, weight)| {
                let r = middle + half * x;
                let (s, _) = switch(Some(cutoff), r);
                weight * half * u(r) * (1.0 - s) * r * r
            })
            .sum::<f64>()
    };
    (0..PIECES).map(piece).sum()
}
