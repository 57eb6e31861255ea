//! Whether a kernel is what the IR promises: each value defined once, before its uses and around them, types that fit, exits within what
//! they leave, and places within their memory.
//!
//! A violation is a mistake of the compiler, and is told as one instead of becoming wrong code.

use super::{Bin, Kernel, Label, Op, Place, Rmw, Space, Stmt, Ty, Un, Value, Var, Watch};
use crate::fault::{Fault, fault};

/// Check a kernel. The cost is linear in its size.
pub(crate) fn verify(kernel: &Kernel) -> Result<(), Fault> {
    let mut check = Check {
        kernel,
        defined: vec![false; kernel.values.len()],
        seen: vec![false; kernel.values.len()],
        scope: Vec::new(),
        targets: Vec::new(),
        labels: vec![false; kernel.labels as usize],
    };
    let checked = check.block(&kernel.body);
    checked.or_else(|text| fault(format!("the compiler made a mistake: {text}")))
}

struct Check<'k> {
    kernel: &'k Kernel,
    /// Values that can be used here.
    defined: Vec<bool>,
    /// Values that were defined anywhere.
    seen: Vec<bool>,
    /// Values in the order in which they were defined, to be undefined where their block ends.
    scope: Vec<Value>,
    /// Loops and scopes that can be left here, and whether they are loops whose body this is.
    targets: Vec<(Label, bool)>,
    labels: Vec<bool>,
}

type Checked = Result<(), String>;

impl Check<'_> {
    fn block(&mut self, stmts: &[Stmt]) -> Checked {
        let start = self.scope.len();
        self.open(stmts)?;
        self.close(start);
        Ok(())
    }

    /// A block that the caller closes.
    fn open(&mut self, stmts: &[Stmt]) -> Checked {
        stmts.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn close(&mut self, start: usize) {
        for value in self.scope.drain(start..) {
            self.defined[value.0 as usize] = false;
        }
    }

    fn stmt(&mut self, stmt: &Stmt) -> Checked {
        let mut undefined = None;
        stmt.uses(|value| {
            if !self.defined.get(value.0 as usize).is_some_and(|is| *is) {
                undefined = Some(value);
            }
        });
        if let Some(value) = undefined {
            return Err(format!("{value} is used where it is not defined"));
        }
        match stmt {
            Stmt::Let(value) => {
                self.operation(*value)?;
                self.define(*value)
            }
            Stmt::Set(var, value) => self.has(*value, self.var(*var)?),
            Stmt::Load { first, count, at, .. } => {
                self.place(at, *count)?;
                (first.0..first.0 + count).try_for_each(|value| self.load(Value(value)))
            }
            Stmt::Store { at, values } => {
                let is_bool = |value: &&Value| self.ty(**value) == Ok(Ty::Bool);
                if let Some(value) = values.iter().find(is_bool) {
                    return Err(format!("{value} is stored as a bool"));
                }
                self.place(at, values.len() as u32)
            }
            Stmt::Atomic { result, rmw, at, value } => {
                self.place(at, 1)?;
                self.has(*value, Ty::I32)?;
                if let Rmw::CompareExchange(compare) = rmw {
                    self.has(*compare, Ty::I32)?;
                }
                if let (Space::Sum(_), false) = (at.space, matches!(rmw, Rmw::Add | Rmw::Sub) && result.is_none()) {
                    return Err(format!("{rmw:?} where additions alone are expected"));
                }
                result.map_or(Ok(()), |result| self.load(result))
            }
            Stmt::Zero { at, words } => self.place(at, *words),
            Stmt::If { cond, yes, no } => {
                self.has(*cond, Ty::Bool)?;
                self.block(yes)?;
                self.block(no)
            }
            Stmt::Loop {
                label,
                body,
                next,
                until,
            } => self.repeat(*label, body, next, *until),
            Stmt::Scope { label, body } => {
                self.label(*label)?;
                self.targets.push((*label, false));
                self.block(body)?;
                self.targets.pop();
                Ok(())
            }
            Stmt::Break(label) => match self.targets.iter().any(|(target, _)| target == label) {
                true => Ok(()),
                false => Err(format!("break leaves {label}, which is not around it")),
            },
            Stmt::Continue(label) => match self.targets.contains(&(*label, true)) {
                true => Ok(()),
                false => Err(format!("continue of {label}, whose body is not around it")),
            },
            Stmt::Barrier(_) | Stmt::Finish(_) => Ok(()),
            Stmt::Watch(site, watch) => {
                if *site as usize >= self.kernel.sites.len() {
                    return Err(format!("there is no site {site}"));
                }
                match watch {
                    Watch::Float { value, .. } | Watch::Convert(value, _) => self.has(*value, Ty::F32),
                    Watch::Access(at, words, _) => self.place(at, *words),
                }
            }
        }
    }

    /// The continuing part sees what the body defined; so does the condition, which sees what both defined.
    fn repeat(&mut self, label: Label, body: &[Stmt], next: &[Stmt], until: Option<Value>) -> Checked {
        self.label(label)?;
        let start = self.scope.len();
        self.targets.push((label, true));
        self.open(body)?;
        self.targets.pop();
        self.targets.push((label, false));
        self.open(next)?;
        self.targets.pop();
        if let Some(until) = until {
            self.use_of(until)?;
            self.has(until, Ty::Bool)?;
        }
        self.close(start);
        Ok(())
    }

    fn label(&mut self, label: Label) -> Checked {
        match self
            .labels
            .get_mut(label.0 as usize)
            .map(|seen| std::mem::replace(seen, true))
        {
            Some(false) => Ok(()),
            Some(true) => Err(format!("{label} names two statements")),
            None => Err(format!("there is no {label}")),
        }
    }

    fn define(&mut self, value: Value) -> Checked {
        match self.seen.get_mut(value.0 as usize).map(|seen| std::mem::replace(seen, true)) {
            Some(false) => {}
            Some(true) => return Err(format!("{value} is defined twice")),
            None => return Err(format!("there is no {value}")),
        }
        self.defined[value.0 as usize] = true;
        self.scope.push(value);
        Ok(())
    }

    fn load(&mut self, value: Value) -> Checked {
        match self.kernel.values.get(value.0 as usize).map(|info| (info.op, info.ty)) {
            Some((Op::Loaded, Ty::F32 | Ty::I32)) => self.define(value),
            other => Err(format!("{value} is loaded, and is {other:?}")),
        }
    }

    fn use_of(&self, value: Value) -> Checked {
        match self.defined.get(value.0 as usize) {
            Some(true) => Ok(()),
            _ => Err(format!("{value} is used where it is not defined")),
        }
    }

    fn ty(&self, value: Value) -> Result<Ty, String> {
        let info = self.kernel.values.get(value.0 as usize);
        info.map(|info| info.ty).ok_or_else(|| format!("there is no {value}"))
    }

    fn var(&self, var: Var) -> Result<Ty, String> {
        let ty = self.kernel.vars.get(var.0 as usize);
        ty.copied().ok_or_else(|| format!("there is no {var}"))
    }

    fn has(&self, value: Value, ty: Ty) -> Checked {
        match self.ty(value)? {
            is if is == ty => Ok(()),
            is => Err(format!("{value} is {is} where {ty} is expected")),
        }
    }

    fn place(&self, place: &Place, words: u32) -> Checked {
        for term in &place.terms {
            self.has(term.index, Ty::I32)?;
            if term.len == 0 {
                return Err(format!("an index of no elements in {place}"));
            }
            let max = self.kernel.values[term.index.0 as usize].max;
            if term.proven && max >= term.len {
                return Err(format!(
                    "{} may be {max}, and is taken to lie within {}",
                    term.index, term.len
                ));
            }
        }
        let (word, limit) = match place.space {
            Space::Constant | Space::Storage => return Ok(()),
            Space::Sum(sum) => (4, self.kernel.sums.get(usize::from(sum)).map_or(0, |sum| sum.size)),
            Space::Workgroup => (4, self.kernel.workgroup_bytes),
            Space::Private => (16, self.kernel.private_bytes),
        };
        let reach = place
            .terms
            .iter()
            .map(|term| u64::from(term.len - 1) * u64::from(term.stride));
        let end = u64::from(place.base) + reach.sum::<u64>() + u64::from(words) * word;
        if end > u64::from(limit) {
            return Err(format!("{place} with {words} words ends at {end}, its memory at {limit}"));
        }
        Ok(())
    }

    /// Operands are defined and have the types that the operation takes, and it gives the value's type.
    fn operation(&self, value: Value) -> Checked {
        let info = self
            .kernel
            .values
            .get(value.0 as usize)
            .ok_or_else(|| format!("there is no {value}"))?;
        let gives = match info.op {
            Op::Const(bits) if info.ty == Ty::Bool && bits > 1 => return Err(format!("{value} is a bool of bits {bits}")),
            Op::Const(_) => return Ok(()),
            Op::Loaded => return Err(format!("{value} is computed, and is to be loaded")),
            Op::Input(_) => Ty::I32,
            Op::Get(var) => self.var(var)?,
            Op::Un(un, a) => {
                self.use_of(a)?;
                let (takes, gives) = un_types(un);
                self.has(a, takes)?;
                gives
            }
            Op::Bin(bin, a, b) => {
                self.use_of(a)?;
                self.use_of(b)?;
                let (takes, gives) = bin_types(bin, self.ty(a)?);
                self.has(a, takes)?;
                self.has(b, takes)?;
                gives
            }
            Op::Select(cond, yes, no) => {
                [cond, yes, no].into_iter().try_for_each(|value| self.use_of(value))?;
                self.has(cond, Ty::Bool)?;
                self.has(no, self.ty(yes)?)?;
                self.ty(yes)?
            }
        };
        self.has(value, gives)
    }
}

/// What an operation of one operand takes and gives.
fn un_types(un: Un) -> (Ty, Ty) {
    match un {
        Un::FNeg | Un::FAbs | Un::FSqrt | Un::FCeil | Un::FFloor | Un::FTrunc | Un::FNearest => (Ty::F32, Ty::F32),
        Un::FloatBits | Un::RawBits | Un::FloatToS | Un::FloatToU => (Ty::F32, Ty::I32),
        Un::BitsFloat | Un::SToFloat | Un::UToFloat => (Ty::I32, Ty::F32),
        Un::INeg | Un::IAbs | Un::INot | Un::Clz | Un::Ctz | Un::Popcnt => (Ty::I32, Ty::I32),
        Un::BoolToInt => (Ty::Bool, Ty::I32),
        Un::Not => (Ty::Bool, Ty::Bool),
    }
}

/// What an operation of two operands takes and gives, where the first is of this type.
fn bin_types(bin: Bin, first: Ty) -> (Ty, Ty) {
    match bin {
        Bin::FAdd | Bin::FSub | Bin::FMul | Bin::FDiv | Bin::FMin | Bin::FMax => (Ty::F32, Ty::F32),
        Bin::FEq | Bin::FNe | Bin::FLt | Bin::FLe => (Ty::F32, Ty::Bool),
        Bin::IEq | Bin::INe if first == Ty::Bool => (Ty::Bool, Ty::Bool),
        Bin::IEq | Bin::INe | Bin::LtS | Bin::LtU | Bin::LeS | Bin::LeU => (Ty::I32, Ty::Bool),
        Bin::And | Bin::Or | Bin::Xor if first == Ty::Bool => (Ty::Bool, Ty::Bool),
        _ => (Ty::I32, Ty::I32),
    }
}
