//! Stores: of active lanes only, in their order. In shared memory, lanes whose indices are out of bounds store nothing.

use super::code::words;
use super::memory::{PRIVATE_WORD, Pattern};
use super::{Emitter, Mask};
use crate::ir::{Place, Space, Value};

impl Emitter<'_> {
    pub(super) fn store(&mut self, place: &Place, values: &[Value]) {
        let offset = self.offset(place);
        let pattern = self.pattern(place);
        if place.space == Space::Private {
            return self.store_private(place, values, offset, pattern);
        }
        match pattern {
            Pattern::Same if values.iter().all(|value| self.facts.uniform(*value)) => {
                self.if_within(place, |emitter, place| {
                    emitter.same_address(place, None);
                    let address = emitter.int_temp;
                    emitter.code.set(address);
                    for (i, value) in values.iter().enumerate() {
                        emitter.code.get(address);
                        emitter.canonical_scalar(*value);
                        emitter.code.i().i32_store(words(offset + 4 * i as u32));
                    }
                });
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
                    self.within(place, |emitter| emitter.store_scattered(place, values, offset));
                    self.code.end();
                }
            }
            _ => self.within(place, |emitter| emitter.store_scattered(place, values, offset)),
        }
    }

    /// Lane by lane, in order, where the lane is active.
    pub(super) fn store_scattered(&mut self, place: &Place, values: &[Value], offset: u32) {
        let addresses = self.lane_addresses(place);
        let mut rows = Vec::new();
        for value in values {
            self.canonical_vector(*value);
            let row = self.temporary();
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

    pub(super) fn store_private(&mut self, place: &Place, values: &[Value], offset: u32, pattern: Pattern) {
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

    /// Zero for `count` words of private memory, in all active lanes.
    pub(super) fn zero(&mut self, place: &Place, count: u32) {
        let offset = self.offset(place);
        self.start(place.space);
        self.code.int(offset);
        self.code.i().i32_add();
        let Mask::Lanes(mask) = self.mask else {
            self.code.int(0);
            self.code.int(count * PRIVATE_WORD);
            self.code.i().memory_fill(0);
            return;
        };
        let (address, end) = (self.int_temp, self.old_temp);
        self.code.i().local_tee(address);
        self.code.int(count * PRIVATE_WORD);
        self.code.i().i32_add();
        self.code.set(end);
        let top = self.code.repeat();
        self.code.get(address);
        self.code.get(address);
        self.code.i().v128_load(words(0));
        self.code.get(mask);
        self.code.i().v128_andnot().v128_store(words(0));
        self.code.get(address);
        self.code.int(PRIVATE_WORD);
        self.code.i().i32_add().local_tee(address);
        self.code.get(end);
        self.code.i().i32_lt_u();
        self.code.branch_if(top);
        self.code.end();
    }
}
