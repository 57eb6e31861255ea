//! naga's IR as rules look at it: functions with their expressions, statements one after the other, operands.

use std::ops::Range;

use kernels::package::source::Parsed;
use naga::valid::FunctionInfo;
use naga::{Block, Expression, Function, Handle, Literal, Module, Scalar, ScalarKind, Span, Statement, TypeInner};

/// A function or entry point.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    pub(super) module: &'a Module,
    pub(super) function: &'a Function,
    pub(super) info: &'a FunctionInfo,
}

/// All functions and entry points, in the order of their text.
pub(super) fn bodies(parsed: &Parsed) -> Vec<Body<'_>> {
    let (module, info) = (&parsed.module, &parsed.info);
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let points = (module.entry_points.iter().enumerate()).map(|(index, point)| (&point.function, info.get_entry_point(index)));
    (functions.chain(points))
        .map(|(function, info)| Body { module, function, info })
        .collect()
}

impl<'a> Body<'a> {
    /// Expressions with their places.
    pub(super) fn expressions(&self) -> impl Iterator<Item = (Handle<Expression>, &'a Expression, Range<usize>)> {
        let arena = &self.function.expressions;
        arena
            .iter()
            .map(|(handle, expression)| (handle, expression, range(arena.get_span(handle))))
    }

    /// Statements with their places, those inside others after them.
    pub(super) fn statements(&self) -> Vec<(&'a Statement, Range<usize>)> {
        let mut all = Vec::new();
        let mut blocks = vec![&self.function.body];
        while let Some(block) = blocks.pop() {
            for (statement, span) in block.span_iter() {
                all.push((statement, range(*span)));
                blocks.extend(inner(statement));
            }
        }
        all
    }

    pub(super) fn span(&self, handle: Handle<Expression>) -> Range<usize> {
        range(self.function.expressions.get_span(handle))
    }

    pub(super) fn expression(&self, handle: Handle<Expression>) -> &'a Expression {
        &self.function.expressions[handle]
    }

    pub(super) fn inner(&self, handle: Handle<Expression>) -> &'a TypeInner {
        self.info[handle].ty.inner_with(&self.module.types)
    }

    /// The scalar that an expression's value is made of, where it is made of one; through pointers and atomics.
    pub(super) fn scalar(&self, handle: Handle<Expression>) -> Option<Scalar> {
        let inner = match self.inner(handle) {
            TypeInner::Pointer { base, .. } => &self.module.types[*base].inner,
            TypeInner::ValuePointer { scalar, .. } => return Some(*scalar),
            other => other,
        };
        match inner {
            TypeInner::Atomic(scalar) => Some(*scalar),
            other => other.scalar(),
        }
    }

    pub(super) fn is_float(&self, handle: Handle<Expression>) -> bool {
        self.scalar(handle).is_some_and(|scalar| scalar.kind == ScalarKind::Float)
    }

    /// The literal that an expression amounts to, the same in all its parts, where that can be seen.
    pub(super) fn literal(&self, handle: Handle<Expression>) -> Option<Literal> {
        match self.expression(handle) {
            Expression::Literal(literal) => Some(*literal),
            Expression::ZeroValue(ty) => Literal::zero(self.module.types[*ty].inner.scalar()?),
            Expression::Splat { value, .. } => self.literal(*value),
            Expression::Constant(constant) => global_literal(self.module, self.module.constants[*constant].init),
            Expression::Compose { components, .. } => {
                let mut all = components.iter().map(|part| self.literal(*part));
                let first = all.next()??;
                all.all(|other| other == Some(first)).then_some(first)
            }
            _ => None,
        }
    }

    /// The bits of an integer that an expression amounts to, as [`Body::literal`] has it.
    pub(super) fn word(&self, handle: Handle<Expression>) -> Option<u32> {
        match self.literal(handle)? {
            Literal::U32(word) => Some(word),
            Literal::I32(word) => Some(word as u32),
            _ => None,
        }
    }

    /// Whether an expression is a float's bits as an integer.
    pub(super) fn is_float_bits(&self, handle: Handle<Expression>) -> bool {
        match self.expression(handle) {
            Expression::As {
                expr,
                kind: ScalarKind::Uint | ScalarKind::Sint,
                convert: None,
            } => self.is_float(*expr),
            _ => false,
        }
    }

    /// An expression and all that its value is made of, through local variables too.
    pub(super) fn sources(&self, root: Handle<Expression>) -> Vec<Handle<Expression>> {
        let stores: Vec<_> = (self.statements().into_iter())
            .filter_map(|(statement, _)| match statement {
                Statement::Store { pointer, value } => Some((self.variable(*pointer)?, *value)),
                _ => None,
            })
            .collect();
        let mut seen = vec![false; self.function.expressions.len()];
        let mut found = Vec::new();
        let mut todo = vec![root];
        while let Some(handle) = todo.pop() {
            if std::mem::replace(&mut seen[handle.index()], true) {
                continue;
            }
            found.push(handle);
            let expression = self.expression(handle);
            todo.extend(operands(expression));
            if let Expression::LocalVariable(variable) = expression {
                todo.extend(self.function.local_variables[*variable].init);
                todo.extend(stores.iter().filter(|(to, _)| to == variable).map(|(_, value)| *value));
            }
        }
        found
    }

    /// The local variable that a pointer points into.
    pub(super) fn variable(&self, pointer: Handle<Expression>) -> Option<Handle<naga::LocalVariable>> {
        match self.expression(pointer) {
            Expression::LocalVariable(variable) => Some(*variable),
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => self.variable(*base),
            _ => None,
        }
    }

    /// Whether two expressions are written alike: the same operations on the same variables.
    pub(super) fn alike(&self, a: Handle<Expression>, b: Handle<Expression>) -> bool {
        /// Deeper than people write; keeps hostile texts from taking for ever.
        const DEPTH_MAX: u32 = 8;
        self.alike_to(a, b, DEPTH_MAX)
    }

    fn alike_to(&self, a: Handle<Expression>, b: Handle<Expression>, depth: u32) -> bool {
        use Expression as E;
        if a == b || depth == 0 {
            return a == b;
        }
        let alike = |a: &Handle<Expression>, b: &Handle<Expression>| self.alike_to(*a, *b, depth - 1);
        match (self.expression(a), self.expression(b)) {
            (E::Load { pointer: a }, E::Load { pointer: b }) => alike(a, b),
            (E::AccessIndex { base: a, index: i }, E::AccessIndex { base: b, index: j }) => i == j && alike(a, b),
            (E::Access { base: a, index: i }, E::Access { base: b, index: j }) => alike(a, b) && alike(i, j),
            (
                E::Binary { op, left, right },
                E::Binary {
                    op: other,
                    left: from,
                    right: to,
                },
            ) => op == other && alike(left, from) && alike(right, to),
            (E::Unary { op, expr }, E::Unary { op: other, expr: from }) => op == other && alike(expr, from),
            (
                E::Literal(_)
                | E::GlobalVariable(_)
                | E::LocalVariable(_)
                | E::FunctionArgument(_)
                | E::Constant(_)
                | E::Override(_),
                _,
            ) => self.expression(a) == self.expression(b),
            _ => false,
        }
    }
}

/// The literal that a global expression amounts to.
pub(super) fn global_literal(module: &Module, handle: Handle<Expression>) -> Option<Literal> {
    match &module.global_expressions[handle] {
        Expression::Literal(literal) => Some(*literal),
        Expression::ZeroValue(ty) => Literal::zero(module.types[*ty].inner.scalar()?),
        Expression::Splat { value, .. } => global_literal(module, *value),
        Expression::Constant(constant) => global_literal(module, module.constants[*constant].init),
        _ => None,
    }
}

/// Bytes of the text that a span covers; empty at the beginning where there is none.
pub(super) fn range(span: Span) -> Range<usize> {
    span.to_range().unwrap_or(0..0)
}

/// The blocks inside a statement.
pub(super) fn inner(statement: &Statement) -> Vec<&Block> {
    match statement {
        Statement::Block(block) => vec![block],
        Statement::If { accept, reject, .. } => vec![accept, reject],
        Statement::Switch { cases, .. } => cases.iter().map(|case| &case.body).collect(),
        Statement::Loop { body, continuing, .. } => vec![body, continuing],
        _ => Vec::new(),
    }
}

/// What an expression is made of.
pub(super) fn operands(expression: &Expression) -> Vec<Handle<Expression>> {
    use Expression as E;
    match expression {
        E::Compose { components, .. } => components.clone(),
        E::Access { base, index } => vec![*base, *index],
        E::AccessIndex { base, .. } => vec![*base],
        E::Splat { value, .. } => vec![*value],
        E::Swizzle { vector, .. } => vec![*vector],
        E::Load { pointer } => vec![*pointer],
        E::ImageSample { coordinate, .. } | E::ImageLoad { coordinate, .. } => vec![*coordinate],
        E::Unary { expr, .. } | E::As { expr, .. } | E::Derivative { expr, .. } | E::ArrayLength(expr) => vec![*expr],
        E::Relational { argument, .. } => vec![*argument],
        E::Binary { left, right, .. } => vec![*left, *right],
        E::Select {
            condition,
            accept,
            reject,
        } => vec![*condition, *accept, *reject],
        E::Math {
            arg, arg1, arg2, arg3, ..
        } => std::iter::once(*arg).chain(*arg1).chain(*arg2).chain(*arg3).collect(),
        _ => Vec::new(),
    }
}

/// The values that a statement takes, apart from blocks inside it.
pub(super) fn taken(statement: &Statement) -> Vec<Handle<Expression>> {
    use Statement as S;
    match statement {
        S::If { condition, .. } => vec![*condition],
        S::Switch { selector, .. } => vec![*selector],
        S::Loop { break_if, .. } => break_if.iter().copied().collect(),
        S::Return { value } => value.iter().copied().collect(),
        S::Store { pointer, value } => vec![*pointer, *value],
        S::ImageStore { coordinate, value, .. } | S::ImageAtomic { coordinate, value, .. } => vec![*coordinate, *value],
        S::Atomic { pointer, fun, value, .. } => {
            let compare = match fun {
                naga::AtomicFunction::Exchange { compare } => *compare,
                _ => None,
            };
            [*pointer, *value].into_iter().chain(compare).collect()
        }
        S::WorkGroupUniformLoad { pointer, .. } => vec![*pointer],
        S::Call { arguments, .. } => arguments.clone(),
        S::SubgroupBallot { predicate, .. } => predicate.iter().copied().collect(),
        S::SubgroupGather { argument, .. } | S::SubgroupCollectiveOperation { argument, .. } => vec![*argument],
        _ => Vec::new(),
    }
}
