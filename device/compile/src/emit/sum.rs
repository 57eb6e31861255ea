//! Additions to buffers that a kernel only adds to ([`crate::abi::sums`]).
//!
//! The runtime says for each workgroup whether other threads add to the same memory. If not, a vector of additions is a load, an addition
//! and a store. What all lanes add to one word is summed up first: integer addition commutes, also where it overflows.

use super::code::{Code, Local, words};
use super::memory::Pattern;
use super::{Emitter, Mask};
use crate::abi::{parameter, sums};
use crate::ir::{Place, Rmw, Value};

/// Locals for what the table of sums says.
pub(super) struct Sums {
    /// Whether additions must be atomic.
    shared: Local,
    /// Where each buffer's sums start.
    pub(super) starts: Vec<Local>,
}

impl Sums {
    pub(super) fn new(code: &mut Code, count: usize) -> Self {
        let mut local = || code.local(wasm_encoder::ValType::I32);
        Self {
            shared: if count == 0 { parameter::SCRATCH } else { local() },
            starts: (0..count).map(|_| local()).collect(),
        }
    }
}

impl Emitter<'_> {
    /// Read the table.
    pub(super) fn find_sums(&mut self) {
        let starts = self.sums.starts.clone();
        if starts.is_empty() {
            return;
        }
        let entries = starts.iter().enumerate().map(|(sum, start)| (sums::start(sum), *start));
        for (offset, local) in std::iter::once((sums::SHARED, self.sums.shared)).chain(entries) {
            self.code.get(parameter::SCRATCH);
            self.code.i().i32_load(words(offset));
            self.code.set(local);
        }
    }

    /// Add a value, or subtract it, where the place is in a buffer that is only added to. Out of bounds nothing is added.
    pub(super) fn add(&mut self, place: &Place, rmw: Rmw, value: Value) {
        self.within(place, |emitter| emitter.add_within(place, rmw, value));
    }

    fn add_within(&mut self, place: &Place, rmw: Rmw, value: Value) {
        let offset = self.offset(place);
        let terms = self.temporary();
        if rmw == Rmw::Sub {
            self.code.lanes([0; 4]);
        }
        self.vector(value);
        if rmw == Rmw::Sub {
            self.code.i().i32x4_sub();
        }
        if let Mask::Lanes(mask) = self.mask {
            self.code.get(mask);
            self.code.i().v128_and();
        }
        self.code.set(terms);
        match self.pattern(place) {
            Pattern::Same => self.add_up(place, terms, offset),
            Pattern::Even { bytes: 4, term, stride } => {
                let limit = place.terms[term];
                let shared = self.sums.shared;
                self.code.get(shared);
                self.code.i().i32_eqz();
                if !limit.proven {
                    self.scalar(limit.index);
                    self.code.int(limit.len - 1 - 3 * stride);
                    self.code.i().i32_le_u().i32_and();
                }
                self.code.when();
                self.same_address(place, Some(term));
                let address = self.int_temp;
                self.code.i().local_tee(address);
                self.code.get(address);
                self.code.i().v128_load(words(offset));
                self.code.get(terms);
                self.code.i().i32x4_add().v128_store(words(offset));
                self.code.otherwise();
                self.add_lanes(place, terms, offset);
                self.code.end();
            }
            Pattern::Even { .. } | Pattern::Scattered => self.add_lanes(place, terms, offset),
        }
    }

    /// All lanes add to one word.
    fn add_up(&mut self, place: &Place, terms: Local, offset: u32) {
        let (address, total, shared) = (self.int_temp, self.old_temp, self.sums.shared);
        for pick in [[2, 3, 0, 1], [1, 0, 3, 2]] {
            self.code.get(terms);
            self.shuffle_into(terms, terms, pick, terms);
            self.code.get(terms);
            self.code.i().i32x4_add();
            self.code.set(terms);
        }
        self.code.get(terms);
        self.code.i().i32x4_extract_lane(0);
        self.code.set(total);
        self.same_address(place, None);
        self.code.set(address);
        self.add_word(shared, address, total, offset);
    }

    /// Lane after lane. What the addresses are computed from is not computed again in each lane's branch.
    fn add_lanes(&mut self, place: &Place, terms: Local, offset: u32) {
        let addresses = self.lane_addresses(place);
        let space = place.space;
        self.code.get(self.sums.shared);
        self.code.when();
        self.each_active(|emitter, lane| {
            emitter.lane_address(space, addresses, lane);
            emitter.code.get(terms);
            emitter.code.i().i32x4_extract_lane(lane);
            emitter.code.i().i32_atomic_rmw_add(words(offset)).drop();
        });
        self.code.otherwise();
        let address = self.int_temp;
        self.each_active(|emitter, lane| {
            emitter.lane_address(space, addresses, lane);
            emitter.code.i().local_tee(address);
            emitter.code.get(address);
            emitter.code.i().i32_load(words(offset));
            emitter.code.get(terms);
            emitter.code.i().i32x4_extract_lane(lane);
            emitter.code.i().i32_add().i32_store(words(offset));
        });
        self.code.end();
    }

    fn add_word(&mut self, shared: Local, address: Local, term: Local, offset: u32) {
        self.code.get(shared);
        self.code.when();
        self.code.get(address);
        self.code.get(term);
        self.code.i().i32_atomic_rmw_add(words(offset)).drop();
        self.code.otherwise();
        self.code.get(address);
        self.code.get(address);
        self.code.i().i32_load(words(offset));
        self.code.get(term);
        self.code.i().i32_add().i32_store(words(offset));
        self.code.end();
    }
}
