//! Random numbers without state: each is a function of seed, stream, host and number of the draw, so that a host's life does not depend on
//! which policy is simulated or in which order events come. And the distributions that the parameters name.
//!
//! Transcendental functions come from `libm`: the same bits on every machine.

use protocol::split_mix;

/// What a number is for: draws for different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Kind = 1,
    Life,
    Speed,
    Link,
    Up,
    Down,
    Hours,
    Faults,
    Address,
    Outage,
}

/// The draws of one host (or one world) for one purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    key: u64,
    count: u64,
}

impl Draws {
    pub(crate) fn new(seed: u64, stream: Stream, host: u64) -> Self {
        let mut key = seed;
        for part in [stream as u64, host] {
            let mut state = key ^ part.wrapping_mul(0xd1b5_4a32_d192_ed03);
            key = split_mix::next(&mut state);
        }
        Self { key, count: 0 }
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let mut state = self.key.wrapping_add(self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.count += 1;
        split_mix::next(&mut state)
    }

    /// Uniform in 0 < x < 1.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A whole number in `0..end`; 0 when `end` is 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.unit())
    }

    /// Weibull by shape k and scale λ.
    pub(crate) fn weibull(&mut self, shape: f64, scale: f64) -> f64 {
        scale * libm::pow(-libm::log(self.unit()), 1.0 / shape)
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(self.unit()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }

    /// Log-normal by mean μ and deviation σ of the logarithm.
    pub(crate) fn log_normal(&mut self, mean: f64, deviation: f64) -> f64 {
        libm::exp(mean + deviation * self.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(draw: impl Fn(&mut Draws) -> f64) -> f64 {
        let mut draws = Draws::new(1, Stream::Up, 0);
        (0..200_000).map(|_| draw(&mut draws)).sum::<f64>() / 200_000.0
    }

    #[test]
    fn distributions_have_the_means_that_their_formulas_give() {
        for (found, expected) in [
            (mean(Draws::unit), 0.5),
            (mean(|draws| draws.exponential(18.7)), 18.7),
            // λ Γ(1 + 1/k), the published mean up time of fickle hosts.
            (mean(|draws| draws.weibull(0.393, 2.964)), 10.3),
            (mean(|draws| draws.log_normal(0.0, 1.0)), libm::exp(0.5)),
            (mean(|draws| draws.normal() + 1.0), 1.0),
            (mean(|draws| draws.below(10) as f64), 4.5),
        ] {
            assert!((found / expected - 1.0).abs() < 0.03, "{found}, expected {expected}");
        }
    }

    #[test]
    fn a_draw_is_a_function_of_all_that_names_it() {
        let first = |seed, stream, host| Draws::new(seed, stream, host).bits();
        let base = first(1, Stream::Up, 1);
        assert_eq!(base, first(1, Stream::Up, 1));
        assert!(
            [first(2, Stream::Up, 1), first(1, Stream::Down, 1), first(1, Stream::Up, 2)]
                .iter()
                .all(|other| *other != base)
        );
    }
}
