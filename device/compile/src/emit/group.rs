//! A workgroup: its zeroed memory, its control flow, and loops over its vectors.

use super::code::words;
use super::{Emitter, Frame, Mask};
use crate::abi::parameter;
use crate::analyse::{Plan, Spills, Spread, Step};
use crate::ir::{Input, Label, Op, Stmt, Value, Var};

impl Emitter<'_> {
    pub(super) fn workgroup(&mut self, plan: &Plan<'_>, spills: &Spills) {
        self.heed_stop();
        self.find_sums();
        if self.kernel.workgroup_bytes > 0 {
            self.code.get(parameter::SCRATCH);
            let (start, bytes) = (self.layout.workgroup, self.kernel.workgroup_bytes);
            self.code.int(start);
            self.code.i().i32_add();
            self.code.int(0);
            self.code.int(bytes);
            self.code.i().memory_fill(0);
        }
        self.plan(plan, spills);
    }

    fn plan(&mut self, plan: &Plan<'_>, spills: &Spills) {
        for step in plan {
            match step {
                Step::Once(stmts) => {
                    let end = self.code.block();
                    stmts.iter().for_each(|stmt| self.block(std::slice::from_ref(*stmt), end));
                    self.code.end();
                }
                Step::Each(region, stmts, ends) => self.each_vector(*region, stmts, *ends, spills),
                Step::If(stmt, cond, yes, no) => {
                    self.scalar(*cond);
                    self.code.when();
                    self.plan(yes, spills);
                    self.code.otherwise();
                    self.plan(no, spills);
                    self.code.end();
                    self.end(stmt);
                }
                Step::Loop {
                    stmt,
                    label,
                    body,
                    next,
                    until,
                } => {
                    let end = self.code.block();
                    let top = self.code.repeat();
                    self.heed_stop();
                    let inner = self.code.block();
                    self.frames.push(Frame::collective(*label, end, Some(inner), None));
                    self.plan(body, spills);
                    self.frames.pop();
                    self.code.end();
                    self.plan(next, spills);
                    if let Some(until) = until {
                        self.scalar(*until);
                        self.code.branch_if(end);
                    }
                    self.code.branch(top);
                    self.code.end();
                    self.code.end();
                    self.end(stmt);
                }
                Step::Scope(label, body) => {
                    let end = self.code.block();
                    self.frames.push(Frame::collective(*label, end, None, None));
                    self.plan(body, spills);
                    self.frames.pop();
                    self.code.end();
                }
                Step::Exit(stmt) => self.exit(stmt),
                Step::Barrier(orders) if self.checked => self.watch_barrier(*orders),
                Step::Barrier(_) => {}
            }
        }
    }

    /// A loop over the workgroup's vectors.
    fn each_vector(&mut self, region: usize, stmts: &[&Stmt], ends: Option<Label>, spills: &Spills) {
        let invocations: u32 = self.kernel.workgroup_size.iter().product();
        let vectors = invocations.div_ceil(4);
        let vector = self.inputs.vector;
        self.code.int(0);
        self.code.set(vector);
        let mark = self.mark();
        let top = self.code.repeat();
        self.place_vector(invocations, vectors);
        self.unspill(region, spills);
        let end = self.code.block();
        if let Some(label) = ends {
            self.materialise();
            let left = self.noted(true);
            self.frames.push(Frame::collective(label, end, None, left));
        }
        self.block(stmts, end);
        if ends.is_some() {
            self.frames.pop();
        }
        self.code.end();
        self.spill(region, spills);
        self.give_back_to(mark);
        self.mask = Mask::Full;
        if vectors > 1 {
            self.code.get(vector);
            self.code.int(1);
            self.code.i().i32_add().local_tee(vector);
            self.code.int(vectors);
            self.code.i().i32_lt_u();
            self.code.branch_if(top);
        }
        self.code.end();
    }

    /// What a vector's invocations are told, and which of them exist.
    fn place_vector(&mut self, invocations: u32, vectors: u32) {
        let (vector, index, private) = (self.inputs.vector, self.inputs.index, self.inputs.private);
        self.code.get(vector);
        self.code.int(2);
        self.code.i().i32_shl();
        self.code.set(index);
        if self.kernel.private_bytes > 0 {
            self.code.get(parameter::SCRATCH);
            self.code.get(vector);
            let stride = self.layout.private_stride;
            self.code.int(stride);
            self.code.i().i32_mul().i32_add();
            self.code.set(private);
        }
        let [x, y, _] = self.kernel.workgroup_size;
        self.local_id(Input::LocalX, self.inputs.x, 1, x);
        self.local_id(Input::LocalY, self.inputs.y, x, y);
        self.local_id(Input::LocalZ, self.inputs.z, x * y, u32::MAX);
        if !invocations.is_multiple_of(4) {
            let mask = self.temporary();
            let tail = [0, 1, 2, 3].map(|lane| if lane < invocations % 4 { u32::MAX } else { 0 });
            self.code.lanes(tail);
            self.code.lanes([u32::MAX; 4]);
            self.code.get(vector);
            self.code.int(vectors - 1);
            self.code.i().i32_eq().select();
            self.code.set(mask);
            self.mask = Mask::Lanes(mask);
        } else {
            self.mask = Mask::Full;
        }
    }

    /// `index / divisor % modulus` for one coordinate.
    fn local_id(&mut self, input: Input, local: u32, divisor: u32, modulus: u32) {
        let mut all = self.kernel.values.iter().zip(&self.facts.values);
        let Some((_, spread)) = all.find(|(info, _)| info.op == Op::Input(input)) else {
            return;
        };
        let index = self.inputs.index;
        let coordinate = |emitter: &mut Self, lane: u8| {
            emitter.code.get(index);
            emitter.code.int(u32::from(lane));
            emitter.code.i().i32_add();
            emitter.code.int(divisor);
            emitter.code.i().i32_div_u();
            emitter.code.int(modulus);
            emitter.code.i().i32_rem_u();
        };
        match spread {
            Spread::Linear(_) => coordinate(self, 0),
            Spread::Varying => self.each_lane(coordinate),
        }
        self.code.set(local);
    }

    /// Push the start of this vector's spill slots.
    fn slots(&mut self) {
        let stride = self.layout.spill_stride;
        self.code.get(parameter::SCRATCH);
        let vector = self.inputs.vector;
        self.code.get(vector);
        self.code.int(stride);
        self.code.i().i32_mul().i32_add();
    }

    fn slot(&self, slot: u32) -> u32 {
        self.layout.spills + slot * 16
    }

    fn unspill(&mut self, region: usize, spills: &Spills) {
        for value in spills.needs.get(region).into_iter().flatten() {
            let local = self.value_local(*value);
            let (ty, spread) = (self.kernel.values[value.0 as usize].ty, self.facts.values[value.0 as usize]);
            self.read_slot(spills.values[value], local, spread, ty);
        }
        for var in spills.touches.get(region).into_iter().flatten() {
            let local = self.var_local(*var);
            let (ty, spread) = (self.kernel.vars[var.0 as usize], self.facts.vars[var.0 as usize]);
            self.read_slot(spills.vars[var], local, spread, ty);
        }
    }

    fn read_slot(&mut self, slot: u32, local: u32, spread: Spread, ty: crate::ir::Ty) {
        use crate::ir::Ty;
        let at = words(self.slot(slot));
        self.slots();
        match (spread, ty) {
            (Spread::Varying, _) => {
                self.code.i().v128_load(at);
            }
            (_, Ty::F32) => {
                self.code.i().f32_load(at);
            }
            _ => {
                self.code.i().i32_load(at);
            }
        };
        self.code.set(local);
    }

    fn spill(&mut self, region: usize, spills: &Spills) {
        let makes: Vec<Value> = spills.makes.get(region).cloned().unwrap_or_default();
        let touches: Vec<Var> = spills.touches.get(region).cloned().unwrap_or_default();
        for value in makes {
            let local = self.value_local(value);
            let (ty, spread) = (self.kernel.values[value.0 as usize].ty, self.facts.values[value.0 as usize]);
            self.write_slot(spills.values[&value], local, spread, ty);
        }
        for var in touches {
            let local = self.var_local(var);
            let (ty, spread) = (self.kernel.vars[var.0 as usize], self.facts.vars[var.0 as usize]);
            self.write_slot(spills.vars[&var], local, spread, ty);
        }
    }

    fn write_slot(&mut self, slot: u32, local: u32, spread: Spread, ty: crate::ir::Ty) {
        use crate::ir::Ty;
        let at = words(self.slot(slot));
        self.slots();
        self.code.get(local);
        match (spread, ty) {
            (Spread::Varying, _) => {
                self.code.i().v128_store(at);
            }
            (_, Ty::F32) => {
                self.code.i().f32_store(at);
            }
            _ => {
                self.code.i().i32_store(at);
            }
        };
    }
}
