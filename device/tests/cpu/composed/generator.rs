//! Expressions of a wanted type, and kernels of them.
//!
//! Invariant: no expression is made of constants alone, which naga would evaluate itself.

use std::fmt::Write;

use super::operations::{Kind, OPERATIONS, Operation, Part};
use crate::support::Random;

/// Invocations of the one workgroup.
pub(super) const LANES: u32 = 64;
/// Input words of a lane: four of each kind but `bool`.
pub(super) const INPUTS: u32 = 12;
/// Expressions of a kernel.
pub(super) const STATEMENTS: usize = 6;
/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// A scalar of length 1, or a vector.
    Vector(Kind, u32),
    /// Columns and rows, of f32.
    Matrix(u32, u32),
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::F32 => "f32",
        }
    }
}

impl Type {
    fn name(self) -> String {
        match self {
            Self::Vector(kind, 1) => kind.name().to_owned(),
            Self::Vector(kind, length) => format!("vec{length}<{}>", kind.name()),
            Self::Matrix(columns, rows) => format!("mat{columns}x{rows}<f32>"),
        }
    }
}

/// What an operation's parts are in one use of it.
#[derive(Clone, Copy)]
struct Use {
    kind: Kind,
    length: u32,
    columns: u32,
    rows: u32,
}

impl Use {
    fn of(self, part: Part) -> Type {
        match part {
            Part::Same => Type::Vector(self.kind, self.length),
            Part::One => Type::Vector(self.kind, 1),
            Part::Of(kind) => Type::Vector(kind, self.length),
            Part::OneOf(kind) => Type::Vector(kind, 1),
            Part::Fixed(kind, length) => Type::Vector(kind, length),
            Part::Matrix => Type::Matrix(self.columns, self.rows),
            Part::Turned => Type::Matrix(self.rows, self.columns),
            Part::Square => Type::Matrix(self.columns, self.columns),
            Part::Tall => Type::Matrix(self.rows, self.rows),
            Part::Column => Type::Vector(Kind::F32, self.rows),
            Part::Row => Type::Vector(Kind::F32, self.columns),
        }
    }
}

struct Generator {
    random: Random,
    bytes: bool,
    /// Named expressions so far.
    named: Vec<Type>,
}

impl Generator {
    /// Any use of an operation.
    fn any(&mut self, operation: &Operation) -> Use {
        let (least, most) = operation.lengths;
        Use {
            kind: operation.kinds[self.random.below(operation.kinds.len() as u32) as usize],
            length: least + self.random.below(most - least + 1),
            columns: 2 + self.random.below(3),
            rows: 2 + self.random.below(3),
        }
    }

    fn apply(&mut self, operation: &Operation, now: Use, depth: u32) -> String {
        let mut text = operation.text.to_owned();
        for (letter, kind) in [
            ("{i}", Kind::I32),
            ("{u}", Kind::U32),
            ("{f}", Kind::F32),
            ("{b}", Kind::Bool),
        ] {
            text = text.replace(letter, &now.of(Part::Of(kind)).name());
        }
        let arguments: Vec<String> = (operation.takes.iter())
            .map(|part| self.expression(now.of(*part), depth))
            .collect();
        for (at, argument) in arguments.iter().enumerate() {
            text = text.replace(&format!("{{{at}}}"), argument);
        }
        text
    }

    /// An expression of a type.
    fn expression(&mut self, wanted: Type, depth: u32) -> String {
        if depth == 0 {
            return self.atom(wanted);
        }
        // Some operation that gives it, found by trying.
        for _ in 0..60 {
            let operation = &OPERATIONS[self.random.below(OPERATIONS.len() as u32) as usize];
            let now = self.any(operation);
            if now.of(operation.gives) == wanted && (self.bytes || !operation.bytes) {
                return self.apply(operation, now, depth - 1);
            }
        }
        self.atom(wanted)
    }

    /// An input, something named, or made of such.
    fn atom(&mut self, wanted: Type) -> String {
        let known: Vec<usize> = (0..self.named.len()).filter(|at| self.named[*at] == wanted).collect();
        if !known.is_empty() && self.random.below(2) == 0 {
            return format!("e{}", known[self.random.below(known.len() as u32) as usize]);
        }
        let number = self.random.below(4);
        match wanted {
            Type::Vector(Kind::Bool, 1) => format!("(u{number} % 2u == 0u)"),
            Type::Vector(kind, 1) => format!("{}{number}", &kind.name()[..1]),
            Type::Vector(kind, length) => {
                let parts: Vec<String> = (0..length).map(|_| self.atom(Type::Vector(kind, 1))).collect();
                format!("{}({})", wanted.name(), parts.join(", "))
            }
            Type::Matrix(columns, rows) => {
                let parts: Vec<String> = (0..columns).map(|_| self.atom(Type::Vector(Kind::F32, rows))).collect();
                format!("{}({})", wanted.name(), parts.join(", "))
            }
        }
    }
}

/// A kernel, and for each of the words that a lane stores whether it is a float.
pub(super) struct Kernel {
    pub(super) source: String,
    pub(super) floats: Vec<bool>,
}

/// The kernel of a seed. `bytes`: operations whose SPIR-V has 8-bit integers are among them.
pub(super) fn kernel(seed: u64, bytes: bool) -> Kernel {
    let mut this = Generator {
        random: Random(seed),
        bytes,
        named: Vec::new(),
    };
    let (mut body, mut stores, mut floats) = (String::new(), String::new(), Vec::new());
    for statement in 0..STATEMENTS {
        // Each operation has its turn at the root.
        let turn = seed.wrapping_mul(STATEMENTS as u64).wrapping_add(statement as u64) % OPERATIONS.len() as u64;
        let mut operation = &OPERATIONS[turn as usize];
        if operation.bytes && !bytes {
            operation = &OPERATIONS[0];
        }
        let now = this.any(operation);
        // Mostly of inputs and of what is named; drivers take seconds for more.
        let depth = u32::from(this.random.below(3) == 0);
        let text = this.apply(operation, now, depth);
        let _ = writeln!(body, "    let e{statement} = {text};");
        let ty = now.of(operation.gives);
        this.named.push(ty);
        for part in parts(ty) {
            let value = format!("e{statement}{part}");
            let is_float = matches!(ty, Type::Vector(Kind::F32, _) | Type::Matrix(..));
            let word = if is_float {
                format!("bitcast<u32>({value})")
            } else {
                format!("u32({value})")
            };
            let _ = writeln!(stores, "    out[WORDS * l + {}u] = {word};", floats.len());
            floats.push(is_float);
        }
    }
    let mut loads = String::new();
    for number in 0..4 {
        let at = |kind: u32| format!("x[{INPUTS}u * l + {}u]", 3 * number + kind);
        let _ = writeln!(loads, "    let u{number} = {};", at(0));
        let _ = writeln!(loads, "    let i{number} = bitcast<i32>({});", at(1));
        let _ = writeln!(loads, "    let f{number} = bitcast<f32>({});", at(2));
    }
    let source = format!(
        "@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
const WORDS = {}u;
fn ordinary(x: f32) -> f32 {{ return select(0.0, x, abs(x) < 1e30); }}
@compute @workgroup_size({LANES})
fn main(@builtin(local_invocation_index) l: u32) {{
{loads}{body}{stores}}}
",
        floats.len()
    );
    Kernel { source, floats }
}

/// Selectors of a type's scalars.
fn parts(ty: Type) -> Vec<String> {
    match ty {
        Type::Vector(_, 1) => vec![String::new()],
        Type::Vector(_, length) => (0..length).map(|at| format!("[{at}]")).collect(),
        Type::Matrix(columns, rows) => (0..columns)
            .flat_map(|column| (0..rows).map(move |row| format!("[{column}][{row}]")))
            .collect(),
    }
}
