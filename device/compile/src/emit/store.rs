//! Stores: of active lanes only, in their order. In shared memory, lanes whose indices are out of bounds store nothing.

use super::code::{Local, words};
use super::memory::{PRIVATE_WORD, Pattern};
use super::{Emitter, KEPT_MAX, Mask};
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
                        emitter.stored_scalar(place.space, *value);
                        emitter.code.i().i32_store(words(offset + 4 * i as u32));
                    }
                });
            }
            Pattern::Even { bytes, term, stride } => {
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
                if bytes == 4 && values.len() == 1 {
                    self.same_address(place, Some(term));
                    self.stored_vector(place.space, values[0]);
                    self.code.i().v128_store(words(offset));
                } else {
                    let around = std::mem::replace(&mut self.mask, Mask::Full);
                    self.store_scattered(place, values, offset);
                    self.mask = around;
                }
                if guarded {
                    self.code.otherwise();
                    self.within(place, |emitter| emitter.store_scattered(place, values, offset));
                    self.code.end();
                }
            }
            _ => self.within(place, |emitter| emitter.store_scattered(place, values, offset)),
        }
    }

    /// Lane by lane, in order, where the lane is active: rows of four words at once.
    pub(super) fn store_scattered(&mut self, place: &Place, values: &[Value], offset: u32) {
        let addresses = self.lane_addresses(place);
        let mut columns = Vec::new();
        for value in values {
            self.stored_vector(place.space, *value);
            let column = self.temporary();
            self.code.set(column);
            columns.push(column);
        }
        if let ([x, y, z, w], false) = (columns.as_slice(), place.space == Space::Private) {
            let rows = self.rows([*x, *y, *z, *w]);
            return self.store_rows(place.space, addresses, rows, offset);
        }
        let kept = matches!(self.mask, Mask::Lanes(_)) && columns.len() < KEPT_MAX;
        if kept {
            let all = columns.iter().chain([&addresses]);
            all.enumerate().for_each(|(slot, vector)| self.keep(*vector, slot));
        }
        let step = if place.space == Space::Private { PRIVATE_WORD } else { 4 };
        self.each_active(|emitter, lane| {
            for (i, column) in columns.iter().enumerate() {
                let at = words(offset + step * i as u32);
                if kept {
                    emitter.push_kept(columns.len(), lane);
                    emitter.add_start(place.space);
                    emitter.push_kept(i, lane);
                    emitter.code.i().i32_store(at);
                } else {
                    emitter.lane_address(place.space, addresses, lane);
                    emitter.code.get(*column);
                    emitter.code.i().v128_store32_lane(at, lane);
                }
            }
        });
    }

    /// Four vectors transposed: what each lane has of them.
    pub(super) fn rows(&mut self, [x, y, z, w]: [Local; 4]) -> [Local; 4] {
        let rows = [(); 4].map(|()| self.temporary());
        let [low, high, ..] = self.temps;
        for (half, from) in [[0, 4, 1, 5], [2, 6, 3, 7]].into_iter().enumerate() {
            self.shuffle_into(x, y, from, low);
            self.shuffle_into(z, w, from, high);
            self.shuffle_into(low, high, [0, 1, 4, 5], rows[2 * half]);
            self.shuffle_into(low, high, [2, 3, 6, 7], rows[2 * half + 1]);
        }
        rows
    }

    fn store_rows(&mut self, space: Space, addresses: Local, rows: [Local; 4], offset: u32) {
        let kept = matches!(self.mask, Mask::Lanes(_));
        if kept {
            let all = rows.iter().chain([&addresses]);
            all.enumerate().for_each(|(slot, vector)| self.keep(*vector, slot));
        }
        self.each_active(|emitter, lane| {
            if kept {
                emitter.push_kept(rows.len(), lane);
                emitter.add_start(space);
                emitter.push_kept_vector(lane.into());
            } else {
                emitter.lane_address(space, addresses, lane);
                emitter.code.get(rows[usize::from(lane)]);
            }
            emitter.code.i().v128_store(words(offset));
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
            self.stored_vector(place.space, *value);
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
