//! Builds a kernel, statement by statement.
//!
//! Pure values that are the same in one block are made once, and what a variable holds is known from where it is set to the next
//! place where control flow joins: up to there it is the value, and no variable is read.

use std::collections::BTreeMap;

use naga::Span;

use super::bound;
use super::fold::fold_un;
use super::live;
use super::{Bin, Input, Kernel, Label, Op, Stmt, Ty, Un, Value, ValueInfo, Var};

/// How far back the sign of a zero is traced.
const SIGN_DEPTH: u32 = 8;
/// How far back it is traced what a float is at least.
const LEAST_DEPTH: u32 = 6;

/// The kernel under construction, and the blocks that are open.
pub(crate) struct Builder {
    pub(crate) kernel: Kernel,
    /// What in the source is being lowered: new values remember it.
    pub(crate) span: Span,
    blocks: Vec<Open>,
    /// Pure values that are computed already, here or further out.
    known: BTreeMap<Op, Value>,
    held: Vec<Held>,
    /// Blocks opened so far.
    opened: u32,
}

/// What a variable holds here.
#[derive(Clone, Copy, Default)]
struct Held {
    /// `None` where it is not known.
    value: Option<Value>,
    /// The block that found this out, by its number.
    block: u32,
}

/// A block that is open, and what was known before it.
#[derive(Default)]
struct Open {
    stmts: Vec<Stmt>,
    /// Values that it made known, with what was known by the same operation.
    known: Vec<(Op, Option<Value>)>,
    /// Variables that it set or forgot, with what they held; each once.
    held: Vec<(Var, Held)>,
    number: u32,
}

impl Builder {
    pub(crate) fn new(workgroup_size: [u32; 3]) -> Self {
        let kernel = Kernel {
            values: Vec::new(),
            spans: Vec::new(),
            vars: Vec::new(),
            labels: 0,
            body: Vec::new(),
            workgroup_size,
            workgroup_bytes: 0,
            private_bytes: 0,
            sums: Vec::new(),
            sites: Vec::new(),
        };
        Self {
            kernel,
            span: Span::UNDEFINED,
            blocks: vec![Open::default()],
            known: BTreeMap::new(),
            held: Vec::new(),
            opened: 0,
        }
    }

    pub(crate) fn finish(mut self) -> Kernel {
        self.kernel.body = self.blocks.pop().expect("the outermost block stays until the end").stmts;
        live::prune(&mut self.kernel);
        self.kernel
    }

    fn block(&mut self) -> &mut Open {
        self.blocks.last_mut().expect("a block is open")
    }

    pub(crate) fn open(&mut self) {
        self.opened += 1;
        self.blocks.push(Open {
            number: self.opened,
            ..Open::default()
        });
    }

    /// The innermost block is complete. It may or may not run: what it sets is not known after it.
    pub(crate) fn close(&mut self) -> Vec<Stmt> {
        let block = self.blocks.pop().expect("every close has its open");
        for (op, before) in block.known.into_iter().rev() {
            match before {
                Some(value) => self.known.insert(op, value),
                None => self.known.remove(&op),
            };
        }
        for (var, before) in block.held.iter().rev() {
            self.held[var.0 as usize] = *before;
        }
        self.forget(block.held.into_iter().map(|(var, _)| var));
        block.stmts
    }

    /// The innermost block was no block of its own: it always runs, to its end.
    pub(crate) fn splice(&mut self) {
        let block = self.blocks.pop().expect("every splice has its open");
        let outer = self.block();
        outer.stmts.extend(block.stmts);
        outer.known.extend(block.known);
        outer.held.extend(block.held);
    }

    /// Whether the innermost block ends with this exit; it is taken off then.
    pub(crate) fn ends_with_break(&mut self, label: Label) -> bool {
        let stmts = &mut self.block().stmts;
        stmts
            .pop_if(|stmt| matches!(stmt, Stmt::Break(target) if *target == label))
            .is_some()
    }

    /// These variables may be set by what runs before the next statement.
    pub(crate) fn forget(&mut self, vars: impl Iterator<Item = Var>) {
        vars.for_each(|var| self.hold(var, None));
    }

    fn hold(&mut self, var: Var, value: Option<Value>) {
        let block = self.block().number;
        let before = std::mem::replace(&mut self.held[var.0 as usize], Held { value, block });
        if before.block != block {
            self.block().held.push((var, before));
        }
    }

    fn know(&mut self, op: Op, value: Value) {
        let before = self.known.insert(op, value);
        self.block().known.push((op, before));
    }

    pub(crate) fn push(&mut self, stmt: Stmt) {
        self.block().stmts.push(stmt);
    }

    pub(crate) fn label(&mut self) -> Label {
        self.kernel.labels += 1;
        Label(self.kernel.labels - 1)
    }

    pub(crate) fn var(&mut self, ty: Ty) -> Var {
        self.kernel.vars.push(ty);
        self.held.push(Held::default());
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
        self.kernel.spans.push(self.span);
        Value(self.kernel.values.len() as u32 - 1)
    }

    fn define(&mut self, op: Op, ty: Ty, max: u32) -> Value {
        let pure = !matches!(op, Op::Get(_) | Op::Loaded);
        if pure {
            let found = self.known.get(&op).copied();
            if let Some(value) = found.filter(|value| self.ty(*value) == ty) {
                return value;
            }
        }
        let value = self.fresh(ValueInfo { op, ty, max });
        if pure {
            self.know(op, value);
        }
        self.push(Stmt::Let(value));
        value
    }

    pub(crate) fn constant(&mut self, ty: Ty, bits: u32) -> Value {
        // Constants of one pattern but another type are told apart by looking at the type after the search.
        let found = self.known.get(&Op::Const(bits)).copied();
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
        if let Some(value) = self.held[var.0 as usize].value {
            return value;
        }
        let ty = self.kernel.vars[var.0 as usize];
        self.define(Op::Get(var), ty, u32::MAX)
    }

    pub(crate) fn set(&mut self, var: Var, value: Value) {
        self.hold(var, Some(value));
        self.push(Stmt::Set(var, value));
    }

    pub(crate) fn select(&mut self, cond: Value, yes: Value, no: Value) -> Value {
        if yes == no {
            return yes;
        }
        match self.constant_of(cond) {
            Some(0) => no,
            Some(_) => yes,
            None => match self.kernel.values[cond.0 as usize].op {
                // What a choice by size comes to: `x < y ? x : y` and `x < y ? y : x`.
                Op::Bin(Bin::FLt, x, y) if (x, y) == (yes, no) => self.bin(Bin::FMin, y, x),
                Op::Bin(Bin::FLt, x, y) if (y, x) == (yes, no) => self.bin(Bin::FMax, x, y),
                _ => {
                    let max = self.max(yes).max(self.max(no));
                    self.define(Op::Select(cond, yes, no), self.ty(yes), max)
                }
            },
        }
    }

    /// A sum that is known not to wrap around as a value and a constant, (value, 0) for all others.
    pub(crate) fn without_constant(&self, sum: Value) -> (Value, u32) {
        let Op::Bin(Bin::IAdd, a, b) = self.kernel.values[sum.0 as usize].op else {
            return (sum, 0);
        };
        let split = [(a, b), (b, a)]
            .into_iter()
            .find_map(|(value, constant)| Some((value, self.constant_of(constant)?)));
        match split {
            Some((value, constant)) if self.max(value).checked_add(constant).is_some() => (value, constant),
            _ => (sum, 0),
        }
    }

    pub(crate) fn un(&mut self, un: Un, a: Value) -> Value {
        let a = match (un, self.kernel.values[a.0 as usize].op) {
            // The sign of 0 is not seen in an integer.
            (Un::FloatToS | Un::FloatToU, Op::Bin(Bin::FAdd, x, zero)) if self.constant_of(zero) == Some(0) => x,
            _ => a,
        };
        let ty = match un {
            Un::FNeg | Un::FAbs | Un::FSqrt | Un::FCeil | Un::FFloor | Un::FTrunc | Un::FNearest => Ty::F32,
            Un::BitsFloat | Un::SToFloat | Un::UToFloat => Ty::F32,
            Un::Not => Ty::Bool,
            _ => Ty::I32,
        };
        let max = match un {
            Un::FSqrt if self.at_least(a, LEAST_DEPTH) >= 0.0 => bound::square_root(self.max(a)),
            _ => bound::un(un, self.max(a)),
        };
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
            (Bin::FLe, _, Some(limit)) if f32::from_bits(limit) < self.at_least(a, LEAST_DEPTH) => return self.bool(false),
            (Bin::MinU, _, Some(limit)) if self.max(a) <= limit => return a,
            (Bin::And | Bin::IMul, Some(0), _) => return a,
            (Bin::And | Bin::IMul, _, Some(0)) => return b,
            (Bin::IMul, Some(1), _) => return b,
            (Bin::IMul, _, Some(1)) => return a,
            (Bin::IAdd, Some(a), Some(b)) => return self.int(a.wrapping_add(b)),
            (Bin::ISub, Some(a), Some(b)) => return self.int(a.wrapping_sub(b)),
            (Bin::IEq, Some(a), Some(b)) => return self.bool(a == b),
            (Bin::INe, Some(a), Some(b)) => return self.bool(a != b),
            (Bin::LtU, Some(a), Some(b)) => return self.bool(a < b),
            (Bin::LeU, Some(a), Some(b)) => return self.bool(a <= b),
            (Bin::IMul, Some(a), Some(b)) => return self.int(a.wrapping_mul(b)),
            (Bin::Shl, Some(a), Some(b)) => return self.int(a << (b & 31)),
            (Bin::ShrU, Some(a), Some(b)) => return self.int(a >> (b & 31)),
            (Bin::DivU, Some(a), Some(b)) if b > 0 => return self.int(a / b),
            (Bin::RemU, Some(a), Some(b)) if b > 0 => return self.int(a % b),
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
        let max = match bin {
            Bin::FDiv => bound::quotient(self.max(a), self.at_least(b, LEAST_DEPTH)),
            Bin::FMax => self
                .clamped(a, b)
                .unwrap_or_else(|| bound::bin(bin, self.max(a), self.max(b), None)),
            _ => bound::bin(bin, self.max(a), self.max(b), self.constant_of(b)),
        };
        self.define(Op::Bin(bin, a, b), ty, max)
    }
}

impl Builder {
    /// A float that is at least this, and no NaN; minus infinity where nothing is known.
    fn at_least(&self, value: Value, depth: u32) -> f32 {
        const UNKNOWN: f32 = f32::NEG_INFINITY;
        let Some(depth) = depth.checked_sub(1) else { return UNKNOWN };
        let info = self.kernel.values[value.0 as usize];
        if info.max == u32::MAX {
            return UNKNOWN;
        }
        match info.op {
            Op::Const(bits) => f32::from_bits(bits),
            Op::Un(Un::FAbs, a) => self.at_least(a, depth).max(0.0),
            Op::Un(Un::UToFloat, _) => 0.0,
            // Of what may be below 0 nothing is known but that the root, which is no NaN, is not.
            Op::Un(Un::FSqrt, a) => self.at_least(a, depth).max(0.0).sqrt(),
            Op::Bin(Bin::FMul, a, b) if a == b => 0.0,
            Op::Bin(Bin::FAdd, a, b) if self.at_least(a, depth) >= 0.0 && self.at_least(b, depth) >= 0.0 => 0.0,
            Op::Bin(Bin::FMin, a, b) => self.at_least(a, depth).min(self.at_least(b, depth)),
            Op::Bin(Bin::FMax, a, b) => self.at_least(a, depth).max(self.at_least(b, depth)),
            _ => UNKNOWN,
        }
    }

    /// The bound of `max(low, min(high, x))` with constants for both: a NaN becomes one of them.
    fn clamped(&self, low: Value, b: Value) -> Option<u32> {
        let Op::Bin(Bin::FMin, high, _) = self.kernel.values[b.0 as usize].op else {
            return None;
        };
        let [low, high] = [low, high].map(|end| self.constant_of(end).map(|bits| bound::constant(Ty::F32, bits)));
        Some(low?.max(high?))
    }

    /// Whether a float is known not to be -0, so that adding 0 changes nothing. A sum is -0 only if both of its terms are.
    fn is_never_negative_zero(&self, value: Value, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        match self.kernel.values[value.0 as usize].op {
            Op::Const(bits) => bits != 1 << 31,
            Op::Un(Un::SToFloat | Un::UToFloat | Un::FAbs, _) => true,
            Op::Bin(Bin::FMul, a, b) => a == b,
            Op::Bin(Bin::FAdd, a, b) => self.is_never_negative_zero(a, depth) || self.is_never_negative_zero(b, depth),
            Op::Bin(Bin::FMin | Bin::FMax, ..) => self.at_least(value, LEAST_DEPTH) > 0.0,
            Op::Un(Un::FSqrt, a) => self.at_least(a, LEAST_DEPTH) > 0.0,
            // 1 over what is finite is not 0.
            Op::Bin(Bin::FDiv, a, b) => self.constant_of(a) == Some(1f32.to_bits()) && self.max(b) != u32::MAX,
            _ => false,
        }
    }
}
