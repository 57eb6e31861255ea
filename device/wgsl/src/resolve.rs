//! A module for one entry point, with the values of its `override`s put in.
//!
//! naga has such a pass of its own, which folds what it meets on the way with the host's math library, loses expressions, and panics on
//! lengths such as `n + 1`. Here constant expressions *outside* functions alone are evaluated (they size arrays and workgroups, and
//! [`crate::strict`] has refused those whose value would depend on the host); in functions an `override` becomes a constant and nothing is folded.
//!
//! Invariant: the result has one entry point, no `override`, and no array whose length waits for one.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use naga::compact::{KeepUnused, compact};
use naga::proc::{ConstantEvaluator, ExpressionKind, ExpressionKindTracker, Layouter};
use naga::{
    Arena, ArraySize, Constant, Expression, Function, Handle, Literal, Module, Override, Range, ScalarKind, ShaderStage, Span,
    Statement, TypeInner,
};

use crate::operands::each_operand;
use crate::refusal::{Reason, Refusal};

/// Keep the compute entry point `entry`, and give the `override`s that it needs their values: by name, or by number where the WGSL has `@id`.
///
/// `module` is valid and has the entry point.
pub(crate) fn resolve(module: &Module, entry: &str, values: &BTreeMap<String, f64>) -> Result<Module, Refusal> {
    let mut module = module.clone();
    module
        .entry_points
        .retain(|point| point.stage == ShaderStage::Compute && point.name == entry);
    compact(&mut module, KeepUnused::No);
    let overrides = std::mem::take(&mut module.overrides);
    let expressions = std::mem::take(&mut module.global_expressions);
    let mut resolver = Resolver {
        values,
        moved: vec![None; expressions.len()],
        settled: vec![false; module.constants.len()],
        constants: vec![None; overrides.len()],
        overrides,
        expressions,
        module,
        kinds: ExpressionKindTracker::new(),
        layouter: Layouter::default(),
    };
    resolver.everything()?;
    let constants = resolver.constants;
    let mut module = resolver.module;
    let mut functions = std::mem::take(&mut module.functions);
    for (_, function) in functions.iter_mut() {
        in_function(function, &constants);
    }
    module.functions = functions;
    for point in &mut module.entry_points {
        in_function(&mut point.function, &constants);
    }
    Ok(module)
}

struct Resolver<'a> {
    values: &'a BTreeMap<String, f64>,
    overrides: Arena<Override>,
    /// Global expressions as they were.
    expressions: Arena<Expression>,
    /// Where each went, once evaluated.
    moved: Vec<Option<Handle<Expression>>>,
    /// Constants of the module whose value was evaluated.
    settled: Vec<bool>,
    /// The constant that each `override` became.
    constants: Vec<Option<Handle<Constant>>>,
    module: Module,
    kinds: ExpressionKindTracker,
    layouter: Layouter,
}

impl Resolver<'_> {
    fn everything(&mut self) -> Result<(), Refusal> {
        let constants: Vec<_> = self.module.constants.iter().map(|(handle, _)| handle).collect();
        for constant in constants {
            self.constant(constant)?;
        }
        let overrides: Vec<_> = self.overrides.iter().map(|(handle, _)| handle).collect();
        for handle in overrides {
            self.override_constant(handle)?;
        }
        let variables: Vec<_> = (self.module.global_variables.iter())
            .filter_map(|(handle, variable)| Some((handle, variable.init?)))
            .collect();
        for (handle, init) in variables {
            let init = self.expression(init)?;
            self.module.global_variables.get_mut(handle).init = Some(init);
        }
        self.workgroup_size()?;
        self.lengths()
    }

    /// A global expression, evaluated.
    fn expression(&mut self, old: Handle<Expression>) -> Result<Handle<Expression>, Refusal> {
        if let Some(there) = self.moved[old.index()] {
            return Ok(there);
        }
        let span = self.expressions.get_span(old);
        let mut expression = self.expressions[old].clone();
        match expression {
            Expression::Override(handle) => expression = Expression::Constant(self.override_constant(handle)?),
            Expression::Constant(constant) => self.constant(constant)?,
            _ => {
                let mut failed = None;
                each_operand(&mut expression, |operand| match self.expression(*operand) {
                    Ok(there) => *operand = there,
                    Err(refusal) => failed = Some(refusal),
                });
                if let Some(refusal) = failed {
                    return Err(refusal);
                }
            }
        }
        let mut evaluator = ConstantEvaluator::for_wgsl_module(&mut self.module, &mut self.kinds, &mut self.layouter, false);
        let there = evaluator
            .try_eval_and_append(expression, span)
            .map_err(|error| Refusal::at(span, &Reason::NoConstant(error.to_string())))?;
        self.moved[old.index()] = Some(there);
        Ok(there)
    }

    fn constant(&mut self, handle: Handle<Constant>) -> Result<(), Refusal> {
        if !self.settled.get(handle.index()).copied().unwrap_or(true) {
            let init = self.expression(self.module.constants[handle].init)?;
            self.module.constants.get_mut(handle).init = init;
            self.settled[handle.index()] = true;
        }
        Ok(())
    }

    fn override_constant(&mut self, handle: Handle<Override>) -> Result<Handle<Constant>, Refusal> {
        if let Some(constant) = self.constants[handle.index()] {
            return Ok(constant);
        }
        let span = self.overrides.get_span(handle);
        let one = self.overrides[handle].clone();
        let key = one.id.map(|id| id.to_string()).or_else(|| one.name.clone());
        let value = key.as_ref().and_then(|key| self.values.get(key));
        let init = match (value, one.init) {
            (Some(value), _) => {
                let literal = literal(&self.module.types[one.ty].inner, *value)
                    .map_err(|expected| Refusal::at(span, &Reason::OtherValue { value: *value, expected }))?;
                let there = self.module.global_expressions.append(Expression::Literal(literal), span);
                self.kinds.insert(there, ExpressionKind::Const);
                there
            }
            (None, Some(init)) => self.expression(init)?,
            (None, None) => {
                let name = one.name.unwrap_or_default();
                return Err(Refusal::at(span, &Reason::NoValue(name)));
            }
        };
        let constant = Constant {
            name: one.name,
            ty: one.ty,
            init,
        };
        let constant = self.module.constants.append(constant, span);
        self.constants[handle.index()] = Some(constant);
        Ok(constant)
    }

    fn workgroup_size(&mut self) -> Result<(), Refusal> {
        for point in 0..self.module.entry_points.len() {
            let Some(sizes) = self.module.entry_points[point].workgroup_size_overrides.take() else {
                continue;
            };
            for (axis, size) in sizes.into_iter().enumerate() {
                let Some(size) = size else { continue };
                let span = self.expressions.get_span(size);
                let size = self.expression(size)?;
                let value = self.natural(size, span, "a workgroup size")?;
                self.module.entry_points[point].workgroup_size[axis] = value.get();
            }
        }
        Ok(())
    }

    /// Arrays whose length was an `override` expression.
    fn lengths(&mut self) -> Result<(), Refusal> {
        let pending: Vec<_> = (self.module.types.iter())
            .filter_map(|(handle, ty)| match ty.inner {
                TypeInner::Array {
                    size: ArraySize::Pending(length),
                    ..
                } => Some((handle, length)),
                _ => None,
            })
            .collect();
        for (handle, length) in pending {
            let declared = self.overrides.get_span(length);
            let computed = self.overrides[length].init.map(|init| self.expressions.get_span(init));
            let spans = [Some(self.module.types.get_span(handle)), Some(declared), computed];
            let span = spans.into_iter().flatten().find(Span::is_defined).unwrap_or_default();
            let constant = self.override_constant(length)?;
            let count = self.natural(self.module.constants[constant].init, span, "an array's length")?;
            let mut ty = self.module.types[handle].clone();
            // Types are told apart by name and structure: this one stays itself, whatever other arrays there are.
            ty.name = Some(format!("array {}", handle.index()));
            if let TypeInner::Array { size, .. } = &mut ty.inner {
                *size = ArraySize::Constant(count);
            }
            self.module.types.replace(handle, ty);
        }
        Ok(())
    }

    fn natural(&self, handle: Handle<Expression>, span: Span, what: &str) -> Result<NonZeroU32, Refusal> {
        let found = match self.module.global_expressions[handle] {
            Expression::Literal(Literal::U32(value)) => i64::from(value),
            Expression::Literal(Literal::I32(value)) => i64::from(value),
            Expression::Constant(constant) => return self.natural(self.module.constants[constant].init, span, what),
            _ => 0,
        };
        (u32::try_from(found).ok().and_then(NonZeroU32::new)).ok_or_else(|| {
            Refusal::at(
                span,
                &Reason::NotPositive {
                    found,
                    what: what.to_owned(),
                },
            )
        })
    }
}

/// A value as an `override` of this type takes it.
fn literal(ty: &TypeInner, value: f64) -> Result<Literal, &'static str> {
    let TypeInner::Scalar(scalar) = ty else {
        return Err("no value: it is no scalar");
    };
    let whole = value.trunc() == value;
    match scalar.kind {
        ScalarKind::Bool => Ok(Literal::Bool(value != 0.0 && !value.is_nan())),
        ScalarKind::Uint if whole && (0.0..=f64::from(u32::MAX)).contains(&value) => Ok(Literal::U32(value as u32)),
        ScalarKind::Uint => Err("an integer from 0 to 4294967295 (u32)"),
        ScalarKind::Sint if whole && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value) => {
            Ok(Literal::I32(value as i32))
        }
        ScalarKind::Sint => Err("an integer from -2147483648 to 2147483647 (i32)"),
        ScalarKind::Float if (value as f32).is_finite() => Ok(Literal::F32(value as f32)),
        _ => Err("a finite number that f32 can hold"),
    }
}

/// `override`s become constants; variables that began with an expression of one are stored to when the function begins.
fn in_function(function: &mut Function, constants: &[Option<Handle<Constant>>]) {
    for (_, expression) in function.expressions.iter_mut() {
        if let Expression::Override(handle) = expression
            && let Some(constant) = constants[handle.index()]
        {
            *expression = Expression::Constant(constant);
        }
    }
    let stored: Vec<_> = (function.local_variables.iter())
        .filter_map(|(handle, local)| Some((handle, local.init?)))
        .filter(|(_, init)| !is_plain(&function.expressions, *init))
        .collect();
    let mut first = naga::Block::new();
    for (handle, init) in stored {
        function.local_variables.get_mut(handle).init = None;
        let span = function.expressions.get_span(init);
        let pointer = function.expressions.append(Expression::LocalVariable(handle), span);
        let value = copied(&mut function.expressions, &mut first, init);
        first.push(Statement::Store { pointer, value }, span);
    }
    if !first.is_empty() {
        let rest = std::mem::replace(&mut function.body, first);
        function.body.extend_block(rest);
    }
}

/// Whether a device takes this as a variable's first value without computing anything.
fn is_plain(expressions: &Arena<Expression>, handle: Handle<Expression>) -> bool {
    match &expressions[handle] {
        Expression::Literal(_) | Expression::Constant(_) | Expression::ZeroValue(_) => true,
        Expression::Compose { components, .. } => components.iter().all(|one| is_plain(expressions, *one)),
        Expression::Splat { value, .. } => is_plain(expressions, *value),
        _ => false,
    }
}

/// A copy of a constant expression, emitted at the end of `block`.
fn copied(expressions: &mut Arena<Expression>, block: &mut naga::Block, handle: Handle<Expression>) -> Handle<Expression> {
    let span = expressions.get_span(handle);
    let mut expression = expressions[handle].clone();
    if expression.needs_pre_emit() {
        return handle;
    }
    each_operand(&mut expression, |operand| *operand = copied(expressions, block, *operand));
    let copy = expressions.append(expression, span);
    block.push(Statement::Emit(Range::new_from_bounds(copy, copy)), span);
    copy
}
