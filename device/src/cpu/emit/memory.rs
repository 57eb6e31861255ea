//! Loads and stores.
//!
//! Four addresses that follow each other are one vector load; four that are equal are one scalar load; all others are read lane
//! by lane, and vectors of several words are then transposed. Every dynamic index is clamped, so no address leaves its buffer.

use super::code::{Local, words};
use super::{Emitter, Mask};
use crate::cpu::analyse::Spread;
use crate::cpu::ir::{Place, Space, Term, Ty, Value};

/// Bytes from one lane's word to the next lane's in private memory.
const PRIVATE_LANE: u32 = 4;
/// Bytes from one word to the next in private memory.
const PRIVATE_WORD: u32 = 16;

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
    fn offset(&self, place: &Place) -> u32 {
        match place.space {
            Space::Constant | Space::Storage => place.base,
            Space::Workgroup => self.layout.workgroup + place.base,
            Space::Private => self.layout.private + place.base,
        }
    }

    /// Push a space's start.
    fn start(&mut self, space: Space) {
        match space {
            Space::Constant | Space::Storage => self.code.int(0),
            Space::Workgroup => self.code.get(0),
            Space::Private => {
                let start = self.inputs.private;
                self.code.get(start);
            }
        }
    }

    fn scalar_term(&mut self, term: &Term) {
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
        let addresses = self.code.vector();
        self.code.set(addresses);
        addresses
    }

    /// Push one lane's address.
    pub(super) fn lane_address(&mut self, space: Space, addresses: Local, lane: u8) {
        self.code.get(addresses);
        self.code.i().i32x4_extract_lane(lane);
        if matches!(space, Space::Workgroup | Space::Private) {
            self.start(space);
            self.code.i().i32_add();
        }
    }

    pub(super) fn load(&mut self, first: Value, count: u32, place: &Place) {
        let values: Vec<Value> = (0..count).map(|i| Value(first.0 + i)).collect();
        let offset = self.offset(place);
        if place.space == Space::Private {
            return self.load_private(&values, place, offset);
        }
        match self.pattern(place) {
            Pattern::Same => {
                self.same_address(place, None);
                let address = self.int_temp;
                self.code.set(address);
                for (i, value) in values.iter().enumerate() {
                    let at = words(offset + 4 * i as u32);
                    let local = self.value_local(*value);
                    self.code.get(address);
                    let shared = matches!(self.facts.values[value.0 as usize], Spread::Linear(_));
                    match (shared, self.kernel.values[value.0 as usize].ty) {
                        (false, _) => {
                            self.code.i().v128_load32_splat(at);
                        }
                        (true, Ty::F32) => {
                            self.code.i().f32_load(at);
                        }
                        (true, _) => {
                            self.code.i().i32_load(at);
                        }
                    };
                    self.code.set(local);
                }
            }
            Pattern::Even { bytes, term, stride } if bytes == 4 && count == 1 || count > 1 => {
                let clamped = &place.terms[term];
                if clamped.proven {
                    return self.load_even(&values, place, offset, bytes, term);
                }
                self.scalar(clamped.index);
                self.code.int(clamped.len - 1 - 3 * stride);
                self.code.i().i32_le_u();
                self.code.when();
                self.load_even(&values, place, offset, bytes, term);
                self.code.otherwise();
                self.load_scattered(&values, place, offset);
                self.code.end();
            }
            Pattern::Even { .. } | Pattern::Scattered => self.load_scattered(&values, place, offset),
        }
    }

    fn load_even(&mut self, values: &[Value], place: &Place, offset: u32, bytes: u32, term: usize) {
        self.same_address(place, Some(term));
        if bytes == 4 && values.len() == 1 {
            self.code.i().v128_load(words(offset));
            let local = self.value_local(values[0]);
            return self.code.set(local);
        }
        let address = self.int_temp;
        self.code.set(address);
        self.load_rows(values, |emitter, lane| {
            emitter.code.get(address);
            offset + bytes * u32::from(lane)
        });
    }

    fn load_scattered(&mut self, values: &[Value], place: &Place, offset: u32) {
        let addresses = self.lane_addresses(place);
        let space = place.space;
        self.load_rows(values, |emitter, lane| {
            emitter.lane_address(space, addresses, lane);
            offset
        });
    }

    /// Read each lane's neighbouring words, then transpose. `address` pushes an address and returns the offset from it.
    fn load_rows(&mut self, values: &[Value], address: impl Fn(&mut Self, u8) -> u32) {
        match values.len() {
            1 => {
                for lane in 0..4u8 {
                    let local = self.value_local(values[0]);
                    let offset = address(self, lane);
                    if lane == 0 {
                        self.code.i().v128_load32_zero(words(offset));
                    } else {
                        self.code.get(local);
                        self.code.i().v128_load32_lane(words(offset), lane);
                    }
                    self.code.set(local);
                }
            }
            2 => {
                let [low, high, ..] = self.temps;
                for (pair, lanes) in [(low, [0u8, 1]), (high, [2, 3])] {
                    let offset = address(self, lanes[0]);
                    self.code.i().v128_load64_zero(words(offset));
                    self.code.set(pair);
                    let offset = address(self, lanes[1]);
                    self.code.get(pair);
                    self.code.i().v128_load64_lane(words(offset), 1);
                    self.code.set(pair);
                }
                self.shuffle(low, high, [0, 2, 4, 6], values[0]);
                self.shuffle(low, high, [1, 3, 5, 7], values[1]);
            }
            count => {
                let [a, b, c, d, ..] = self.temps;
                for (row, lane) in [(a, 0), (b, 1), (c, 2), (d, 3)] {
                    let offset = address(self, lane);
                    self.code.i().v128_load(words(offset));
                    self.code.set(row);
                }
                let [.., e, f] = self.temps;
                self.shuffle_into(a, b, [0, 4, 1, 5], e);
                self.shuffle_into(c, d, [0, 4, 1, 5], f);
                self.shuffle(e, f, [0, 1, 4, 5], values[0]);
                self.shuffle(e, f, [2, 3, 6, 7], values[1]);
                self.shuffle_into(a, b, [2, 6, 3, 7], e);
                self.shuffle_into(c, d, [2, 6, 3, 7], f);
                self.shuffle(e, f, [0, 1, 4, 5], values[2]);
                if count == 4 {
                    self.shuffle(e, f, [2, 3, 6, 7], values[3]);
                }
            }
        }
    }

    fn shuffle(&mut self, a: Local, b: Local, pick: [u8; 4], value: Value) {
        let local = self.value_local(value);
        self.shuffle_into(a, b, pick, local);
    }

    fn shuffle_into(&mut self, a: Local, b: Local, pick: [u8; 4], target: Local) {
        self.code.get(a);
        self.code.get(b);
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = pick[i / 4] * 4 + (i % 4) as u8;
        }
        self.code.i().i8x16_shuffle(bytes);
        self.code.set(target);
    }

    fn load_private(&mut self, values: &[Value], place: &Place, offset: u32) {
        if matches!(self.pattern(place), Pattern::Same) {
            self.same_address(place, None);
            let address = self.int_temp;
            self.code.set(address);
            for (i, value) in values.iter().enumerate() {
                self.code.get(address);
                self.code.i().v128_load(words(offset + PRIVATE_WORD * i as u32));
                let local = self.value_local(*value);
                self.code.set(local);
            }
            return;
        }
        let addresses = self.lane_addresses(place);
        for (i, value) in values.iter().enumerate() {
            self.load_rows(&[*value], |emitter, lane| {
                emitter.lane_address(Space::Private, addresses, lane);
                offset + PRIVATE_WORD * i as u32
            });
        }
    }

    pub(super) fn store(&mut self, place: &Place, values: &[Value]) {
        let offset = self.offset(place);
        let pattern = self.pattern(place);
        if place.space == Space::Private {
            return self.store_private(place, values, offset, pattern);
        }
        match pattern {
            Pattern::Same if values.iter().all(|value| self.facts.uniform(*value)) => {
                self.same_address(place, None);
                let address = self.int_temp;
                self.code.set(address);
                for (i, value) in values.iter().enumerate() {
                    self.code.get(address);
                    self.canonical_scalar(*value);
                    self.code.i().i32_store(words(offset + 4 * i as u32));
                }
            }
            Pattern::Even { bytes: 4, term, stride } if values.len() == 1 => {
                let clamped = &place.terms[term];
                let checked = !clamped.proven;
                if checked {
                    self.scalar(clamped.index);
                    self.code.int(clamped.len - 1 - 3 * stride);
                    self.code.i().i32_le_u();
                }
                if let Mask::Lanes(mask) = self.mask {
                    self.code.get(mask);
                    self.code.i().i32x4_all_true();
                    if checked {
                        self.code.i().i32_and();
                    }
                }
                let guarded = checked || matches!(self.mask, Mask::Lanes(_));
                if guarded {
                    self.code.when();
                }
                self.same_address(place, Some(term));
                self.canonical_vector(values[0]);
                self.code.i().v128_store(words(offset));
                if guarded {
                    self.code.otherwise();
                    self.store_scattered(place, values, offset);
                    self.code.end();
                }
            }
            _ => self.store_scattered(place, values, offset),
        }
    }

    /// Lane by lane, in order, where the lane is active.
    fn store_scattered(&mut self, place: &Place, values: &[Value], offset: u32) {
        let addresses = self.lane_addresses(place);
        let mut rows = Vec::new();
        for value in values {
            self.canonical_vector(*value);
            let row = self.code.vector();
            self.code.set(row);
            rows.push(row);
        }
        self.each_active(|emitter, lane| {
            for (i, row) in rows.iter().enumerate() {
                emitter.lane_address(place.space, addresses, lane);
                emitter.code.get(*row);
                let step = if place.space == Space::Private { PRIVATE_WORD } else { 4 };
                emitter.code.i().v128_store32_lane(words(offset + step * i as u32), lane);
            }
        });
    }

    fn store_private(&mut self, place: &Place, values: &[Value], offset: u32, pattern: Pattern) {
        if !matches!(pattern, Pattern::Same) {
            return self.store_scattered(place, values, offset);
        }
        self.same_address(place, None);
        let address = self.int_temp;
        self.code.set(address);
        for (i, value) in values.iter().enumerate() {
            let at = words(offset + PRIVATE_WORD * i as u32);
            self.code.get(address);
            self.canonical_vector(*value);
            if let Mask::Lanes(mask) = self.mask {
                self.code.get(address);
                self.code.i().v128_load(at);
                self.code.get(mask);
                self.code.i().v128_bitselect();
            }
            self.code.i().v128_store(at);
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

    /// Zero for `count` words of private memory, in all lanes.
    pub(super) fn zero(&mut self, place: &Place, count: u32) {
        let offset = self.offset(place);
        self.start(place.space);
        self.code.int(offset);
        self.code.i().i32_add();
        self.code.int(0);
        self.code.int(count * PRIVATE_WORD);
        self.code.i().memory_fill(0);
    }

    pub(super) fn fixed_offset(&self, place: &Place) -> u32 {
        self.offset(place)
    }
}
