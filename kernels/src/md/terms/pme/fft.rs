//! Plans of the transforms of `fft.wgsl`: any size up to [`SIZE_MAX`], one stage for each factor.
//!
//! Invariant: roots of unity that are 0, 1 or -1 are exactly that, so that a product with one adds no noise that could underflow.

use crate::package::manifest::Number;

/// The longest line that fits a workgroup's memory twice.
pub const SIZE_MAX: u32 = 256;
/// Fewest and most lines that a workgroup transforms, as powers of two.
const LINES_LOG: [u32; 2] = [2, 3];
/// Stages that `fft.wgsl` has room for: no length up to [`SIZE_MAX`] has more factors.
#[cfg(test)]
const STAGES_MAX: usize = 5;
/// Factors whose transforms are written out in `fft_factors.wgsl`.
const WRITTEN_OUT: [u32; 5] = [2, 3, 4, 5, 7];

/// How lines of one length are transformed.
#[derive(Clone, Debug, PartialEq)]
pub struct FftPlan {
    /// Length N.
    pub size: u32,
    /// The factors of N in the order of the stages.
    pub factors: Vec<u32>,
    /// Lines of a workgroup, as a power of two.
    pub lines_log: u32,
}

impl FftPlan {
    /// The plan for a length.
    ///
    /// # Errors
    /// The length is not between 2 and [`SIZE_MAX`].
    pub fn new(size: u32) -> Result<Self, String> {
        if !(2..=SIZE_MAX).contains(&size) {
            return Err(format!("a transform of {size} points: expected 2 to {SIZE_MAX}"));
        }
        let [fewest, most] = LINES_LOG;
        let lines_log = (SIZE_MAX / size).ilog2().clamp(fewest, most);
        Ok(Self {
            size,
            factors: factors(size),
            lines_log,
        })
    }

    /// `fft_roots`, `[size, 2]`: (cos, -sin) of 2π t / N.
    pub fn roots(&self) -> Vec<[f32; 2]> {
        let exact = |x: f64| if x.abs() < 1e-12 { 0.0 } else { x as f32 };
        let root = |t: u32| {
            let angle = std::f64::consts::TAU * f64::from(t) / f64::from(self.size);
            [exact(libm::cos(angle)), exact(-libm::sin(angle))]
        };
        (0..self.size).map(root).collect()
    }

    /// Constants of `fft.wgsl`.
    pub fn constants(&self) -> [(&'static str, Number); 8] {
        let integer = |value: u32| Number::Integer(i64::from(value));
        let factor = |stage: usize| integer(self.factors.get(stage).copied().unwrap_or(1));
        [
            ("fft_size", integer(self.size)),
            ("fft_lines_log", integer(self.lines_log)),
            ("fft_factor_0", factor(0)),
            ("fft_factor_1", factor(1)),
            ("fft_factor_2", factor(2)),
            ("fft_factor_3", factor(3)),
            ("fft_factor_4", factor(4)),
            ("fft_numbers", integer((2 * self.size) << self.lines_log)),
        ]
    }

    /// Workgroups for that many lines.
    pub fn workgroups(&self, lines: u64) -> u64 {
        lines.div_ceil(1 << self.lines_log)
    }
}

/// The next length, from this one on, all of whose factors are written out; beyond [`SIZE_MAX`] the length itself. A transform over a larger prime takes as many
/// products for each output as it has points.
pub fn free_size(size: u32) -> u32 {
    let is_free = |size: &u32| factors(*size).iter().all(|p| WRITTEN_OUT.contains(p));
    (size..=SIZE_MAX).find(is_free).unwrap_or(size)
}

/// The largest odd prime first, where it costs half (`fft_first_stage`), then fours, since they save stages, then the other primes.
fn factors(mut size: u32) -> Vec<u32> {
    let mut primes = Vec::new();
    let mut candidate = 2;
    while size > 1 {
        if size.is_multiple_of(candidate) {
            primes.push(candidate);
            size /= candidate;
        } else {
            candidate += 1;
        }
    }
    let twos = primes.iter().filter(|p| **p == 2).count();
    let mut odd = primes.split_off(twos);
    let largest = odd.pop();
    let fours = std::iter::repeat_n(4, twos / 2).chain((twos % 2 == 1).then_some(2));
    largest.into_iter().chain(fours).chain(odd).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_is_a_product_of_its_factors() {
        for size in 2..=SIZE_MAX {
            let plan = FftPlan::new(size).expect("a plan");
            assert_eq!(plan.factors.iter().product::<u32>(), size);
            assert!(plan.factors.len() <= STAGES_MAX);
            // 16 KiB of a workgroup's memory.
            let bytes = 16 * (size << plan.lines_log);
            assert!(bytes <= 16 << 10 && plan.lines_log >= 2, "{plan:?}");
        }
        assert_eq!(FftPlan::new(56).expect("a plan").factors, [7, 4, 2]);
        assert_eq!(FftPlan::new(180).expect("a plan").factors, [5, 4, 3, 3]);
        assert_eq!(FftPlan::new(26).expect("a plan").factors, [13, 2]);
        assert_eq!(FftPlan::new(75).expect("a plan").factors, [5, 3, 5]);
        for size in [0, 1, 257] {
            let error = FftPlan::new(size).expect_err("too short or too long");
            assert!(error.contains("expected 2 to 256"), "{error}");
        }
    }

    #[test]
    fn lengths_with_a_large_prime_factor_grow_to_the_next_without() {
        for (asked, taken) in [
            (6, 6),
            (17, 18),
            (22, 24),
            (26, 27),
            (37, 40),
            (56, 56),
            (74, 75),
            (255, 256),
            (257, 257),
            (u32::MAX, u32::MAX),
        ] {
            assert_eq!(free_size(asked), taken);
        }
    }
}
