//! Roots and quotients that do not depend on each other are computed side by side.
//!
//! A WebAssembly compiler computes a pure value right before the first effect that needs it, with all that it depends on. So four pairs of atoms, whose forces are
//! added up in the end, become four chains one after the other, and while a root and a quotient of one are waited for, a processor looks ahead no further than
//! the rest of that chain. After a [`Stmt::Finish`] of four quotients the four waits are one.

use std::collections::BTreeMap;

use super::order;
use super::{Bin, Kernel, Op, Stmt, Un, Value, ValueInfo};

/// Most that are finished at once: each keeps what else its chain has so far in a register.
pub(crate) const ABREAST: usize = 4;
/// Users of a value that ends what is waited for: of a force over distance, say, its three components.
const WIDE: u32 = 3;

/// Put statements that finish roots and quotients behind the last of those that can be computed side by side.
pub(crate) fn abreast(kernel: &mut Kernel) {
    let count = kernel.values.len();
    let mut waits = Waits {
        values: &kernel.values,
        users: vec![0; count],
        depths: vec![Depths::default(); count],
    };
    order::uses(&kernel.body, &kernel.values, &mut |value| waits.users[value.0 as usize] += 1);
    waits.block(&mut kernel.body);
}

struct Waits<'k> {
    values: &'k [ValueInfo],
    users: Vec<u32>,
    depths: Vec<Depths>,
}

/// What a value waits for, one after the other, since the last effect before it.
#[derive(Clone, Copy, Default)]
struct Depths {
    /// Roots and quotients.
    long: u32,
    /// After one of those, what [`WIDE`] and more values are computed from.
    wide: u32,
}

impl Depths {
    fn max(self, other: Self) -> Self {
        Self {
            long: self.long.max(other.long),
            wide: self.wide.max(other.wide),
        }
    }
}

/// Values of one kind since the last effect, by their depths: where they stand in their block.
type Found = BTreeMap<u32, Vec<(usize, Value)>>;

impl Waits<'_> {
    fn block(&mut self, stmts: &mut Vec<Stmt>) {
        let mut found = [Found::new(), Found::new()];
        let mut finishes = Vec::new();
        for (place, stmt) in stmts.iter_mut().enumerate() {
            match stmt {
                Stmt::Let(value) => {
                    let before = self.before(*value);
                    let long = before.long + u32::from(self.takes_long(*value));
                    let is_wide = long > 0 && self.users[value.0 as usize] >= WIDE;
                    let wide = before.wide + u32::from(is_wide);
                    if long > before.long {
                        found[0].entry(long).or_default().push((place, *value));
                    } else if is_wide {
                        found[1].entry(wide).or_default().push((place, *value));
                    }
                    self.depths[value.0 as usize] = Depths { long, wide };
                }
                Stmt::Set(..) | Stmt::Load { agreed: false, .. } => {}
                stmt => {
                    finishes.extend(std::mem::take(&mut found).iter().flat_map(finish));
                    stmt.blocks_mut().for_each(|block| self.block(block));
                }
            }
        }
        finishes.extend(found.iter().flat_map(finish));
        finishes.sort_by_key(|(place, _)| *place);
        let mut finishes = finishes.into_iter().peekable();
        let around = Vec::with_capacity(stmts.len() + finishes.len());
        for (place, stmt) in std::mem::replace(stmts, around).into_iter().enumerate() {
            stmts.push(stmt);
            while let Some((_, values)) = finishes.next_if(|(last, _)| *last == place) {
                stmts.push(Stmt::Finish(values));
            }
        }
    }

    fn takes_long(&self, value: Value) -> bool {
        matches!(
            self.values[value.0 as usize].op,
            Op::Un(Un::FSqrt, _) | Op::Bin(Bin::FDiv, ..)
        )
    }

    fn before(&self, value: Value) -> Depths {
        let operands = self.values[value.0 as usize].op.operands();
        operands.fold(Depths::default(), |depths, operand| {
            depths.max(self.depths[operand.0 as usize])
        })
    }
}

/// What is finished, and behind which statement: groups of two and more of one depth. As many roots as there are quotients after them are finished with those.
fn finish(found: &Found) -> Vec<(usize, Vec<Value>)> {
    let mut finishes = Vec::new();
    for (depth, group) in found {
        if found.get(&(depth + 1)).is_some_and(|next| next.len() == group.len()) {
            continue;
        }
        for part in group.chunks(ABREAST).filter(|part| part.len() > 1) {
            let last = part.iter().map(|(place, _)| *place).max().unwrap_or_default();
            finishes.push((last, part.iter().map(|(_, value)| *value).collect()));
        }
    }
    finishes
}

#[cfg(test)]
mod tests {
    use super::super::{Builder, Place, Space, Ty};
    use super::*;

    /// Of each chain, a root's quotient is stored in the end: how many quotients each `finish` has.
    fn finished(chains: usize, store_between: bool) -> Vec<usize> {
        let mut b = Builder::new([1; 3]);
        let place = || Place {
            space: Space::Storage,
            base: 0,
            terms: Vec::new(),
        };
        let first = b.loaded(Ty::F32);
        (1..chains).for_each(|_| {
            b.loaded(Ty::F32);
        });
        b.push(Stmt::Load {
            first,
            count: chains as u32,
            at: place(),
            agreed: false,
        });
        let one = b.float(1.0);
        let mut bits = Vec::new();
        for chain in 0..chains as u32 {
            let root = b.un(Un::FSqrt, Value(first.0 + chain));
            let quotient = b.bin(Bin::FDiv, one, root);
            bits.push(b.un(Un::RawBits, quotient));
            if store_between {
                b.push(Stmt::Store {
                    at: place(),
                    values: vec![bits[chain as usize]],
                });
            }
        }
        b.push(Stmt::Store {
            at: place(),
            values: bits,
        });
        let mut kernel = b.finish();
        abreast(&mut kernel);
        let is_quotient = |value: &Value| matches!(kernel.values[value.0 as usize].op, Op::Bin(Bin::FDiv, ..));
        let finishes = kernel.body.iter().filter_map(|stmt| match stmt {
            Stmt::Finish(values) => Some(values),
            _ => None,
        });
        finishes
            .map(|values| values.iter().filter(|value| is_quotient(value)).count())
            .collect()
    }

    #[test]
    fn quotients_are_finished_four_at_a_time_with_their_roots() {
        assert_eq!(finished(1, false), [0; 0]);
        assert_eq!(finished(2, false), [2]);
        assert_eq!(finished(4, false), [4]);
        assert_eq!(finished(9, false), [4, 4]);
    }

    #[test]
    fn an_effect_between_two_chains_parts_them() {
        assert_eq!(finished(4, true), [0; 0]);
    }
}
