//! How a value's spread follows from the spreads of its operands.

use super::align::cut;
use super::tree::{Source, one_load};
use super::uniform::{Analysis, Circle, Spread};
use crate::ir::{Bin, Input, Op, Place, Space, Value};

impl Analysis<'_> {
    /// A value's spread as far as known; `None` while an operand's is not.
    pub(super) fn spread_of(&self, value: Value, source: Source<'_>) -> Option<Spread> {
        match source {
            Source::Op => self.op(value),
            Source::Load { agreed: true, .. } => Some(Spread::Linear(0)),
            Source::Load { place, .. } => self.read(place, place.space == Space::Constant),
            Source::Atomic { place, is_load: true } => self.read(place, false),
            Source::Atomic { .. } => Some(Spread::Varying),
        }
    }

    fn read(&self, place: &Place, fixed: bool) -> Option<Spread> {
        let steady = self.circle == Circle::Vector || fixed;
        let same = place.terms.iter().all(|term| self.same(term.index));
        Some(if one_load(place) && steady && same {
            Spread::Linear(0)
        } else {
            Spread::Varying
        })
    }

    fn op(&self, value: Value) -> Option<Spread> {
        use Spread::{Linear, Varying};
        let [x, y, _] = self.kernel.workgroup_size;
        let in_vector = self.circle == Circle::Vector;
        let constant = |value: Value| match self.kernel.values[value.0 as usize].op {
            Op::Const(bits) => Some(bits as i32),
            _ => None,
        };
        let operands: &[Value] = match &self.kernel.values[value.0 as usize].op {
            Op::Const(_) => return Some(Linear(0)),
            Op::Get(var) => return self.vars[var.0 as usize],
            Op::Loaded => return None,
            Op::Input(input) => {
                let spread = match input {
                    Input::LocalIndex if in_vector => Linear(1),
                    Input::LocalX if in_vector && x % 4 == 0 => Linear(1),
                    Input::LocalY if in_vector && x % 4 == 0 => Linear(0),
                    Input::LocalZ if in_vector && x * y % 4 == 0 => Linear(0),
                    Input::LocalX | Input::LocalY | Input::LocalZ | Input::LocalIndex => Varying,
                    _ => Linear(0),
                };
                return Some(spread);
            }
            Op::Bin(bin, a, b) => {
                let (Some(from), Some(to)) = (self.spread(*a), self.spread(*b)) else {
                    return None;
                };
                if let (Linear(s), Linear(t)) = (from, to) {
                    let linear = match bin {
                        _ if s == 0 && t == 0 => Some(0),
                        Bin::IAdd => Some(s.wrapping_add(t)),
                        Bin::ISub => Some(s.wrapping_sub(t)),
                        Bin::IMul if t == 0 => constant(*b).map(|b| s.wrapping_mul(b)),
                        Bin::IMul if s == 0 => constant(*a).map(|a| t.wrapping_mul(a)),
                        Bin::ShrU | Bin::ShrS | Bin::And if t == 0 && in_vector => {
                            let cut = constant(*b).and_then(|by| cut(*bin, s, self.zeros[a.0 as usize], by as u32));
                            return Some(cut.unwrap_or(Varying));
                        }
                        Bin::Shl if t == 0 => constant(*b).map(|b| s.wrapping_shl(b as u32)),
                        _ => None,
                    };
                    return Some(linear.map_or(Varying, Linear));
                }
                return Some(Varying);
            }
            Op::Un(_, a) => &[*a],
            Op::Select(c, a, b) => &[*c, *a, *b],
        };
        if operands.iter().any(|operand| self.spread(*operand).is_none()) {
            return None;
        }
        Some(if operands.iter().all(|operand| self.same(*operand)) {
            Linear(0)
        } else {
            Varying
        })
    }
}
