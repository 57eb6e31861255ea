//! Additions to buffers that a kernel only adds to ([`crate::abi::sums`]).
//!
//! The runtime says for each workgroup whether other threads add to the same memory. If not, a vector of additions is a load, an addition
//! and a store. What all lanes add to one word is summed up first: integer addition commutes, also where it overflows.

use std::borrow::Borrow;

use super::code::{Code, Local, words};
use super::memory::Pattern;
use super::{Emitter, Mask};
use crate::abi::{parameter, sums};
use crate::ir::{Place, ROW_WORDS, Rmw, Space, Stmt, Value, row};

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

    /// How many of these statements, from the first one on, add to words that follow each other in one row of a buffer: three or four, or one.
    pub(super) fn row_length(&self, stmts: &[impl Borrow<Stmt>]) -> usize {
        let length = row(stmts.iter().map(Borrow::borrow));
        match stmts.first().map(Borrow::borrow) {
            Some(Stmt::Atomic { at, .. }) if length >= 3 && matches!(at.space, Space::Sum(_)) && self.has_rows(at, length) => {
                length
            }
            _ => 1,
        }
    }

    /// Whether four words from this place on are in the buffer, wherever its indices point: where it has rows of four, or each of the four words is known to be within.
    fn has_rows(&self, place: &Place, length: usize) -> bool {
        let Space::Sum(sum) = place.space else { return false };
        let whole = |bytes: u32| bytes.is_multiple_of(4 * ROW_WORDS as u32);
        let rows = whole(place.base)
            && whole(self.kernel.sums[usize::from(sum)].size)
            && place.terms.iter().all(|term| whole(term.stride));
        let within = length == ROW_WORDS && place.terms.iter().all(|term| term.proven);
        (rows || within) && !matches!(self.pattern(place), Pattern::Same)
    }

    /// Add to three or four words of a row: the vectors are transposed, so that each lane adds to its row at once.
    pub(super) fn add_row(&mut self, stmts: &[impl Borrow<Stmt>]) {
        let Some(Stmt::Atomic { at: place, .. }) = stmts.first().map(Borrow::borrow) else {
            return;
        };
        self.within(place, |emitter| {
            let mut columns = [0; ROW_WORDS];
            for (word, stmt) in stmts.iter().enumerate() {
                if let Stmt::Atomic { rmw, value, .. } = stmt.borrow() {
                    columns[word] = emitter.terms(*rmw, *value, word);
                }
            }
            if stmts.len() < ROW_WORDS {
                columns[3] = emitter.temporary();
                emitter.code.lanes([0; 4]);
                emitter.code.set(columns[3]);
            }
            emitter.add_columns(place, columns, stmts.len());
        });
    }

    fn add_columns(&mut self, place: &Place, columns: [Local; ROW_WORDS], words_used: usize) {
        let offset = self.offset(place);
        let addresses = self.lane_addresses(place);
        self.code.get(self.sums.shared);
        self.code.when();
        for word in 0..words_used {
            self.add_lanes_atomically(place, addresses, offset + 4 * word as u32, word);
        }
        self.code.otherwise();
        let address = self.int_temp;
        for (lane, row) in self.rows(columns).into_iter().enumerate() {
            self.lane_address(place.space, addresses, lane as u8);
            self.code.i().local_tee(address);
            self.code.get(address);
            self.code.i().v128_load(words(offset));
            self.code.get(row);
            self.code.i().i32x4_add().v128_store(words(offset));
        }
        self.code.end();
    }

    /// Add a value, or subtract it, where the place is in a buffer that is only added to. Out of bounds nothing is added.
    pub(super) fn add(&mut self, place: &Place, rmw: Rmw, value: Value) {
        self.within(place, |emitter| emitter.add_within(place, rmw, value));
    }

    /// A local with what each active lane adds, 0 for the others; it is kept for the branches to come.
    fn terms(&mut self, rmw: Rmw, value: Value, word: usize) -> Local {
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
        self.keep(terms, word);
        terms
    }

    fn add_within(&mut self, place: &Place, rmw: Rmw, value: Value) {
        let offset = self.offset(place);
        let terms = self.terms(rmw, value, 0);
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
                self.add_lanes(place, offset);
                self.code.end();
            }
            Pattern::Even { .. } | Pattern::Scattered => self.add_lanes(place, offset),
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

    /// Lane after lane. Lanes that are not active add 0: their addresses are clamped, too.
    fn add_lanes(&mut self, place: &Place, offset: u32) {
        let addresses = self.lane_addresses(place);
        let space = place.space;
        self.code.get(self.sums.shared);
        self.code.when();
        self.add_lanes_atomically(place, addresses, offset, 0);
        self.code.otherwise();
        let address = self.int_temp;
        for lane in 0..4 {
            self.lane_address(space, addresses, lane);
            self.code.i().local_tee(address);
            self.code.get(address);
            self.code.i().i32_load(words(offset));
            self.push_kept(0, lane);
            self.code.i().i32_add().i32_store(words(offset));
        }
        self.code.end();
    }

    /// Lane after lane, beside other threads.
    fn add_lanes_atomically(&mut self, place: &Place, addresses: Local, offset: u32, word: usize) {
        self.each_active(|emitter, lane| {
            emitter.lane_address(place.space, addresses, lane);
            emitter.push_kept(word, lane);
            emitter.code.i().i32_atomic_rmw_add(words(offset)).drop();
        });
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
