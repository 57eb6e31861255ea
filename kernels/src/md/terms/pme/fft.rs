//! Plans of the transforms of `fft.wgsl`: any size up to [`SIZE_MAX`], one stage for each factor.
//!
//! Invariant: roots of unity that are 0, 1 or -1 are exactly that, so that a product with one adds no noise that could underflow.

/// The longest line that fits a workgroup's memory twice.
pub const SIZE_MAX: u32 = 256;
/// Fewest and most lines that a workgroup transforms, as powers of two.
const LINES_LOG: [u32; 2] = [2, 3];

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

    /// `fft_plan`, `[stages + stages N, 2]`: for each stage (p, N / p), then for each stage and output (first input, power of the root).
    pub fn table(&self) -> Vec<[u32; 2]> {
        let size = self.size;
        let mut table: Vec<[u32; 2]> = self.factors.iter().map(|p| [*p, size / p]).collect();
        // Outputs of the stages before: their transforms have this length.
        let mut done = 1;
        for p in &self.factors {
            let length = done * p;
            table.extend((0..size).map(|output| {
                let within = output % done;
                [output / length * done + within, output % length * (size / length)]
            }));
            done = length;
        }
        table
    }

    /// `fft_roots`, `[N, 2]`: (cos, -sin) of 2π t / N.
    pub fn roots(&self) -> Vec<[f32; 2]> {
        let exact = |x: f64| if x.abs() < 1e-12 { 0.0 } else { x as f32 };
        (0..self.size)
            .map(|t| {
                let angle = std::f64::consts::TAU * f64::from(t) / f64::from(self.size);
                [exact(libm::cos(angle)), exact(-libm::sin(angle))]
            })
            .collect()
    }

    /// Numbers of a workgroup's lines.
    pub fn numbers(&self) -> u64 {
        u64::from(self.size) << self.lines_log
    }

    /// Workgroups for that many lines.
    pub fn workgroups(&self, lines: u64) -> u64 {
        lines.div_ceil(1 << self.lines_log)
    }
}

/// The largest odd prime first, where it costs half (`fft_odd_stage`), then fours, since they save stages, then the other primes.
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
            // 16 KiB of a workgroup's memory.
            assert!(plan.numbers() * 16 <= 16 << 10 && plan.lines_log >= 2, "{plan:?}");
        }
        assert_eq!(FftPlan::new(56).expect("a plan").factors, [7, 4, 2]);
        assert_eq!(FftPlan::new(180).expect("a plan").factors, [5, 4, 3, 3]);
        assert_eq!(FftPlan::new(26).expect("a plan").factors, [13, 2]);
        for size in [0, 1, 257] {
            let error = FftPlan::new(size).expect_err("too short or too long");
            assert!(error.contains("expected 2 to 256"), "{error}");
        }
    }
}
