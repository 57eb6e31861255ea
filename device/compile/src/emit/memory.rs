//! Addresses: of all lanes together, or of each. Every dynamic index is clamped or its lane masked, so no address leaves its buffer.

use super::code::Local;
use super::{Emitter, Mask};
use crate::abi::parameter;
use crate::analyse::Spread;
use crate::ir::{Place, Space, Term};

/// Bytes from one lane's word to the next lane's in private memory.
const PRIVATE_LANE: u32 = 4;
/// Bytes from one word to the next in private memory.
pub(super) const PRIVATE_WORD: u32 = 16;

/// How the four addresses of an access lie.
#[derive(Clone, Copy)]
pub(super) enum Pattern {
    Same,
    /// This many bytes apart, as long as this term's index is not clamped.
    Even {
        bytes: u32,
        term: usize,
        stride: u32,
    },
    Scattered,
}

impl Emitter<'_> {
    pub(super) fn pattern(&self, place: &Place) -> Pattern {
        let mut pattern = Pattern::Same;
        for (i, term) in place.terms.iter().enumerate() {
            match (self.facts.values[term.index.0 as usize], pattern) {
                (Spread::Linear(0), _) => {}
                (Spread::Linear(stride), Pattern::Same) if stride > 0 && stride < 4096 => {
                    let stride = stride as u32;
                    match term.stride.checked_mul(stride) {
                        Some(bytes) if bytes < 1 << 20 && term.len > 3 * stride => {
                            pattern = Pattern::Even { bytes, term: i, stride };
                        }
                        _ => return Pattern::Scattered,
                    }
                }
                _ => return Pattern::Scattered,
            }
        }
        pattern
    }

    /// What is added to the address: where the space starts, beyond the address itself.
    pub(super) fn offset(&self, place: &Place) -> u32 {
        match place.space {
            Space::Constant | Space::Storage | Space::Sum(_) => place.base,
            Space::Workgroup => self.layout.workgroup + place.base,
            Space::Private => self.layout.private + place.base,
        }
    }

    /// Push a space's start.
    pub(super) fn start(&mut self, space: Space) {
        match space {
            Space::Constant | Space::Storage => self.code.int(0),
            Space::Sum(sum) => {
                let start = self.sums.starts[usize::from(sum)];
                self.code.get(start);
            }
            Space::Workgroup => self.code.get(parameter::SCRATCH),
            Space::Private => {
                let start = self.inputs.private;
                self.code.get(start);
            }
        }
    }

    pub(super) fn scalar_term(&mut self, term: &Term) {
        self.scalar(term.index);
        if !term.proven {
            self.code.int(term.len - 1);
            self.scalar(term.index);
            self.code.int(term.len - 1);
            self.code.i().i32_lt_u().select();
        }
        if term.stride != 1 {
            self.code.int(term.stride);
            self.code.i().i32_mul();
        }
    }

    /// Push the address that all lanes share. With `free`, that term is not clamped.
    pub(super) fn same_address(&mut self, place: &Place, free: Option<usize>) {
        self.start(place.space);
        for (i, term) in place.terms.iter().enumerate() {
            self.scalar_term(&Term {
                proven: term.proven || free == Some(i),
                ..*term
            });
            self.code.i().i32_add();
        }
    }

    /// Do something under a mask of those active lanes whose indices all lie within.
    pub(super) fn within(&mut self, place: &Place, body: impl FnOnce(&mut Self)) {
        let outer = self.mask;
        for term in place.terms.iter().filter(|term| !term.proven) {
            self.vector(term.index);
            // What a clamp leaves alone: the clamped index is wanted as well.
            self.constant([term.len - 1; 4]);
            self.code.i().i32x4_min_u();
            self.vector(term.index);
            self.code.i().i32x4_eq();
            if let Mask::Lanes(mask) = self.mask {
                self.code.get(mask);
                self.code.i().v128_and();
            }
            let mask = self.temporary();
            self.code.set(mask);
            self.mask = Mask::Lanes(mask);
        }
        body(self);
        self.mask = outer;
    }

    /// Do something if the indices, which all lanes share, lie within.
    pub(super) fn if_within(&mut self, place: &Place, body: impl FnOnce(&mut Self, &Place)) {
        let mut proven = place.clone();
        let mut conditions = 0;
        for term in proven.terms.iter_mut().filter(|term| !term.proven) {
            self.scalar(term.index);
            self.code.int(term.len);
            self.code.i().i32_lt_u();
            conditions += 1;
            if conditions > 1 {
                self.code.i().i32_and();
            }
            term.proven = true;
        }
        if conditions > 0 {
            self.code.when();
        }
        body(self, &proven);
        if conditions > 0 {
            self.code.end();
        }
    }

    /// Keep the four addresses, without the space's start, in a temporary.
    pub(super) fn lane_addresses(&mut self, place: &Place) -> Local {
        let mut pushed = false;
        for term in &place.terms {
            if self.facts.uniform(term.index) {
                self.scalar_term(term);
                self.code.i().i32x4_splat();
            } else {
                self.vector(term.index);
                if !term.proven {
                    self.constant([term.len - 1; 4]);
                    self.code.i().i32x4_min_u();
                }
                if term.stride.is_power_of_two() {
                    self.code.int(term.stride.trailing_zeros());
                    self.code.i().i32x4_shl();
                } else {
                    self.constant([term.stride; 4]);
                    self.code.i().i32x4_mul();
                }
            }
            if std::mem::replace(&mut pushed, true) {
                self.code.i().i32x4_add();
            }
        }
        if !pushed {
            self.constant([0; 4]);
        }
        if place.space == Space::Private {
            self.constant([0, 1, 2, 3].map(|lane| lane * PRIVATE_LANE));
            self.code.i().i32x4_add();
        }
        let addresses = self.temporary();
        self.code.set(addresses);
        addresses
    }

    /// Push one lane's address.
    pub(super) fn lane_address(&mut self, space: Space, addresses: Local, lane: u8) {
        self.code.get(addresses);
        self.code.i().i32x4_extract_lane(lane);
        self.add_start(space);
    }

    /// Add a space's start to the address on the stack.
    pub(super) fn add_start(&mut self, space: Space) {
        if !matches!(space, Space::Constant | Space::Storage) {
            self.start(space);
            self.code.i().i32_add();
        }
    }

    /// Code for each active lane, in order.
    pub(super) fn each_active(&mut self, lane_code: impl Fn(&mut Self, u8)) {
        for lane in 0..4 {
            if let Mask::Lanes(mask) = self.mask {
                self.code.get(mask);
                self.code.i().i32x4_extract_lane(lane);
                self.code.when();
                lane_code(self, lane);
                self.code.end();
            } else {
                lane_code(self, lane);
            }
        }
    }

    pub(super) fn fixed_offset(&self, place: &Place) -> u32 {
        self.offset(place)
    }
}
