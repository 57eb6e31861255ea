//! What an access out of bounds does, the same on every device and in both tiers.
//!
//! In memory that invocations share (storage, uniform and workgroup variables) a load gives 0 and a store or an atomic does nothing: were it
//! clamped, invocations would meet on the last element and the last one there would win. An index into a variable of an invocation's
//! own, or into a value, is clamped: by the back end, or here for those that do not ([`crate::Target::unclamped`]).
//!
//! Pointers themselves stay as they are, and so do the back ends' own checks: what is put in here decides what a result is, not whether
//! memory is safe. Where an index is known to be small enough nothing is put in.

use naga::{
    AddressSpace, ArraySize, BinaryOperator, Block, BuiltIn, Expression, Handle, LocalVariable, MathFunction, ScalarKind, Span,
    Statement, Type, TypeInner,
};

use super::Refusal;
use super::rebuild::{Rebuild, space};

type H = Handle<Expression>;

impl Rebuild<'_> {
    /// Note under which condition an old access expression, on its way to be emitted, leads inside its variable.
    pub(super) fn step(&mut self, handle: H) -> Result<(), Refusal> {
        let (base, index, literal) = match &self.old.expressions[handle] {
            Expression::Access { base, index } => (*base, Some(*index), 0),
            Expression::AccessIndex { base, index } => (*base, None, *index),
            _ => return Ok(()),
        };
        let shared = matches!(
            space(self.inner(base)),
            Some(AddressSpace::Storage { .. } | AddressSpace::WorkGroup | AddressSpace::Uniform)
        );
        if !self.context.policy.bounds || !shared {
            return Ok(());
        }
        let length = match *self.inner(base) {
            TypeInner::Pointer { base, .. } => match &self.context.module.types[base].inner {
                TypeInner::Array { size, .. } => match size {
                    ArraySize::Constant(count) => Some(count.get()),
                    _ => None,
                },
                TypeInner::Vector { size, .. } => Some(*size as u32),
                TypeInner::Matrix { columns, .. } => Some(*columns as u32),
                // A structure, whose members are all there.
                _ => Some(u32::MAX),
            },
            TypeInner::ValuePointer { size: Some(size), .. } => Some(size as u32),
            _ => Some(u32::MAX),
        };
        let outer = self.inside[base.index()];
        let index = match index {
            Some(index) => self.at(index)?,
            None => self.word(literal),
        };
        let here = match length {
            Some(length) if self.largest(index, 0) < length => None,
            Some(length) => Some(self.word(length)),
            None => {
                let array = self.at(base)?;
                Some(self.emit(Expression::ArrayLength(array)))
            }
        };
        let here = here.map(|length| {
            let index = self.unsigned(index);
            self.binary(BinaryOperator::Less, index, length)
        });
        self.inside[handle.index()] = match (outer, here) {
            (Some(outer), Some(here)) => Some(self.binary(BinaryOperator::LogicalAnd, outer, here)),
            (outer, here) => outer.or(here),
        };
        Ok(())
    }

    /// The index of an old access expression, clamped where that is this pass's to do.
    pub(super) fn clamped(&mut self, base: H, index: H) -> Result<H, Refusal> {
        let there = self.at(index)?;
        let inner = self.inner(base);
        let own = matches!(space(inner), None | Some(AddressSpace::Function | AddressSpace::Private));
        if !(self.context.policy.clamps && own) {
            return Ok(there);
        }
        let types = &self.context.module.types;
        let inner = match *inner {
            TypeInner::Pointer { base, .. } => &types[base].inner,
            _ => inner,
        };
        let length = match *inner {
            TypeInner::Array {
                size: ArraySize::Constant(count),
                ..
            } => count.get(),
            TypeInner::Vector { size, .. } | TypeInner::ValuePointer { size: Some(size), .. } => size as u32,
            TypeInner::Matrix { columns, .. } => columns as u32,
            _ => return Ok(there),
        };
        if self.largest(there, 0) < length {
            return Ok(there);
        }
        let index = self.unsigned(there);
        let last = self.word(length - 1);
        Ok(self.emit(Expression::Math {
            fun: MathFunction::Min,
            arg: index,
            arg1: Some(last),
            arg2: None,
            arg3: None,
        }))
    }

    /// What a load gave where the old pointer leads inside, 0 elsewhere. `old` has the value's type.
    pub(super) fn or_zero(&mut self, pointer: H, loaded: H, old: H) -> H {
        let Some(inside) = self.inside[pointer.index()] else {
            return loaded;
        };
        let inner = self.inner(old).clone();
        let size = match inner {
            TypeInner::Vector { size, .. } => Some(size),
            TypeInner::Scalar(_) => None,
            _ => return self.whole_or_zero(inside, loaded, old, inner),
        };
        let ty = self.ty(inner);
        let zero = self.declare(Expression::ZeroValue(ty));
        let inside = self.spread(inside, size);
        self.select(inside, loaded, zero)
    }

    /// The same of an array, a structure or a matrix, by way of a variable.
    fn whole_or_zero(&mut self, inside: H, loaded: H, old: H, inner: TypeInner) -> H {
        let ty = match self.type_handle(old) {
            Some(ty) => ty,
            None => self.ty(inner),
        };
        let variable = self.variable(ty);
        let zero = self.declare(Expression::ZeroValue(ty));
        let span = self.span;
        let store = |value| Statement::Store {
            pointer: variable,
            value,
        };
        self.push(store(zero), span);
        self.push(when(inside, Block::from_vec(vec![store(loaded)])), span);
        self.emit(Expression::Load { pointer: variable })
    }

    /// A statement, where the old pointer leads inside.
    pub(super) fn where_inside(&mut self, pointer: H, statement: Statement, span: Span) {
        let statement = match self.inside[pointer.index()] {
            Some(inside) => when(inside, Block::from_vec(vec![statement])),
            None => statement,
        };
        self.push(statement, span);
    }

    /// A statement with a result, where the old pointer leads inside; elsewhere the result is 0.
    pub(super) fn result_where_inside(&mut self, pointer: H, old: H, span: Span, statement: impl FnOnce(H) -> Statement) {
        let Some(inside) = self.inside[pointer.index()] else {
            let result = self.result(old, None);
            self.push(statement(result), span);
            return;
        };
        let ty = match (self.type_handle(old), self.inner(old).clone()) {
            (Some(ty), _) => ty,
            (None, inner) => self.ty(inner),
        };
        let variable = self.variable(ty);
        let zero = self.declare(Expression::ZeroValue(ty));
        let result = self.result(old, None);
        let store = |value| Statement::Store {
            pointer: variable,
            value,
        };
        self.push(store(zero), span);
        self.push(when(inside, Block::from_vec(vec![statement(result), store(result)])), span);
        let there = self.emit(Expression::Load { pointer: variable });
        self.map[old.index()] = Some(there);
    }

    fn variable(&mut self, ty: Handle<Type>) -> H {
        let local = LocalVariable {
            name: None,
            ty,
            init: None,
        };
        let local = self.new.local_variables.append(local, self.span);
        self.declare(Expression::LocalVariable(local))
    }

    fn unsigned(&mut self, index: H) -> H {
        if matches!(self.new.expressions[index], Expression::Literal(naga::Literal::U32(_))) {
            return index;
        }
        self.emit(Expression::As {
            expr: index,
            kind: ScalarKind::Uint,
            convert: None,
        })
    }

    /// The most that a new expression can be, as u32, where that is plain to see.
    fn largest(&self, handle: H, depth: u32) -> u32 {
        use BinaryOperator as B;
        if depth > 16 {
            return u32::MAX;
        }
        let most = |handle| self.largest(handle, depth + 1);
        match &self.new.expressions[handle] {
            Expression::Literal(naga::Literal::U32(value)) => *value,
            Expression::Literal(naga::Literal::I32(value)) => *value as u32,
            Expression::Binary { op, left, right } => match op {
                B::And => most(*left).min(most(*right)),
                B::Modulo if self.is_u32(*right) => match most(*right) {
                    0 | u32::MAX => u32::MAX,
                    divisor => (divisor - 1).min(most(*left)),
                },
                B::Divide if self.is_u32(*right) => most(*left),
                B::Add => most(*left).saturating_add(most(*right)),
                B::Multiply => most(*left).saturating_mul(most(*right)),
                B::ShiftRight => match self.new.expressions[*right] {
                    Expression::Literal(naga::Literal::U32(by)) if self.is_u32(*left) => most(*left) >> (by & 31),
                    _ => u32::MAX,
                },
                _ => u32::MAX,
            },
            Expression::Math {
                fun: MathFunction::Min,
                arg,
                arg1: Some(other),
                ..
            } if self.is_u32(*arg) || self.is_u32(*other) => most(*arg).min(most(*other)),
            Expression::Select { accept, reject, .. } => most(*accept).max(most(*reject)),
            Expression::As {
                expr,
                kind: ScalarKind::Uint | ScalarKind::Sint,
                ..
            } if most(*expr) <= i32::MAX as u32 => most(*expr),
            Expression::FunctionArgument(_) => self.input(handle, None),
            Expression::AccessIndex { base, index } => self.input(*base, Some(*index)),
            _ => u32::MAX,
        }
    }

    /// Whether a new expression is seen to be a u32 rather than an i32, whose order is another one.
    fn is_u32(&self, handle: H) -> bool {
        match &self.new.expressions[handle] {
            Expression::Literal(naga::Literal::U32(_)) => true,
            Expression::Binary { left, .. } => self.is_u32(*left),
            Expression::As {
                kind: ScalarKind::Uint, ..
            } => true,
            Expression::FunctionArgument(_) => self.input(handle, None) != u32::MAX,
            Expression::AccessIndex { base, index } => self.input(*base, Some(*index)) != u32::MAX,
            _ => false,
        }
    }

    /// The most that an input of the entry point can be, or a component of it.
    fn input(&self, handle: H, component: Option<u32>) -> u32 {
        let (Expression::FunctionArgument(argument), Some([x, y, z])) =
            (&self.new.expressions[handle], self.context.workgroup_size)
        else {
            return u32::MAX;
        };
        let Some(argument) = self.old.arguments.get(*argument as usize) else {
            return u32::MAX;
        };
        match (&argument.binding, component) {
            (Some(naga::Binding::BuiltIn(BuiltIn::LocalInvocationIndex)), None) => x * y * z - 1,
            (Some(naga::Binding::BuiltIn(BuiltIn::LocalInvocationId)), Some(0)) => x - 1,
            (Some(naga::Binding::BuiltIn(BuiltIn::LocalInvocationId)), Some(1)) => y - 1,
            (Some(naga::Binding::BuiltIn(BuiltIn::LocalInvocationId)), Some(2)) => z - 1,
            _ => u32::MAX,
        }
    }
}

/// `if condition { accept }`
fn when(condition: H, accept: Block) -> Statement {
    Statement::If {
        condition,
        accept,
        reject: Block::new(),
    }
}
