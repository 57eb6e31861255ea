//! Least squares: straight lines, and the top of a parabola.

/// A straight line through points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    /// Change of y for each unit of x.
    pub(crate) slope: f64,
    /// y at x = 0.
    pub(crate) at_zero: f64,
    /// Standard deviation of what is left beside the line.
    pub(crate) scatter: f64,
}

impl Line {
    /// y at x.
    pub(crate) fn at(&self, x: f64) -> f64 {
        self.at_zero + self.slope * x
    }
}

/// The line of least squares; `None` for fewer than two different x.
pub(crate) fn line(points: &[(f64, f64)]) -> Option<Line> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let xx: f64 = points.iter().map(|point| (point.0 - mean_x).powi(2)).sum();
    let xy: f64 = points.iter().map(|point| (point.0 - mean_x) * (point.1 - mean_y)).sum();
    if points.len() < 2 || xx <= 0.0 {
        return None;
    }
    let line = Line {
        slope: xy / xx,
        at_zero: mean_y - xy / xx * mean_x,
        scatter: 0.0,
    };
    let left: f64 = points.iter().map(|point| (point.1 - line.at(point.0)).powi(2)).sum();
    Some(Line {
        scatter: (left / count).sqrt(),
        ..line
    })
}

/// Blocks whose means an error of a slope is taken of.
const BLOCKS: usize = 10;

/// Slope of the line through the means of ten equal blocks, one after the other, and its standard error from what they are beside it; `None` for fewer than twenty
/// points. What is correlated over less than a block does not make the error too small.
pub(crate) fn slope_by_blocks(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let size = points.len() / BLOCKS;
    if size < 2 {
        return None;
    }
    let mean = |block: &[(f64, f64)]| {
        let (x, y) = block.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        (x / size as f64, y / size as f64)
    };
    let means: Vec<(f64, f64)> = points.chunks_exact(size).take(BLOCKS).map(mean).collect();
    let line = line(&means)?;
    let middle = means.iter().map(|point| point.0).sum::<f64>() / BLOCKS as f64;
    let width: f64 = means.iter().map(|point| (point.0 - middle).powi(2)).sum();
    // Two of ten degrees of freedom are the line's.
    let variance = line.scatter.powi(2) * BLOCKS as f64 / (BLOCKS - 2) as f64;
    Some((line.slope, (variance / width).sqrt()))
}

/// Top `(x, y)` of the parabola of least squares through points at equal distances; `None` where it has no top.
pub(crate) fn top(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = points.len();
    if count < 3 {
        return None;
    }
    let step = (points[count - 1].0 - points[0].0) / (count - 1) as f64;
    let middle = 0.5 * (points[0].0 + points[count - 1].0);
    // With x counted in steps from the middle, odd sums vanish and the normal equations fall apart.
    let centred = points.iter().map(|point| ((point.0 - middle) / step, point.1));
    let [mut x2, mut x4, mut y, mut xy, mut x2y] = [0.0; 5];
    for (x, value) in centred {
        x2 += x * x;
        x4 += x.powi(4);
        y += value;
        xy += x * value;
        x2y += x * x * value;
    }
    let n = count as f64;
    let bend = (n * x2y - x2 * y) / (n * x4 - x2 * x2);
    let (slope, level) = (xy / x2, (y - bend * x2) / n);
    let at = -slope / (2.0 * bend);
    (bend < 0.0 && at.abs() <= n).then_some((middle + at * step, level + slope * at + bend * at * at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drawn again and again, noise about a line of slope 0.02 gives slopes that spread as their errors say.
    #[test]
    fn the_error_of_a_slope_is_its_spread() {
        let mut noise = crate::analysis::physics::track::testing::noise(11);
        let mut draw = || {
            let points: Vec<(f64, f64)> = (0..200)
                .map(|x| (f64::from(x), 0.02 * f64::from(x) + noise.next().unwrap_or(0.0) - 0.5))
                .collect();
            slope_by_blocks(&points).unwrap()
        };
        let drawn: Vec<(f64, f64)> = (0..400).map(|_| draw()).collect();
        let spread = (drawn.iter().map(|(slope, _)| (slope - 0.02).powi(2)).sum::<f64>() / 400.0).sqrt();
        let said = (drawn.iter().map(|(_, error)| error.powi(2)).sum::<f64>() / 400.0).sqrt();
        assert!((spread / said - 1.0).abs() < 0.15, "{spread} beside {said}");
        assert_eq!(slope_by_blocks(&[(0.0, 1.0); 19]), None);
    }

    #[test]
    fn a_line_is_found_and_points_on_one_spot_have_none() {
        let points: Vec<(f64, f64)> = (0..9).map(|x| (f64::from(x), 3.0 - 0.5 * f64::from(x))).collect();
        let found = line(&points).unwrap();
        assert!((found.slope + 0.5).abs() < 1e-14 && (found.at(2.0) - 2.0).abs() < 1e-14 && found.scatter < 1e-14);
        assert_eq!(line(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(line(&[]), None);
    }

    #[test]
    fn the_top_of_a_parabola_is_found_and_a_valley_has_none() {
        let points = |sign: f64| {
            (0..13)
                .map(|i| 3.5 + 0.02 * f64::from(i))
                .map(|x| (x, 2.8 - sign * 7.0 * (x - 3.63_f64).powi(2)))
                .collect::<Vec<_>>()
        };
        let (x, y) = top(&points(1.0)).unwrap();
        assert!((x - 3.63).abs() < 1e-10 && (y - 2.8).abs() < 1e-10, "{x} {y}");
        assert_eq!(top(&points(-1.0)), None);
    }
}
