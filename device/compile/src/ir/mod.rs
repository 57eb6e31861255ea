//! The compiler's own language, between naga's and WebAssembly's.
//!
//! A kernel is one tree of statements over scalars: calls are inlined, vectors, matrices and structs are taken apart, and
//! pointers are resolved to variables or to places in memory. It is written for *one* invocation; that four run at a time is
//! the emitter's business.
//!
//! | module | owns |
//! |---|---|
//! | `abreast` | what takes long is computed side by side |
//! | `ahead` | sums beyond the caches are fetched a round ahead |
//! | `build` | a kernel under construction |
//! | `bound`, `fold` | what is known of results |
//! | `live` | leaves out what is not used |
//! | `order` | puts values where they are needed |
//! | `sums` | buffers that are only added to |
//! | `verify` | whether a kernel keeps the IR's promises |
//! | `print` | a kernel as text |
//!
//! Invariant: a [`Value`] is defined by one statement, and used only after it, in its block or deeper.

mod abreast;
mod ahead;
mod bound;
mod build;
mod fold;
mod live;
mod order;
mod print;
mod sums;
mod verify;

pub(crate) use self::abreast::{ABREAST, abreast};
pub(crate) use self::ahead::fetch_ahead;
pub(crate) use self::bound::{I32_MAX_AS_F32, is_below_i32_max};
pub(crate) use self::build::Builder;
pub(crate) use self::order::order;
pub(crate) use self::sums::{ROW_WORDS, loads, row, separate};
pub(crate) use self::verify::verify;

use naga::Span;

/// A scalar that is computed once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Value(pub(crate) u32);

/// A scalar variable of an invocation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Var(pub(crate) u32);

/// A loop or a scope that can be left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Label(pub(crate) u32);

/// Type of a scalar. Signed and unsigned integers are one type; operations tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ty {
    F32,
    I32,
    Bool,
}

/// What an invocation is told about its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Input {
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
pub(crate) enum Un {
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
pub(crate) enum Bin {
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
pub(crate) enum Op {
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

impl Op {
    /// The values that it is computed from, in the order in which a WebAssembly compiler looks at them: a condition first.
    pub(crate) fn operands(self) -> impl DoubleEndedIterator<Item = Value> {
        let operands = match self {
            Self::Un(_, a) => [Some(a), None, None],
            Self::Bin(_, a, b) => [Some(a), Some(b), None],
            Self::Select(condition, a, b) => [Some(condition), Some(a), Some(b)],
            Self::Const(_) | Self::Input(_) | Self::Get(_) | Self::Loaded => [None; 3],
        };
        operands.into_iter().flatten()
    }
}

/// Which memory a place lies in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Space {
    /// A buffer nobody writes during the dispatch.
    Constant,
    /// A buffer some invocation may write.
    Storage,
    /// A buffer that the kernel only adds to, by its number among [`Kernel::sums`]; bases are from its start.
    Sum(u8),
    /// Memory of a workgroup.
    Workgroup,
    /// Memory of an invocation: each word is a vector, a lane to each invocation.
    Private,
}

/// One dynamic index of a [`Place`]. Where it is not within `0..len`, a load clamps it, and so does a store to private memory; a store or an atomic
/// operation other than a load does nothing in shared memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) index: Value,
    /// Bytes from one element to the next.
    pub(crate) stride: u32,
    pub(crate) len: u32,
    /// The index is known to lie within.
    pub(crate) proven: bool,
}

/// Where a word lies in memory.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) space: Space,
    /// Bytes: from the start of the linear memory for buffers, from the start of the space in a thread's scratch memory else.
    pub(crate) base: u32,
    pub(crate) terms: Vec<Term>,
}

impl Place {
    /// The values of its indices.
    pub(crate) fn indices(&self) -> impl Iterator<Item = Value> {
        self.terms.iter().map(|term| term.index)
    }
}

/// Read-modify-write operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rmw {
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
pub(crate) enum Watch {
    /// This float must be finite, and not subnormal where that matters.
    Float { value: Value, underflow: bool },
    /// This float must lie within the integer type it is converted to.
    Convert(Value, bool),
    /// The place's indices must lie within; words read or written from there on are noted for races.
    Access(Place, u32, Touch),
}

/// How memory is touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Touch {
    Read,
    Write,
    Atomic,
}

/// The memory in which what came before a barrier is seen behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Orders {
    pub(crate) storage: bool,
    pub(crate) workgroup: bool,
}

impl Orders {
    /// What `workgroupBarrier` orders.
    pub(crate) const WORKGROUP: Self = Self {
        storage: false,
        workgroup: true,
    };
}

/// A statement.
#[derive(Clone, Debug)]
pub(crate) enum Stmt {
    Let(Value),
    /// These are computed before all that follows, if lanes differ in them.
    Finish(Vec<Value>),
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
    /// Nobody in the workgroup goes on before all are here.
    Barrier(Orders),
    /// Checked mode: site and what to watch.
    Watch(u32, Watch),
}

impl Stmt {
    /// Visits the values that the statement itself uses: not those of blocks in it, not what a `Let` computes from, not what ends a loop.
    pub(crate) fn uses(&self, mut visit: impl FnMut(Value)) {
        match self {
            Self::Let(_) | Self::Loop { .. } | Self::Scope { .. } | Self::Break(_) | Self::Continue(_) | Self::Barrier(_) => {}
            Self::Set(_, value) => visit(*value),
            Self::Finish(values) => values.iter().copied().for_each(visit),
            Self::Load { at, .. } | Self::Zero { at, .. } => at.indices().for_each(visit),
            Self::Store { at, values } => at.indices().chain(values.iter().copied()).for_each(visit),
            Self::Atomic { rmw, at, value, .. } => {
                at.indices().for_each(&mut visit);
                visit(*value);
                if let Rmw::CompareExchange(compare) = rmw {
                    visit(*compare);
                }
            }
            Self::If { cond, .. } => visit(*cond),
            Self::Watch(_, watch) => match watch {
                Watch::Float { value, .. } | Watch::Convert(value, _) => visit(*value),
                Watch::Access(at, ..) => at.indices().for_each(visit),
            },
        }
    }

    /// The blocks in it, in order of the text.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[Stmt]> {
        let (first, second): (Option<&[Stmt]>, Option<&[Stmt]>) = match self {
            Self::If { yes, no, .. } => (Some(yes), Some(no)),
            Self::Loop { body, next, .. } => (Some(body), Some(next)),
            Self::Scope { body, .. } => (Some(body), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The same, to be changed.
    fn blocks_mut(&mut self) -> impl Iterator<Item = &mut Vec<Stmt>> {
        let (first, second) = match self {
            Self::If { yes, no, .. } => (Some(yes), Some(no)),
            Self::Loop { body, next, .. } => (Some(body), Some(next)),
            Self::Scope { body, .. } => (Some(body), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueInfo {
    pub(crate) op: Op,
    pub(crate) ty: Ty,
    /// As an unsigned integer it is at most this. A float's size is at most that of the float with these bits, and it is no
    /// NaN; `u32::MAX` when nothing is known.
    pub(crate) max: u32,
}

/// A buffer that a kernel only adds to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    /// Byte address in the linear memory.
    pub(crate) address: u32,
    /// Bytes.
    pub(crate) size: u32,
    /// Additions of one invocation, roughly.
    pub(crate) weight: u64,
}

/// A whole kernel.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) values: Vec<ValueInfo>,
    /// Of each value, what in the source it comes from.
    pub(crate) spans: Vec<Span>,
    pub(crate) vars: Vec<Ty>,
    pub(crate) labels: u32,
    pub(crate) body: Vec<Stmt>,
    pub(crate) workgroup_size: [u32; 3],
    /// Bytes of workgroup memory.
    pub(crate) workgroup_bytes: u32,
    /// Bytes of memory of four invocations.
    pub(crate) private_bytes: u32,
    /// Buffers that it only adds to.
    pub(crate) sums: Vec<Sum>,
    /// Checked mode: byte range in the source of each site.
    pub(crate) sites: Vec<std::ops::Range<usize>>,
}
