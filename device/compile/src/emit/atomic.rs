//! Atomic operations: lane after lane. In a buffer they are WebAssembly's, since other threads run other workgroups; a workgroup
//! has one thread, so its own memory needs no more than a load and a store.

use wasm_encoder::{BlockType, MemArg};

use super::Emitter;
use super::code::{Local, words};
use super::memory::Pattern;
use crate::analyse::Spread;
use crate::ir::{Place, Rmw, Space, Value};

impl Emitter<'_> {
    pub(super) fn atomic(&mut self, result: Option<Value>, rmw: Rmw, place: &Place, value: Value) {
        if let Space::Sum(_) = place.space {
            return self.add(place, rmw, value);
        }
        let at = words(self.fixed_offset(place));
        let shared = result.is_some_and(|result| matches!(self.facts.values[result.0 as usize], Spread::Linear(_)));
        if rmw == Rmw::Load && shared && matches!(self.pattern(place), Pattern::Same) {
            self.same_address(place, None);
            self.atomic_load(place.space, at);
            let local = self.value_local(result.expect("a load has a result"));
            return self.code.set(local);
        }
        if rmw == Rmw::Load {
            self.atomic_lanes(result, rmw, place, value);
        } else {
            self.within(place, |emitter| emitter.atomic_lanes(result, rmw, place, value));
        }
    }

    /// In each active lane.
    fn atomic_lanes(&mut self, result: Option<Value>, rmw: Rmw, place: &Place, value: Value) {
        let at = words(self.fixed_offset(place));
        let addresses = self.lane_addresses(place);
        self.vector(value);
        let operand = self.temporary();
        self.code.set(operand);
        let compare = match rmw {
            Rmw::CompareExchange(compare) => {
                self.vector(compare);
                let local = self.temporary();
                self.code.set(local);
                Some(local)
            }
            _ => None,
        };
        let (address, old) = (self.int_temp, self.old_temp);
        let result = result.map(|result| self.value_local(result));
        self.each_active(|emitter, lane| {
            emitter.lane_address(place.space, addresses, lane);
            emitter.code.set(address);
            let operand = Lane { local: operand, lane };
            let compare = compare.map(|local| Lane { local, lane });
            match place.space {
                Space::Workgroup | Space::Private => emitter.plain(rmw, at, operand, compare),
                Space::Constant | Space::Storage | Space::Sum(_) => emitter.locked(rmw, at, operand, compare),
            }
            if let Some(result) = result
                && rmw != Rmw::Store
            {
                emitter.code.get(result);
                emitter.code.get(old);
                emitter.code.i().i32x4_replace_lane(lane);
                emitter.code.set(result);
            }
        });
    }

    fn atomic_load(&mut self, space: Space, at: MemArg) {
        match space {
            Space::Workgroup | Space::Private => {
                self.code.i().i32_load(at);
            }
            Space::Constant | Space::Storage | Space::Sum(_) => {
                self.code.i().i32_atomic_load(at);
            }
        };
    }

    fn lane(&mut self, lane: Lane) {
        self.code.get(lane.local);
        self.code.i().i32x4_extract_lane(lane.lane);
    }

    /// At the address in the temporary; leaves what was there in the other temporary.
    fn plain(&mut self, rmw: Rmw, at: MemArg, operand: Lane, compare: Option<Lane>) {
        let (address, old) = (self.int_temp, self.old_temp);
        self.code.get(address);
        self.code.i().i32_load(at);
        self.code.set(old);
        if rmw == Rmw::Load {
            return;
        }
        self.code.get(address);
        self.combined(rmw, operand, compare);
        self.code.i().i32_store(at);
    }

    /// Push what an operation makes of the old word.
    fn combined(&mut self, rmw: Rmw, operand: Lane, compare: Option<Lane>) {
        let old = self.old_temp;
        match rmw {
            Rmw::Store | Rmw::Exchange | Rmw::Load => return self.lane(operand),
            Rmw::CompareExchange(_) => {
                let compare = compare.expect("an exchange on a condition has something to compare with");
                self.lane(operand);
                self.code.get(old);
                self.code.get(old);
                self.lane(compare);
                self.code.i().i32_eq().select();
                return;
            }
            _ => {}
        }
        self.code.get(old);
        self.lane(operand);
        let choose = |emitter: &mut Self| {
            emitter.code.get(old);
            emitter.lane(operand);
        };
        match rmw {
            Rmw::Add => {
                self.code.i().i32_add();
            }
            Rmw::Sub => {
                self.code.i().i32_sub();
            }
            Rmw::And => {
                self.code.i().i32_and();
            }
            Rmw::Or => {
                self.code.i().i32_or();
            }
            Rmw::Xor => {
                self.code.i().i32_xor();
            }
            Rmw::MinS => {
                choose(self);
                self.code.i().i32_lt_s().select();
            }
            Rmw::MinU => {
                choose(self);
                self.code.i().i32_lt_u().select();
            }
            Rmw::MaxS => {
                choose(self);
                self.code.i().i32_gt_s().select();
            }
            _ => {
                choose(self);
                self.code.i().i32_gt_u().select();
            }
        };
    }

    fn locked(&mut self, rmw: Rmw, at: MemArg, operand: Lane, compare: Option<Lane>) {
        let (address, old) = (self.int_temp, self.old_temp);
        self.code.get(address);
        match rmw {
            Rmw::MinS | Rmw::MinU | Rmw::MaxS | Rmw::MaxU => {
                // Until nobody came between.
                self.code.i().i32_atomic_load(at);
                self.code.set(old);
                self.code.i().block(BlockType::Empty).loop_(BlockType::Empty);
                self.code.get(address);
                self.code.get(old);
                self.combined(rmw, operand, compare);
                self.code.i().i32_atomic_rmw_cmpxchg(at);
                let seen = self.seen_temp;
                self.code.i().local_tee(seen);
                self.code.get(old);
                self.code.i().i32_eq().br_if(1);
                self.code.get(seen);
                self.code.set(old);
                self.code.i().br(0).end().end();
                return;
            }
            Rmw::Load => {
                self.code.i().i32_atomic_load(at);
                return self.code.set(old);
            }
            Rmw::CompareExchange(_) => self.lane(compare.expect("an exchange on a condition has something to compare with")),
            _ => {}
        }
        self.lane(operand);
        match rmw {
            Rmw::Store => {
                self.code.i().i32_atomic_store(at);
                return;
            }
            Rmw::Add => {
                self.code.i().i32_atomic_rmw_add(at);
            }
            Rmw::Sub => {
                self.code.i().i32_atomic_rmw_sub(at);
            }
            Rmw::And => {
                self.code.i().i32_atomic_rmw_and(at);
            }
            Rmw::Or => {
                self.code.i().i32_atomic_rmw_or(at);
            }
            Rmw::Xor => {
                self.code.i().i32_atomic_rmw_xor(at);
            }
            Rmw::CompareExchange(_) => {
                self.code.i().i32_atomic_rmw_cmpxchg(at);
            }
            _ => {
                self.code.i().i32_atomic_rmw_xchg(at);
            }
        };
        self.code.set(old);
    }
}

/// One lane of a vector.
#[derive(Clone, Copy)]
struct Lane {
    local: Local,
    lane: u8,
}
