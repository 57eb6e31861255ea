//! The compiler's own language, between naga's and WebAssembly's.
//!
//! A kernel is one tree of statements over scalars: calls are inlined, vectors, matrices and structs are taken apart, and
//! pointers are resolved to variables or to places in memory. It is written for *one* invocation; that four run at a time is
//! the emitter's business.
//!
//! Invariant: a [`Value`] is defined by one statement, and used only after it, in its block or deeper.

use std::collections::BTreeMap;

/// A scalar that is computed once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Value(pub(super) u32);

/// A scalar variable of an invocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Var(pub(super) u32);

/// A loop or a scope that can be left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Label(pub(super) u32);

/// Type of a scalar. Signed and unsigned integers are one type; operations tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ty {
    F32,
    I32,
    Bool,
}

/// What an invocation is told about its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Input {
    LocalX,
    LocalY,
    LocalZ,
    LocalIndex,
    GroupX,
    GroupY,
    GroupZ,
    CountX,
    CountY,
    CountZ,
}

/// Operations of one operand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Un {
    FNeg,
    FAbs,
    FSqrt,
    FCeil,
    FFloor,
    FTrunc,
    /// To the nearest integer, ties to even.
    FNearest,
    /// Bits of a float; every NaN shows as the one quiet NaN.
    FloatBits,
    /// Bits of a float; a NaN's are any NaN's: only for what becomes a float again.
    RawBits,
    BitsFloat,
    /// Saturating; NaN gives 0.
    FloatToS,
    FloatToU,
    SToFloat,
    UToFloat,
    INeg,
    IAbs,
    INot,
    Clz,
    Ctz,
    Popcnt,
    BoolToInt,
    Not,
}

/// Operations of two operands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Bin {
    FAdd,
    FSub,
    FMul,
    FDiv,
    /// `b < a ? b : a`
    FMin,
    /// `a < b ? b : a`
    FMax,
    FEq,
    FNe,
    FLt,
    FLe,
    IAdd,
    ISub,
    IMul,
    /// Division by zero gives the dividend; overflow wraps.
    DivS,
    DivU,
    /// Remainder by zero, and on overflow, is 0.
    RemS,
    RemU,
    /// Bitwise on integers, logical on booleans.
    And,
    Or,
    Xor,
    Shl,
    ShrS,
    ShrU,
    MinS,
    MinU,
    MaxS,
    MaxU,
    IEq,
    INe,
    LtS,
    LtU,
    LeS,
    LeU,
}

/// How a value comes about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Op {
    /// These bits; 0 and 1 for booleans.
    Const(u32),
    Input(Input),
    Un(Un, Value),
    Bin(Bin, Value, Value),
    /// `condition ? a : b`
    Select(Value, Value, Value),
    Get(Var),
    /// Result of a [`Stmt::Load`] or a [`Stmt::Atomic`].
    Loaded,
}

/// Which memory a place lies in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Space {
    /// A buffer nobody writes during the dispatch.
    Constant,
    /// A buffer some invocation may write.
    Storage,
    /// Memory of a workgroup.
    Workgroup,
    /// Memory of an invocation: each word is a vector, a lane to each invocation.
    Private,
}

/// One dynamic index of a [`Place`]; it is clamped to `0..len`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub(super) index: Value,
    /// Bytes from one element to the next.
    pub(super) stride: u32,
    pub(super) len: u32,
    /// The index is known to lie within.
    pub(super) proven: bool,
}

/// Where a word lies in memory.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) space: Space,
    /// Bytes: from the start of the linear memory for buffers, from the start of the space in a thread's scratch memory else.
    pub(super) base: u32,
    pub(super) terms: Vec<Term>,
}

/// Read-modify-write operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rmw {
    Load,
    Store,
    Add,
    Sub,
    And,
    Or,
    Xor,
    MinS,
    MinU,
    MaxS,
    MaxU,
    Exchange,
    /// Compare with this, exchange when equal.
    CompareExchange(Value),
}

/// Something to watch for in checked mode.
#[derive(Clone, Debug)]
pub(super) enum Watch {
    /// This float must be normal or zero.
    Float(Value),
    /// This float must lie within the integer type it is converted to.
    Convert(Value, bool),
    /// The place's indices must lie within; words read or written from there on are noted for races.
    Access(Place, u32, Touch),
}

/// How memory is touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Touch {
    Read,
    Write,
    Atomic,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Stmt {
    Let(Value),
    Set(Var, Value),
    /// `count` consecutive words, to `count` consecutive values. `agreed`: all invocations of the workgroup read the same words
    /// at the same time (`workgroupUniformLoad`).
    Load {
        first: Value,
        count: u32,
        at: Place,
        agreed: bool,
    },
    Store {
        at: Place,
        values: Vec<Value>,
    },
    Atomic {
        result: Option<Value>,
        rmw: Rmw,
        at: Place,
        value: Value,
    },
    /// Zero for `words` words.
    Zero {
        at: Place,
        words: u32,
    },
    If {
        cond: Value,
        yes: Vec<Stmt>,
        no: Vec<Stmt>,
    },
    /// `body`, then `next`, again and again unless `until` holds. `Continue` goes to `next`.
    Loop {
        label: Label,
        body: Vec<Stmt>,
        next: Vec<Stmt>,
        until: Option<Value>,
    },
    /// `body`, once. `Break` goes to its end.
    Scope {
        label: Label,
        body: Vec<Stmt>,
    },
    Break(Label),
    Continue(Label),
    Barrier,
    /// Checked mode: site and what to watch.
    Watch(u32, Watch),
}

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct ValueInfo {
    pub(super) op: Op,
    pub(super) ty: Ty,
    /// As an unsigned integer it is at most this.
    pub(super) max: u32,
}

/// A whole kernel.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) values: Vec<ValueInfo>,
    pub(super) vars: Vec<Ty>,
    pub(super) labels: u32,
    pub(super) body: Vec<Stmt>,
    pub(super) workgroup_size: [u32; 3],
    /// Bytes of workgroup memory.
    pub(super) workgroup_bytes: u32,
    /// Bytes of memory of four invocations.
    pub(super) private_bytes: u32,
    /// Checked mode: byte range in the source of each site.
    pub(super) sites: Vec<std::ops::Range<usize>>,
}

/// Builds a kernel, statement by statement. Pure values that are the same in one block are made once.
pub(super) struct Builder {
    pub(super) kernel: Kernel,
    blocks: Vec<Vec<Stmt>>,
    known: Vec<BTreeMap<Op, Value>>,
}

impl Builder {
    pub(super) fn new(workgroup_size: [u32; 3]) -> Self {
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
        }
    }

    pub(super) fn finish(mut self) -> Kernel {
        self.kernel.body = self.blocks.pop().expect("the outermost block stays until the end");
        self.kernel
    }

    pub(super) fn open(&mut self) {
        self.blocks.push(Vec::new());
        self.known.push(BTreeMap::new());
    }

    pub(super) fn close(&mut self) -> Vec<Stmt> {
        self.known.pop();
        self.blocks.pop().expect("every close has its open")
    }

    pub(super) fn push(&mut self, stmt: Stmt) {
        self.blocks.last_mut().expect("a block is open").push(stmt);
    }

    pub(super) fn label(&mut self) -> Label {
        self.kernel.labels += 1;
        Label(self.kernel.labels - 1)
    }

    pub(super) fn var(&mut self, ty: Ty) -> Var {
        self.kernel.vars.push(ty);
        Var(self.kernel.vars.len() as u32 - 1)
    }

    pub(super) fn ty(&self, value: Value) -> Ty {
        self.kernel.values[value.0 as usize].ty
    }

    pub(super) fn max(&self, value: Value) -> u32 {
        self.kernel.values[value.0 as usize].max
    }

    pub(super) fn constant_of(&self, value: Value) -> Option<u32> {
        match self.kernel.values[value.0 as usize].op {
            Op::Const(bits) => Some(bits),
            _ => None,
        }
    }

    /// A value that a statement other than `Let` defines.
    pub(super) fn loaded(&mut self, ty: Ty) -> Value {
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

    pub(super) fn constant(&mut self, ty: Ty, bits: u32) -> Value {
        // Constants of one pattern but another type are told apart by looking at the type after the search.
        let found = self.known.iter().rev().find_map(|block| block.get(&Op::Const(bits))).copied();
        match found {
            Some(value) if self.ty(value) == ty => value,
            Some(_) => {
                let value = self.fresh(ValueInfo {
                    op: Op::Const(bits),
                    ty,
                    max: bits,
                });
                self.push(Stmt::Let(value));
                value
            }
            None => self.define(Op::Const(bits), ty, bits),
        }
    }

    pub(super) fn int(&mut self, bits: u32) -> Value {
        self.constant(Ty::I32, bits)
    }

    pub(super) fn float(&mut self, value: f32) -> Value {
        self.constant(Ty::F32, value.to_bits())
    }

    pub(super) fn bool(&mut self, value: bool) -> Value {
        self.constant(Ty::Bool, u32::from(value))
    }

    pub(super) fn input(&mut self, input: Input) -> Value {
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

    pub(super) fn get(&mut self, var: Var) -> Value {
        let ty = self.kernel.vars[var.0 as usize];
        self.define(Op::Get(var), ty, u32::MAX)
    }

    pub(super) fn set(&mut self, var: Var, value: Value) {
        self.push(Stmt::Set(var, value));
    }

    pub(super) fn select(&mut self, cond: Value, yes: Value, no: Value) -> Value {
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

    pub(super) fn un(&mut self, un: Un, a: Value) -> Value {
        let ty = match un {
            Un::FNeg | Un::FAbs | Un::FSqrt | Un::FCeil | Un::FFloor | Un::FTrunc | Un::FNearest => Ty::F32,
            Un::BitsFloat | Un::SToFloat | Un::UToFloat => Ty::F32,
            Un::Not => Ty::Bool,
            _ => Ty::I32,
        };
        let max = match un {
            Un::Clz | Un::Ctz | Un::Popcnt => 32,
            Un::BoolToInt => 1,
            _ => u32::MAX,
        };
        if let (Some(bits), Some(fold)) = (self.constant_of(a), fold_un(un)) {
            return self.constant(ty, fold(bits));
        }
        self.define(Op::Un(un, a), ty, max)
    }

    pub(super) fn bin(&mut self, bin: Bin, a: Value, b: Value) -> Value {
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
        let (max_a, max_b) = (self.max(a), self.max(b));
        let max = match bin {
            Bin::IAdd => max_a.checked_add(max_b),
            Bin::IMul => max_a.checked_mul(max_b),
            Bin::And | Bin::MinU => Some(max_a.min(max_b)),
            Bin::MaxU => Some(max_a.max(max_b)),
            Bin::DivU => Some(max_a),
            Bin::RemU => self.constant_of(b).filter(|b| *b > 0).map(|b| (b - 1).min(max_a)),
            Bin::ShrU => self.constant_of(b).map(|b| max_a >> (b & 31)),
            Bin::Shl => self.constant_of(b).and_then(|b| max_a.checked_mul(1 << (b & 31))),
            _ => None,
        };
        self.define(Op::Bin(bin, a, b), ty, max.unwrap_or(u32::MAX))
    }
}

/// What an operation does to constant bits, where folding is exact and free of doubt.
fn fold_un(un: Un) -> Option<fn(u32) -> u32> {
    Some(match un {
        Un::FNeg => |bits| bits ^ 0x8000_0000,
        Un::FAbs => |bits| bits & 0x7fff_ffff,
        Un::INeg => u32::wrapping_neg,
        Un::INot => |bits| !bits,
        Un::Not => |bits| bits ^ 1,
        Un::BitsFloat | Un::BoolToInt => |bits| bits,
        Un::SToFloat => |bits| (bits as i32 as f32).to_bits(),
        Un::UToFloat => |bits| (bits as f32).to_bits(),
        _ => return None,
    })
}
