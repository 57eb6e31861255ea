//! Checked mode: what is watched is handed to the host, lane by lane.

use super::Emitter;
use crate::abi::event;
use crate::ir::{Orders, Place, Space, Touch, Value, Watch};

impl Emitter<'_> {
    pub(super) fn watch(&mut self, site: u32, watch: &Watch) {
        match watch {
            Watch::Float { value, underflow } => self.tell_value(site, event::FLOAT, *value, u32::from(*underflow)),
            Watch::Convert(value, true) => self.tell_value(site, event::TO_SIGNED, *value, 0),
            Watch::Convert(value, false) => self.tell_value(site, event::TO_UNSIGNED, *value, 0),
            Watch::Access(place, words, touch) => self.tell_access(site, place, *words, *touch),
        }
    }

    fn tell_value(&mut self, site: u32, what: u32, value: Value, extra: u32) {
        self.vector(value);
        let lanes = self.temporary();
        self.code.set(lanes);
        self.each_active(|emitter, lane| {
            emitter.head(site, what, lane);
            emitter.code.get(lanes);
            emitter.code.i().i32x4_extract_lane(lane);
            emitter.code.int(extra);
            emitter.code.i().call(0);
        });
    }

    fn head(&mut self, site: u32, what: u32, lane: u8) {
        self.code.int(site);
        self.code.int(what);
        let index = self.inputs.index;
        self.code.get(index);
        self.code.int(u32::from(lane));
        self.code.i().i32_add();
    }

    fn tell_access(&mut self, site: u32, place: &Place, words: u32, touch: Touch) {
        for term in place.terms.iter().filter(|term| !term.proven) {
            self.tell_value(site, event::INDEX, term.index, term.len);
        }
        if place.space == Space::Private {
            return;
        }
        let offset = self.fixed_offset(place);
        let addresses = self.lane_addresses(place);
        let what = match touch {
            Touch::Read => event::READ,
            Touch::Write => event::WRITE,
            Touch::Atomic => event::ATOMIC,
        };
        self.each_active(|emitter, lane| {
            emitter.head(site, what, lane);
            emitter.lane_address(place.space, addresses, lane);
            emitter.code.int(offset);
            emitter.code.i().i32_add();
            emitter.code.int(words);
            emitter.code.i().call(0);
        });
    }

    /// All invocations have reached a barrier.
    pub(super) fn watch_barrier(&mut self, orders: Orders) {
        self.head(0, event::BARRIER, 0);
        self.code.int(u32::from(orders.storage));
        self.code.int(u32::from(orders.workgroup));
        self.code.i().call(0);
    }
}
