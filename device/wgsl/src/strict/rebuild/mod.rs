//! One function, statement by statement and expression by expression, written anew.
//!
//! | module | owns |
//! |---|---|
//! | `statements` | statements; here: expressions |
//!
//! Invariant: values are computed where and in the order in which the author wrote them.

use std::collections::{BTreeMap, BTreeSet};

use naga::valid::FunctionInfo;
use naga::{
    AddressSpace, Block, Constant, Expression, Function, Handle, Literal, LocalVariable, Module, ScalarKind, Span, Type,
    TypeInner, UniqueArena,
};

mod statements;

use super::library::Imported;
use super::loop_ends::Mark;
use super::{Policy, Refusal, canonical};
use crate::Reason;
use crate::operands::each_operand;

/// What a function is rebuilt with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// The module it comes from.
    pub(super) module: &'a Module,
    pub(super) library: &'a Imported,
    /// Where the module's own functions went, by their old index.
    pub(super) moved: &'a [Handle<Function>],
    pub(super) policy: Policy,
    /// Of the entry point; `None` in other functions.
    pub(super) workgroup_size: Option<[u32; 3]>,
    /// Loops in the functions before.
    pub(super) first_loop: u32,
}

/// A function on its way.
pub(super) struct Rebuild<'a> {
    pub(super) context: Context<'a>,
    pub(super) old: &'a Function,
    info: &'a FunctionInfo,
    pub(super) types: &'a mut UniqueArena<Type>,
    pub(super) used: &'a mut BTreeSet<&'static str>,
    pub(super) new: Function,
    pub(super) grains: Vec<i32>,
    /// Where an old expression went, by its index.
    pub(super) map: Vec<Option<Handle<Expression>>>,
    pub(super) block: Block,
    /// First and last of the expressions to be emitted.
    pub(super) run: Option<(Handle<Expression>, Handle<Expression>)>,
    pub(super) span: Span,
    pub(super) literals: BTreeMap<(u8, u32), Handle<Expression>>,
    /// Of old pointers, by their index: the condition under which they lead inside their variable; `None`: always.
    pub(super) inside: Vec<Option<Handle<Expression>>>,
    /// Index of loops' marks, where loops are watched.
    pub(super) marks: Option<Handle<Expression>>,
    /// Of the loops and switches around, outermost first: the loop's mark.
    around: Vec<Option<Mark>>,
    /// Old expressions that are not evaluated: what uses them does without.
    spared: Vec<Handle<Expression>>,
    /// The next loop's number, of all loops of the module.
    pub(super) next_loop: u32,
}

/// Rebuild one function.
pub(super) fn function(
    context: Context<'_>,
    old: &Function,
    info: &FunctionInfo,
    types: &mut UniqueArena<Type>,
    used: &mut BTreeSet<&'static str>,
) -> Result<Function, Refusal> {
    let new = Function {
        name: old.name.clone(),
        arguments: old.arguments.clone(),
        result: old.result.clone(),
        diagnostic_filter_leaf: old.diagnostic_filter_leaf,
        ..Function::default()
    };
    let mut rebuild = Rebuild {
        context,
        old,
        info,
        types,
        used,
        new,
        grains: Vec::new(),
        map: vec![None; old.expressions.len()],
        block: Block::new(),
        run: None,
        span: Span::UNDEFINED,
        literals: BTreeMap::new(),
        inside: vec![None; old.expressions.len()],
        marks: None,
        around: Vec::new(),
        spared: Vec::new(),
        next_loop: context.first_loop,
    };
    rebuild.spared = rebuild.roots_of_reciprocals();
    for (handle, local) in old.local_variables.iter() {
        let init = match local.init {
            Some(init) => Some(rebuild.constant(init)?),
            None => None,
        };
        let local = LocalVariable { init, ..local.clone() };
        rebuild
            .new
            .local_variables
            .append(local, old.local_variables.get_span(handle));
    }
    rebuild.marks_index();
    rebuild.statements(&old.body)?;
    rebuild.new.body = std::mem::take(&mut rebuild.block);
    let names = old.named_expressions.iter();
    let named = names.filter_map(|(handle, name)| Some((rebuild.map[handle.index()]?, name.clone())));
    rebuild.new.named_expressions = named.collect();
    Ok(rebuild.new)
}

impl<'a> Rebuild<'a> {
    /// Type of an old expression.
    pub(super) fn inner(&self, handle: Handle<Expression>) -> &'a TypeInner {
        self.info[handle].ty.inner_with(&self.context.module.types)
    }

    /// How often an old expression is used.
    pub(super) fn uses(&self, handle: Handle<Expression>) -> usize {
        self.info[handle].ref_count
    }

    /// Handle of an old expression's type, where it has one.
    pub(super) fn type_handle(&self, handle: Handle<Expression>) -> Option<Handle<Type>> {
        self.info[handle].ty.handle()
    }

    /// A constant initialiser: copied, emitted nowhere.
    fn constant(&mut self, handle: Handle<Expression>) -> Result<Handle<Expression>, Refusal> {
        self.span = self.old.expressions.get_span(handle);
        let expression = match &self.old.expressions[handle] {
            Expression::Compose { ty, components } => {
                let mut copies = Vec::with_capacity(components.len());
                for component in components {
                    copies.push(self.constant(*component)?);
                }
                Expression::Compose {
                    ty: *ty,
                    components: copies,
                }
            }
            Expression::Splat { size, value } => Expression::Splat {
                size: *size,
                value: self.constant(*value)?,
            },
            Expression::Literal(literal) => Expression::Literal(self.canonical_literal(*literal)),
            other @ (Expression::Constant(_) | Expression::ZeroValue(_)) => other.clone(),
            _ => {
                return Err(Refusal::at(
                    self.span,
                    &Reason::Invalid("a variable whose initial value is no constant"),
                ));
            }
        };
        Ok(self.declare(expression))
    }

    pub(super) fn canonical_literal(&self, literal: Literal) -> Literal {
        match literal {
            Literal::F32(value) if self.is_canonical() => Literal::F32(canonical(value)),
            other => other,
        }
    }

    /// Where an old expression went; what needs no evaluation goes there now.
    pub(super) fn at(&mut self, handle: Handle<Expression>) -> Result<Handle<Expression>, Refusal> {
        if let Some(there) = self.map[handle.index()] {
            return Ok(there);
        }
        let span = std::mem::replace(&mut self.span, self.old.expressions.get_span(handle));
        let expression = &self.old.expressions[handle];
        let there = match expression {
            Expression::Literal(literal) => {
                let literal = self.canonical_literal(*literal);
                self.literal(literal)
            }
            _ if expression.needs_pre_emit() => {
                let there = match expression {
                    Expression::Constant(constant) => self.constant_value(*constant),
                    _ => self.declare(expression.clone()),
                };
                self.map[handle.index()] = Some(there);
                there
            }
            // A constant that is emitted nowhere: here, and again where it is used again.
            _ => self.expression(handle)?,
        };
        self.span = span;
        Ok(there)
    }

    /// A constant, as a literal where it is a scalar.
    fn constant_value(&mut self, constant: Handle<Constant>) -> Handle<Expression> {
        match self.scalar(constant) {
            Some(literal) => {
                let literal = self.canonical_literal(literal);
                self.literal(literal)
            }
            None => self.declare(Expression::Constant(constant)),
        }
    }

    fn scalar(&self, constant: Handle<Constant>) -> Option<Literal> {
        let module = self.context.module;
        match module.global_expressions[module.constants[constant].init] {
            Expression::Literal(literal) => Some(literal),
            Expression::Constant(other) => self.scalar(other),
            _ => None,
        }
    }

    fn maybe(&mut self, handle: Option<Handle<Expression>>) -> Result<Option<Handle<Expression>>, Refusal> {
        handle.map(|handle| self.at(handle)).transpose()
    }

    /// An expression, evaluated here.
    fn expression(&mut self, handle: Handle<Expression>) -> Result<Handle<Expression>, Refusal> {
        let old = self.old;
        let exact = self.context.policy.is_exact();
        let new = match &old.expressions[handle] {
            Expression::Binary { op, left, right } if exact => return self.binary_operation(*op, *left, *right),
            Expression::Math {
                fun,
                arg,
                arg1,
                arg2,
                arg3,
            } if exact => return self.math(handle, *fun, &[Some(*arg), *arg1, *arg2, *arg3]),
            Expression::As { expr, kind, convert } if exact => return self.conversion(*expr, *kind, *convert),
            Expression::Load { pointer } => {
                let there = self.at(*pointer)?;
                let loaded = self.emit(Expression::Load { pointer: there });
                let loaded = self.or_zero(*pointer, loaded, handle);
                return match space(self.inner(*pointer)) {
                    Some(AddressSpace::Storage { .. } | AddressSpace::Uniform) => self.loaded(loaded, handle),
                    _ => Ok(loaded),
                };
            }
            Expression::Access { base, index } => {
                self.step(handle)?;
                Expression::Access {
                    base: self.at(*base)?,
                    index: self.clamped(*base, *index)?,
                }
            }
            Expression::AccessIndex { .. } => {
                self.step(handle)?;
                self.moved(handle)?
            }
            Expression::Compose { .. }
            | Expression::Splat { .. }
            | Expression::Swizzle { .. }
            | Expression::Select { .. }
            | Expression::Relational { .. }
            | Expression::Unary { .. }
            | Expression::Binary { .. }
            | Expression::Math { .. }
            | Expression::As { .. }
            | Expression::ArrayLength(_) => self.moved(handle)?,
            _ => {
                return Err(Refusal::at(self.span, &Reason::Invalid("an operation of shaders that draw")));
            }
        };
        Ok(self.emit(new))
    }

    /// The same operation, on its operands' new places.
    fn moved(&mut self, handle: Handle<Expression>) -> Result<Expression, Refusal> {
        let mut new = self.old.expressions[handle].clone();
        let mut refused = None;
        each_operand(&mut new, |operand| match self.at(*operand) {
            Ok(there) => *operand = there,
            Err(refusal) => refused = Some(refusal),
        });
        refused.map_or(Ok(new), Err)
    }
}

/// Where a pointer points.
pub(super) fn space(inner: &TypeInner) -> Option<AddressSpace> {
    match inner {
        TypeInner::Pointer { space, .. } | TypeInner::ValuePointer { space, .. } => Some(*space),
        _ => None,
    }
}

/// Whether a type is f32, or made of f32 alone.
pub(super) fn is_float(inner: &TypeInner) -> bool {
    let scalar = match inner {
        TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } | TypeInner::Matrix { scalar, .. } => scalar,
        _ => return false,
    };
    scalar.kind == ScalarKind::Float
}
