//! In which order workgroups run: as counted, or in a seeded permutation that finds kernels which depend on it.

use protocol::split_mix::next;

/// A bijection of `0..count`.
pub(super) enum Order {
    Counted,
    Shuffled(Vec<u32>),
    /// `i * factor + shift` modulo the count, for counts too large for a table.
    Strided {
        factor: u64,
        shift: u64,
        count: u64,
    },
}

/// Longest table of a permutation.
const TABLE_MAX: u64 = 1 << 22;

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Order {
    /// The order of `count` workgroups, anew for each `turn`.
    pub(super) fn new(seed: Option<u64>, turn: u64, count: u64) -> Self {
        let Some(seed) = seed else { return Self::Counted };
        let mut state = seed ^ turn.wrapping_mul(0xd134_2543_de82_ef95);
        if count > TABLE_MAX {
            let mut factor = (next(&mut state) % count) | 1;
            while gcd(factor, count) != 1 {
                factor += 2;
            }
            return Self::Strided {
                factor,
                shift: next(&mut state) % count,
                count,
            };
        }
        let mut table: Vec<u32> = (0..count as u32).collect();
        for i in (1..table.len()).rev() {
            table.swap(i, (next(&mut state) % (i as u64 + 1)) as usize);
        }
        Self::Shuffled(table)
    }

    /// The workgroup that runs in place `i`.
    pub(super) fn at(&self, i: u64) -> u64 {
        match self {
            Self::Counted => i,
            Self::Shuffled(table) => u64::from(table[i as usize]),
            Self::Strided { factor, shift, count } => {
                ((u128::from(i) * u128::from(*factor) + u128::from(*shift)) % u128::from(*count)) as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_a_permutation() {
        for (seed, count) in [(None, 10), (Some(1), 1), (Some(7), 1000), (Some(9), 6)] {
            let order = Order::new(seed, 3, count);
            let mut seen: Vec<u64> = (0..count).map(|i| order.at(i)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..count).collect::<Vec<_>>());
        }
        let count = TABLE_MAX + 6;
        let order = Order::new(Some(5), 1, count);
        let Order::Strided { factor, .. } = order else {
            panic!("a large count has no table")
        };
        assert_eq!(gcd(factor, count), 1);
    }
}
