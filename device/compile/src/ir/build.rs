//! Builds a kernel, statement by statement.
//!
//! Pure values that are the same in one block are made once, and what a variable holds is known from where it is set to the next
//! place where control flow joins: up to there it is the value, and no variable is read.

use std::collections::BTreeMap;

use super::bound;
use super::fold::fold_un;
use super::live;
use super::{Bin, Input, Kernel, Label, Op, Stmt, Ty, Un, Value, ValueInfo, Var};

/// How far back the sign of a zero is traced.
const SIGN_DEPTH: u32 = 8;

/// The kernel under construction, and the blocks that are open.
pub(crate) struct Builder {
    pub(crate) kernel: Kernel,
    blocks: Vec<Vec<Stmt>>,
    known: Vec<BTreeMap<Op, Value>>,
    /// What variables hold here, as far as each open block knows; `None`: not known any more.
    held: Vec<BTreeMap<Var, Option<Value>>>,
}

impl Builder {
    pub(crate) fn new(workgroup_size: [u32; 3]) -> Self {
        let kernel = Kernel {
            values: Vec::new(),
            vars: Vec::new(),
            labels: 0,
            body: Vec::new(),
            workgroup_size,
            workgroup_bytes: 0,
            private_bytes: 0,
            sites: Vec::new(),
        };
        Self {
            kernel,
            blocks: vec![Vec::new()],
            known: vec![BTreeMap::new()],
            held: vec![BTreeMap::new()],
        }
    }

    pub(crate) fn finish(mut self) -> Kernel {
        self.kernel.body = self.blocks.pop().expect("the outermost block stays until the end");
        live::prune(&mut self.kernel);
        self.kernel
    }

    pub(crate) fn open(&mut self) {
        self.blocks.push(Vec::new());
        self.known.push(BTreeMap::new());
        self.held.push(BTreeMap::new());
    }

    /// The innermost block is complete. It may or may not run: what it sets is not known after it.
    pub(crate) fn close(&mut self) -> Vec<Stmt> {
        self.known.pop();
        let set = self.held.pop().expect("every close has its open");
        self.forget(set.into_keys());
        self.blocks.pop().expect("every close has its open")
    }

    /// The innermost block was no block of its own: it always runs, to its end.
    pub(crate) fn splice(&mut self) {
        let stmts = self.blocks.pop().expect("every splice has its open");
        let known = self.known.pop().expect("every splice has its open");
        let held = self.held.pop().expect("every splice has its open");
        self.blocks.last_mut().expect("a block is open").extend(stmts);
        self.known.last_mut().expect("a block is open").extend(known);
        self.held.last_mut().expect("a block is open").extend(held);
    }

    /// Whether the innermost block ends with this exit; it is taken off then.
    pub(crate) fn ends_with_break(&mut self, label: Label) -> bool {
        let block = self.blocks.last_mut().expect("a block is open");
        block
            .pop_if(|stmt| matches!(stmt, Stmt::Break(target) if *target == label))
            .is_some()
    }

    /// These variables may be set by what runs before the next statement.
    pub(crate) fn forget(&mut self, vars: impl Iterator<Item = Var>) {
        let held = self.held.last_mut().expect("a block is open");
        held.extend(vars.map(|var| (var, None)));
    }

    pub(crate) fn push(&mut self, stmt: Stmt) {
        self.blocks.last_mut().expect("a block is open").push(stmt);
    }

    pub(crate) fn label(&mut self) -> Label {
        self.kernel.labels += 1;
        Label(self.kernel.labels - 1)
    }

    pub(crate) fn var(&mut self, ty: Ty) -> Var {
        self.kernel.vars.push(ty);
        Var(self.kernel.vars.len() as u32 - 1)
    }

    pub(crate) fn ty(&self, value: Value) -> Ty {
        self.kernel.values[value.0 as usize].ty
    }

    pub(crate) fn max(&self, value: Value) -> u32 {
        self.kernel.values[value.0 as usize].max
    }

    pub(crate) fn constant_of(&self, value: Value) -> Option<u32> {
        match self.kernel.values[value.0 as usize].op {
            Op::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// A value that a statement other than `Let` defines.
    pub(crate) fn loaded(&mut self, ty: Ty) -> Value {
        self.fresh(ValueInfo {
            op: Op::Loaded,
            ty,
            max: u32::MAX,
        })
    }

    fn fresh(&mut self, info: ValueInfo) -> Value {
        self.kernel.values.push(info);
        Value(self.kernel.values.len() as u32 - 1)
    }

    fn define(&mut self, op: Op, ty: Ty, max: u32) -> Value {
        let pure = !matches!(op, Op::Get(_) | Op::Loaded);
        if pure {
            let found = self.known.iter().rev().find_map(|block| block.get(&op)).copied();
            if let Some(value) = found.filter(|value| self.ty(*value) == ty) {
                return value;
            }
        }
        let value = self.fresh(ValueInfo { op, ty, max });
        if pure {
            self.known.last_mut().expect("a block is open").insert(op, value);
        }
        self.push(Stmt::Let(value));
        value
    }

    pub(crate) fn constant(&mut self, ty: Ty, bits: u32) -> Value {
        // Constants of one pattern but another type are told apart by looking at the type after the search.
        let found = self.known.iter().rev().find_map(|block| block.get(&Op::Const(bits))).copied();
        match found {
            Some(value) if self.ty(value) == ty => value,
            Some(_) => {
                let value = self.fresh(ValueInfo {
                    op: Op::Const(bits),
                    ty,
                    max: bound::constant(ty, bits),
                });
                self.push(Stmt::Let(value));
                value
            }
            None => self.define(Op::Const(bits), ty, bound::constant(ty, bits)),
        }
    }

    pub(crate) fn int(&mut self, bits: u32) -> Value {
        self.constant(Ty::I32, bits)
    }

    pub(crate) fn float(&mut self, value: f32) -> Value {
        self.constant(Ty::F32, value.to_bits())
    }

    pub(crate) fn bool(&mut self, value: bool) -> Value {
        self.constant(Ty::Bool, u32::from(value))
    }

    pub(crate) fn input(&mut self, input: Input) -> Value {
        let [x, y, z] = self.kernel.workgroup_size;
        let alone = match input {
            Input::LocalX => x == 1,
            Input::LocalY => y == 1,
            Input::LocalZ => z == 1,
            Input::LocalIndex => x * y * z == 1,
            _ => false,
        };
        if alone {
            return self.int(0);
        }
        let input = if input == Input::LocalX && y * z == 1 {
            Input::LocalIndex
        } else {
            input
        };
        // The last vector may be longer than what is left of the workgroup.
        let last = (x * y * z).next_multiple_of(4) - 1;
        let max = match input {
            Input::LocalX => x - 1,
            Input::LocalY => y - 1,
            Input::LocalZ => last / (x * y),
            Input::LocalIndex => last,
            _ => 65_535,
        };
        self.define(Op::Input(input), Ty::I32, max)
    }

    pub(crate) fn get(&mut self, var: Var) -> Value {
        let held = self.held.iter().rev().find_map(|block| block.get(&var)).copied();
        if let Some(value) = held.flatten() {
            return value;
        }
        let ty = self.kernel.vars[var.0 as usize];
        self.define(Op::Get(var), ty, u32::MAX)
    }

    pub(crate) fn set(&mut self, var: Var, value: Value) {
        self.held.last_mut().expect("a block is open").insert(var, Some(value));
        self.push(Stmt::Set(var, value));
    }

    pub(crate) fn select(&mut self, cond: Value, yes: Value, no: Value) -> Value {
        if yes == no {
            return yes;
        }
        match self.constant_of(cond) {
            Some(0) => no,
            Some(_) => yes,
            None => {
                let max = self.max(yes).max(self.max(no));
                self.define(Op::Select(cond, yes, no), self.ty(yes), max)
            }
        }
    }

    pub(crate) fn un(&mut self, un: Un, a: Value) -> Value {
        let ty = match un {
            Un::FNeg | Un::FAbs | Un::FSqrt | Un::FCeil | Un::FFloor | Un::FTrunc | Un::FNearest => Ty::F32,
            Un::BitsFloat | Un::SToFloat | Un::UToFloat => Ty::F32,
            Un::Not => Ty::Bool,
            _ => Ty::I32,
        };
        let max = bound::un(un, self.max(a));
        if let (Some(bits), Some(fold)) = (self.constant_of(a), fold_un(un)) {
            return self.constant(ty, fold(bits));
        }
        self.define(Op::Un(un, a), ty, max)
    }

    pub(crate) fn bin(&mut self, bin: Bin, a: Value, b: Value) -> Value {
        let ty = match bin {
            Bin::FAdd | Bin::FSub | Bin::FMul | Bin::FDiv | Bin::FMin | Bin::FMax => Ty::F32,
            Bin::FEq | Bin::FNe | Bin::FLt | Bin::FLe => Ty::Bool,
            Bin::IEq | Bin::INe | Bin::LtS | Bin::LtU | Bin::LeS | Bin::LeU => Ty::Bool,
            Bin::And | Bin::Or | Bin::Xor => self.ty(a),
            _ => Ty::I32,
        };
        match (bin, self.constant_of(a), self.constant_of(b)) {
            (Bin::IAdd | Bin::Or | Bin::Xor, Some(0), _) => return b,
            (Bin::IAdd | Bin::ISub | Bin::Or | Bin::Xor | Bin::Shl | Bin::ShrU | Bin::ShrS, _, Some(0)) => return a,
            (Bin::FAdd, _, Some(0)) if self.is_never_negative_zero(a, SIGN_DEPTH) => return a,
            (Bin::IMul, Some(1), _) => return b,
            (Bin::IMul, _, Some(1)) => return a,
            (Bin::IAdd, Some(a), Some(b)) => return self.int(a.wrapping_add(b)),
            (Bin::ISub, Some(a), Some(b)) => return self.int(a.wrapping_sub(b)),
            (Bin::IMul, Some(a), Some(b)) => return self.int(a.wrapping_mul(b)),
            (Bin::DivU, _, Some(b)) if b.is_power_of_two() => {
                let shift = self.int(b.trailing_zeros());
                return self.bin(Bin::ShrU, a, shift);
            }
            (Bin::RemU, _, Some(b)) if b.is_power_of_two() => {
                let mask = self.int(b - 1);
                return self.bin(Bin::And, a, mask);
            }
            _ => {}
        }
        let max = bound::bin(bin, self.max(a), self.max(b), self.constant_of(b));
        self.define(Op::Bin(bin, a, b), ty, max)
    }
}

impl Builder {
    /// Whether a float is known not to be -0, so that adding 0 changes nothing. A sum is -0 only if both of its terms are.
    fn is_never_negative_zero(&self, value: Value, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.kernel.values[value.0 as usize].op {
            Op::Const(bits) => bits != 1 << 31,
            Op::Un(Un::SToFloat | Un::UToFloat | Un::FAbs, _) => true,
            Op::Bin(Bin::FMul, a, b) => a == b,
            Op::Bin(Bin::FAdd, a, b) => self.is_never_negative_zero(a, depth) || self.is_never_negative_zero(b, depth),
            // 1 over what is finite is not 0.
            Op::Bin(Bin::FDiv, a, b) => self.constant_of(a) == Some(1f32.to_bits()) && self.max(b) != u32::MAX,
            _ => false,
        }
    }
}
