//! How many days a host stays: Beberg and Pande, figure 1, as the chance to leave on each day.

use crate::parameters;
use crate::random::Draws;

/// Days of the table: the 3.5 years over which the paper's hosts were seen. Beyond, the chance of the last day goes on.
const DAYS: usize = 1277;

/// Survival by day, and its sums.
#[derive(Clone, Debug)]
pub(crate) struct Lifetimes {
    /// Chance to be there still after so many days.
    survival: Vec<f64>,
    /// Sum of survival over the days before.
    sums: Vec<f64>,
    last_chance: f64,
}

/// The chance to leave on day `day` (from 1).
fn chance(p: &parameters::Population, day: usize) -> f64 {
    (p.leave_base + p.leave_early * libm::pow(day as f64, -p.leave_power)).clamp(1e-9, 1.0)
}

impl Lifetimes {
    pub(crate) fn new(p: &parameters::Population) -> Self {
        let (mut survival, mut sums) = (vec![1.0], vec![0.0]);
        let (mut left, mut sum) = (1.0, 0.0);
        for day in 1..=DAYS {
            sum += left;
            sums.push(sum);
            left *= 1.0 - chance(p, day);
            survival.push(left);
        }
        Self {
            survival,
            sums,
            last_chance: chance(p, DAYS),
        }
    }

    /// Days after which survival has fallen to `level`.
    fn until(&self, level: f64) -> f64 {
        let day = self.survival.partition_point(|left| *left >= level);
        if let (Some(before), Some(after)) = (day.checked_sub(1), self.survival.get(day)) {
            let (high, low) = (self.survival[before], *after);
            return before as f64 + (high - level) / (high - low).max(1e-300);
        }
        let last = self.survival[DAYS].max(1e-300);
        DAYS as f64 + libm::log(level / last) / libm::log(1.0 - self.last_chance.min(0.999_999))
    }

    /// The whole life of a new host, days.
    pub(crate) fn whole(&self, draws: &mut Draws) -> f64 {
        self.until(draws.unit())
    }

    /// The remaining life of a host of a population that has been renewed for 3.5 years, days.
    pub(crate) fn remaining(&self, draws: &mut Draws) -> f64 {
        let place = draws.unit() * self.sums[DAYS];
        let day = self.sums.partition_point(|sum| *sum <= place).saturating_sub(1).min(DAYS - 1);
        let age = day as f64 + (place - self.sums[day]) / self.survival[day].max(1e-300);
        let level = self.survival[day] * draws.unit();
        (self.until(level) - age).max(0.01)
    }
}
