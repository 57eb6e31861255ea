//! Positions as fractions of the box in 32 bits, and back.

/// 2³².
const ONE: f64 = 4_294_967_296.0;

/// The edges as the package has them: rounded to f32, so that `edge / 2³²` is an f32 too and no further rounding hides in it.
pub fn edges_nm(box_nm: [f64; 3]) -> [f64; 3] {
    box_nm.map(|edge| f64::from(edge as f32))
}

/// A coordinate as a fraction of the edge, nearest in 32 bits, from any image. `edge_nm` is the edge as the coordinates were made with, not rounded:
/// fifty images out, an edge rounded to f32 would be 50 · 10⁻⁷ of itself off.
pub fn encode(x_nm: f64, edge_nm: f64) -> u32 {
    let fraction = (x_nm / edge_nm).rem_euclid(1.0);
    // 2^32 itself wraps to 0.
    (fraction * ONE).round() as u64 as u32
}

/// A coordinate, nm, in `[0, edge)`.
pub fn decode(x: u32, edge_nm: f64) -> f64 {
    f64::from(x) * (edge_nm / ONE)
}

/// From `b` to `a` at the nearest image, nm.
pub fn difference(a: u32, b: u32, edge_nm: f64) -> f64 {
    f64::from(a.wrapping_sub(b).cast_signed()) * (edge_nm / ONE)
}

/// Square of the distance at the nearest image, nm².
pub fn distance2(a: [u32; 3], b: [u32; 3], edges_nm: [f64; 3]) -> f64 {
    (0..3).map(|axis| difference(a[axis], b[axis], edges_nm[axis]).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_the_same_fraction() {
        for x in [0.0, 0.3, 1.7, 3.4] {
            for image in [-2.0, -1.0, 1.0, 5.0] {
                assert!(
                    encode(x, 3.5).wrapping_sub(encode(x + image * 3.5, 3.5)).cast_signed().abs() <= 2,
                    "{x} {image}"
                );
            }
        }
        assert_eq!(encode(-1e-12, 3.5), 0, "the edge itself wraps");
    }

    #[test]
    fn a_coordinate_survives_to_half_a_unit() {
        for x in [0.1, 1.234_567_89, 3.499_999_999] {
            assert!((decode(encode(x, 3.5), 3.5) - x).abs() <= 0.51 * 3.5 / ONE);
        }
    }

    #[test]
    fn differences_take_the_nearest_image() {
        let (a, b) = (encode(0.1, 3.0), encode(2.9, 3.0));
        assert!((difference(a, b, 3.0) - 0.2).abs() < 1e-8);
        assert!((difference(b, a, 3.0) + 0.2).abs() < 1e-8);
    }
}
