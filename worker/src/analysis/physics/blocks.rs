//! Means of correlated series with their standard error, by blocks (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461, 1989): neighbours are averaged again and again;
//! what the spread of the averages says of the mean's error grows until blocks are longer than the correlation, and stays then.

/// Blocks that an estimate is taken of, at least: with fewer its own error is above a quarter.
const BLOCKS_MIN: usize = 8;

/// A mean and its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mean {
    /// The mean.
    pub(crate) value: f64,
    /// Its standard error: the largest over all lengths of blocks, so rather too large than too small. None for fewer values than two times
    /// `BLOCKS_MIN`.
    pub(crate) error: Option<f64>,
}

/// The mean of a series; none of an empty one.
pub(crate) fn mean(series: &[f64]) -> Option<Mean> {
    if series.is_empty() {
        return None;
    }
    let mut blocks = series.to_vec();
    let mut error: Option<f64> = None;
    while blocks.len() >= BLOCKS_MIN {
        let count = blocks.len() as f64;
        let mean = blocks.iter().sum::<f64>() / count;
        let variance = blocks.iter().map(|block| (block - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let estimate = (variance / count).sqrt();
        if series.len() >= 2 * BLOCKS_MIN {
            error = Some(error.map_or(estimate, |error| error.max(estimate)));
        }
        blocks = blocks.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])).collect();
    }
    Some(Mean {
        value: series.iter().sum::<f64>() / series.len() as f64,
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::physics::track::testing::noise;

    /// x' = a x + b z with z of mean 0 and variance 1, so that x has variance b²/(1 - a²), and the mean of n values the standard error
    /// √(variance (1 + a) / (1 - a) / n).
    fn correlated(a: f64, count: usize, seed: u64) -> Vec<f64> {
        let mut noise = noise(seed);
        let mut x = 0.0;
        (0..count)
            .map(|_| {
                let z: f64 = (0..12).map(|_| noise.next().unwrap_or(0.5)).sum::<f64>() - 6.0;
                x = a * x + z;
                3.0 + x
            })
            .collect()
    }

    #[test]
    fn the_error_is_that_of_the_mean_whatever_the_correlation() {
        for a in [0.0, 0.5, 0.9, 0.97] {
            let count = 1 << 14;
            let exact = (1.0 / (1.0 - a * a) * (1.0 + a) / (1.0 - a) / count as f64).sqrt();
            // The mean over some series: the largest of several estimates lies a little high, and each has its own noise.
            let runs: Vec<Mean> = (1..=12).filter_map(|seed| mean(&correlated(a, count, seed))).collect();
            let found = runs.iter().filter_map(|run| run.error).sum::<f64>() / 12.0;
            assert!((0.9..1.7).contains(&(found / exact)), "a {a}: {found} for {exact}");
            let off = runs.iter().map(|run| (run.value - 3.0).powi(2)).sum::<f64>() / 12.0;
            assert!(
                (0.3..2.2).contains(&(off.sqrt() / exact)),
                "a {a}: means are off by {} for {exact}",
                off.sqrt()
            );
        }
    }

    #[test]
    fn short_series_have_a_mean_and_no_error() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[1.0, 2.0]), Some(Mean { value: 1.5, error: None }));
        assert!(mean(&[1.0; 16]).is_some_and(|mean| mean.error == Some(0.0)));
    }
}
