//! The IR as text: a statement a line, blocks indented. `v` are values, `x` variables, `L` labels; `<= n` is a value's bound.

use std::fmt::{self, Display, Formatter};

use super::{Kernel, Label, Op, Place, Rmw, Space, Stmt, Ty, Value, Var, Watch};

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl Display for Var {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "x{}", self.0)
    }
}

impl Display for Label {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "L{}", self.0)
    }
}

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::I32 => "i32",
            Self::Bool => "bool",
        })
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.space {
            Space::Constant => write!(f, "constant")?,
            Space::Storage => write!(f, "storage")?,
            Space::Sum(sum) => write!(f, "sum{sum}")?,
            Space::Workgroup => write!(f, "workgroup")?,
            Space::Private => write!(f, "private")?,
        }
        write!(f, "[{}", self.base)?;
        for term in &self.terms {
            let clamp = if term.proven { "" } else { " clamped" };
            write!(f, " + {}*{} (of {}{clamp})", term.index, term.stride, term.len)?;
        }
        write!(f, "]")
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.workgroup_size;
        writeln!(f, "kernel of {x} x {y} x {z} invocations")?;
        writeln!(f, "{} bytes of workgroup memory", self.workgroup_bytes)?;
        writeln!(f, "{} bytes of private memory for four invocations", self.private_bytes)?;
        for (number, sum) in self.sums.iter().enumerate() {
            writeln!(f, "sum{number}: {} bytes at {}, weight {}", sum.size, sum.address, sum.weight)?;
        }
        for (number, ty) in self.vars.iter().enumerate() {
            writeln!(f, "x{number}: {ty}")?;
        }
        self.block(f, &self.body, 0)
    }
}

impl Kernel {
    fn block(&self, f: &mut Formatter<'_>, stmts: &[Stmt], depth: usize) -> fmt::Result {
        stmts.iter().try_for_each(|stmt| self.stmt(f, stmt, depth))
    }

    fn stmt(&self, f: &mut Formatter<'_>, stmt: &Stmt, depth: usize) -> fmt::Result {
        write!(f, "{:1$}", "", 2 * depth)?;
        let close = |f: &mut Formatter<'_>| write!(f, "{:1$}}}", "", 2 * depth);
        match stmt {
            Stmt::Let(value) => self.define(f, *value),
            Stmt::Set(var, value) => writeln!(f, "{var} = {value}"),
            Stmt::Load {
                first,
                count,
                at,
                agreed,
            } => {
                let values: Vec<String> = (first.0..first.0 + count)
                    .map(|value| format!("v{value}: {}", self.values[value as usize].ty))
                    .collect();
                let agreed = if *agreed { " agreed" } else { "" };
                writeln!(f, "{} = load{agreed} {at}", values.join(", "))
            }
            Stmt::Store { at, values } => writeln!(f, "store {at} = {}", list(values)),
            Stmt::Atomic { result, rmw, at, value } => {
                if let Some(result) = result {
                    write!(f, "{result}: i32 = ")?;
                }
                match rmw {
                    Rmw::CompareExchange(compare) => writeln!(f, "atomic exchange {at}, {value} where {compare}"),
                    rmw => writeln!(f, "atomic {rmw:?} {at}, {value}"),
                }
            }
            Stmt::Finish(values) => writeln!(f, "finish {}", list(values)),
            Stmt::Zero { at, words } => writeln!(f, "zero {words} words {at}"),
            Stmt::If { cond, yes, no } => {
                writeln!(f, "if {cond} {{")?;
                self.block(f, yes, depth + 1)?;
                close(f)?;
                if !no.is_empty() {
                    writeln!(f, " else {{")?;
                    self.block(f, no, depth + 1)?;
                    close(f)?;
                }
                writeln!(f)
            }
            Stmt::Loop {
                label,
                body,
                next,
                until,
            } => {
                writeln!(f, "loop {label} {{")?;
                self.block(f, body, depth + 1)?;
                close(f)?;
                if !next.is_empty() {
                    writeln!(f, " next {{")?;
                    self.block(f, next, depth + 1)?;
                    close(f)?;
                }
                match until {
                    Some(until) => writeln!(f, " until {until}"),
                    None => writeln!(f),
                }
            }
            Stmt::Scope { label, body } => {
                writeln!(f, "scope {label} {{")?;
                self.block(f, body, depth + 1)?;
                close(f)?;
                writeln!(f)
            }
            Stmt::Break(label) => writeln!(f, "break {label}"),
            Stmt::Continue(label) => writeln!(f, "continue {label}"),
            Stmt::Barrier(orders) => {
                let storage = if orders.storage { " storage" } else { "" };
                let workgroup = if orders.workgroup { " workgroup" } else { "" };
                writeln!(f, "barrier{storage}{workgroup}")
            }
            Stmt::Watch(site, watch) => match watch {
                Watch::Float { value, underflow } => {
                    let underflow = if *underflow { ", no subnormal" } else { "" };
                    writeln!(f, "watch {site}: {value} is finite{underflow}")
                }
                Watch::Convert(value, true) => writeln!(f, "watch {site}: {value} fits in i32"),
                Watch::Convert(value, false) => writeln!(f, "watch {site}: {value} fits in u32"),
                Watch::Access(at, words, touch) => writeln!(f, "watch {site}: {touch:?} of {words} words {at}"),
            },
        }
    }

    fn define(&self, f: &mut Formatter<'_>, value: Value) -> fmt::Result {
        let info = self.values[value.0 as usize];
        write!(f, "{value}: {} = ", info.ty)?;
        match info.op {
            Op::Const(bits) if info.ty == Ty::F32 => write!(f, "{:?} ({bits:#010x})", f32::from_bits(bits))?,
            Op::Const(bits) => write!(f, "{bits}")?,
            Op::Input(input) => write!(f, "{input:?}")?,
            Op::Un(un, a) => write!(f, "{un:?} {a}")?,
            Op::Bin(bin, a, b) => write!(f, "{bin:?} {a}, {b}")?,
            Op::Select(cond, yes, no) => write!(f, "select {cond} ? {yes} : {no}")?,
            Op::Get(var) => write!(f, "{var}")?,
            Op::Loaded => write!(f, "loaded")?,
        }
        match (info.op, info.max) {
            (Op::Const(_), _) | (_, u32::MAX) => writeln!(f),
            (_, max) if info.ty == Ty::F32 => writeln!(f, " <= {:?}", f32::from_bits(max)),
            (_, max) => writeln!(f, " <= {max}"),
        }
    }
}
