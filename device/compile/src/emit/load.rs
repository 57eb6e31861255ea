//! Loads.
//!
//! Four addresses that follow each other are one vector load; four that are equal are one scalar load; all others are read lane
//! by lane, and vectors of several words are then transposed.

use std::borrow::Borrow;

use super::Emitter;
use super::code::{Local, words};
use super::memory::{PRIVATE_WORD, Pattern};
use crate::analyse::Spread;
use crate::ir::{Place, Space, Stmt, Ty, Value, loads};

impl Emitter<'_> {
    pub(super) fn load(&mut self, first: Value, count: u32, place: &Place) {
        let values: Vec<Value> = (0..count).map(|i| Value(first.0 + i)).collect();
        let offset = self.offset(place);
        self.note_unlooked(place.space, &values);
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

    /// How many of these statements, from the first one on, load words that follow each other, at addresses that differ from lane to lane but are known to be within.
    pub(super) fn loads_length(&self, stmts: &[impl Borrow<Stmt>]) -> usize {
        let length = loads(stmts.iter().map(Borrow::borrow));
        match stmts.first().map(Borrow::borrow) {
            Some(Stmt::Load { at, .. })
                if length > 1 && at.space != Space::Private && at.terms.iter().all(|term| term.proven) =>
            {
                match self.pattern(at) {
                    Pattern::Same | Pattern::Even { bytes: 4, .. } => 1,
                    Pattern::Even { .. } | Pattern::Scattered => length,
                }
            }
            _ => 1,
        }
    }

    /// Load words that follow each other: each lane's at once, then transposed.
    pub(super) fn load_row(&mut self, stmts: &[impl Borrow<Stmt>]) {
        let firsts = stmts.iter().filter_map(|stmt| match stmt.borrow() {
            Stmt::Load { first, .. } => Some(*first),
            _ => None,
        });
        let values: Vec<Value> = firsts.collect();
        let Some(Stmt::Load { at: place, .. }) = stmts.first().map(Borrow::borrow) else {
            return;
        };
        self.come_from(self.kernel.spans[values[0].0 as usize]);
        self.note_unlooked(place.space, &values);
        let offset = self.offset(place);
        match self.pattern(place) {
            Pattern::Even { bytes, term, .. } => self.load_even(&values, place, offset, bytes, term),
            Pattern::Same | Pattern::Scattered => self.load_scattered(&values, place, offset),
        }
    }

    pub(super) fn load_even(&mut self, values: &[Value], place: &Place, offset: u32, bytes: u32, term: usize) {
        self.same_address(place, Some(term));
        if bytes == 4 && values.len() == 1 {
            self.code.i().v128_load(words(offset));
            let local = self.value_local(values[0]);
            return self.code.set(local);
        }
        let address = self.int_temp;
        self.code.set(address);
        if let ([x, y], 8) = (values, bytes) {
            let [low, high, ..] = self.temps;
            for (half, offset) in [(low, offset), (high, offset + 16)] {
                self.code.get(address);
                self.code.i().v128_load(words(offset));
                self.code.set(half);
            }
            self.shuffle(low, high, [0, 2, 4, 6], *x);
            return self.shuffle(low, high, [1, 3, 5, 7], *y);
        }
        self.load_rows(values, |emitter, lane| {
            emitter.code.get(address);
            offset + bytes * u32::from(lane)
        });
    }

    pub(super) fn load_scattered(&mut self, values: &[Value], place: &Place, offset: u32) {
        let addresses = self.lane_addresses(place);
        let space = place.space;
        self.load_rows(values, |emitter, lane| {
            emitter.lane_address(space, addresses, lane);
            offset
        });
    }

    /// Read each lane's neighbouring words, then transpose. `address` pushes an address and returns the offset from it.
    pub(super) fn load_rows(&mut self, values: &[Value], address: impl Fn(&mut Self, u8) -> u32) {
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

    pub(super) fn shuffle(&mut self, a: Local, b: Local, pick: [u8; 4], value: Value) {
        let local = self.value_local(value);
        self.shuffle_into(a, b, pick, local);
    }

    pub(super) fn shuffle_into(&mut self, a: Local, b: Local, pick: [u8; 4], target: Local) {
        self.code.get(a);
        self.code.get(b);
        let mut bytes = [0; 16];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = pick[i / 4] * 4 + (i % 4) as u8;
        }
        self.code.i().i8x16_shuffle(bytes);
        self.code.set(target);
    }

    pub(super) fn load_private(&mut self, values: &[Value], place: &Place, offset: u32) {
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
}
