//! Expressions.

use naga::{Expression, Handle, Literal, RelationalFunction, Scalar, ScalarKind, TypeInner, UnaryOperator};

use super::place::Pointer;
use super::shape::Shape;
use super::{Fault, Frame, Lower, Lowered, fault};
use crate::ir::{Bin, I32_MAX_AS_F32, Rmw, Ty, Un, Value, Watch, is_below_i32_max};

/// Largest f32 that an i32 and a u32 can hold.
const U32_MAX_AS_F32: f32 = 4_294_967_040.0;

impl<'m> Lower<'m> {
    pub(super) fn words(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Result<Vec<Value>, Fault> {
        match self.lowered(frame, handle)? {
            Lowered::Words(words) => Ok(words),
            Lowered::Pointer(_) => fault("a pointer where a value is expected".to_owned()),
        }
    }

    pub(super) fn word(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Result<Value, Fault> {
        Ok(self.words(frame, handle)?[0])
    }

    pub(super) fn pointer(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Result<Pointer, Fault> {
        match self.lowered(frame, handle)? {
            Lowered::Pointer(pointer) => Ok(pointer),
            Lowered::Words(_) => fault("a value where a pointer is expected".to_owned()),
        }
    }

    /// An expression's value where a statement uses it.
    fn lowered(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Result<Lowered, Fault> {
        match &frame.exprs[handle.index()] {
            Some(lowered) => Ok(lowered.clone()),
            None => self.expression(frame, handle),
        }
    }

    /// Evaluate here; later uses see this value.
    pub(super) fn evaluate(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Result<Lowered, Fault> {
        if let Some(lowered) = &frame.exprs[handle.index()] {
            return Ok(lowered.clone());
        }
        let lowered = self.expression(frame, handle)?;
        let always = matches!(
            frame.function.expressions[handle],
            Expression::Literal(_) | Expression::Constant(_) | Expression::ZeroValue(_)
        );
        if !always {
            frame.exprs[handle.index()] = Some(lowered.clone());
        }
        Ok(lowered)
    }

    pub(super) fn inner(&self, frame: &Frame<'m>, handle: Handle<Expression>) -> &'m TypeInner {
        frame.info[handle].ty.inner_with(&self.module.types)
    }

    pub(super) fn shape(&self, frame: &Frame<'m>, handle: Handle<Expression>) -> Result<Shape, Fault> {
        let resolution = &frame.info[handle].ty;
        Shape::of(resolution.inner_with(&self.module.types), resolution.handle())
    }

    pub(super) fn scalar(&self, frame: &Frame<'m>, handle: Handle<Expression>) -> Result<Scalar, Fault> {
        match self.shape(frame, handle)?.scalar(self.module) {
            Some(scalar) => Ok(scalar),
            None => fault("a scalar, vector or matrix is expected".to_owned()),
        }
    }

    fn expression(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Result<Lowered, Fault> {
        let function = frame.function;
        let words = match &function.expressions[handle] {
            Expression::Literal(literal) => self.literal(*literal)?,
            Expression::Constant(constant) => self.constant(self.module.constants[*constant].init)?,
            Expression::ZeroValue(ty) => self.zero(Shape::Named(*ty))?,
            Expression::Compose { components, .. } => {
                let mut words = Vec::new();
                for component in components {
                    words.extend(self.words(frame, *component)?);
                }
                words
            }
            Expression::FunctionArgument(index) => return Ok(frame.arguments[*index as usize].clone()),
            Expression::GlobalVariable(handle) => match self.globals.get(handle) {
                Some(pointer) => return Ok(Lowered::Pointer(pointer.clone())),
                None => return fault("a global variable of no use here".to_owned()),
            },
            Expression::LocalVariable(handle) => return Ok(Lowered::Pointer(frame.locals[handle.index()].clone())),
            Expression::AccessIndex { base, index } => match self.lowered(frame, *base)? {
                Lowered::Pointer(pointer) => return Ok(Lowered::Pointer(self.part(&pointer, *index)?)),
                Lowered::Words(words) => {
                    let (shape, _, at) = self.shape(frame, *base)?.part(self.module, *index)?;
                    let count = shape.words(self.module)?;
                    words[at as usize..(at + count) as usize].to_vec()
                }
            },
            Expression::Access { base, index } => {
                let index = self.word(frame, *index)?;
                match self.lowered(frame, *base)? {
                    Lowered::Pointer(pointer) => return Ok(Lowered::Pointer(self.element(&pointer, index)?)),
                    Lowered::Words(words) => self.choose(self.shape(frame, *base)?, &words, index)?,
                }
            }
            Expression::Splat { size, value } => vec![self.word(frame, *value)?; *size as usize],
            Expression::Swizzle { size, vector, pattern } => {
                let words = self.words(frame, *vector)?;
                pattern[..*size as usize]
                    .iter()
                    .map(|component| words[*component as usize])
                    .collect()
            }
            Expression::Load { pointer } => {
                let source = self.pointer(frame, *pointer)?;
                if source.shape.is_atomic(self.module) {
                    let zero = self.b.int(0);
                    vec![self.atomic(&source, Rmw::Load, zero)?.0]
                } else {
                    self.load(&source, false)?
                }
            }
            Expression::Unary { op, expr } => {
                let kind = self.scalar(frame, *expr)?.kind;
                let un = match (op, kind) {
                    (UnaryOperator::Negate, ScalarKind::Float) => Un::FNeg,
                    (UnaryOperator::Negate, _) => Un::INeg,
                    (UnaryOperator::LogicalNot, _) | (UnaryOperator::BitwiseNot, ScalarKind::Bool) => Un::Not,
                    (UnaryOperator::BitwiseNot, _) => Un::INot,
                };
                let words = self.words(frame, *expr)?;
                words.into_iter().map(|word| self.b.un(un, word)).collect()
            }
            Expression::Binary { op, left, right } => self.binary(frame, *op, *left, *right)?,
            Expression::Select {
                condition,
                accept,
                reject,
            } => {
                let conditions = self.words(frame, *condition)?;
                let accept = self.words(frame, *accept)?;
                let reject = self.words(frame, *reject)?;
                let each = accept.iter().zip(&reject).enumerate();
                each.map(|(i, (yes, no))| self.b.select(conditions[i.min(conditions.len() - 1)], *yes, *no))
                    .collect()
            }
            Expression::Relational { fun, argument } => {
                let words = self.words(frame, *argument)?;
                self.relational(*fun, words)?
            }
            Expression::Math {
                fun,
                arg,
                arg1,
                arg2,
                arg3,
            } => self.math(frame, *fun, &[Some(*arg), *arg1, *arg2, *arg3])?,
            Expression::As { expr, kind, convert } => {
                let from = self.scalar(frame, *expr)?.kind;
                if convert.is_some_and(|width| width != 4 && *kind != ScalarKind::Bool) {
                    return fault("the CPU device has no types of that width".to_owned());
                }
                let words = self.words(frame, *expr)?;
                words
                    .into_iter()
                    .map(|word| self.convert(word, from, *kind, convert.is_some()))
                    .collect()
            }
            Expression::ArrayLength(array) => {
                let pointer = self.pointer(frame, *array)?;
                vec![self.array_length(&pointer)?]
            }
            other => {
                let text = format!("{other:?}");
                let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                return fault(format!("the CPU device does not evaluate this expression: {name}"));
            }
        };
        if self.checks.is_some() {
            self.watch_result(&function.expressions[handle], &words);
        }
        Ok(Lowered::Words(words))
    }

    /// Checked mode: what arithmetic produced must be ordinary.
    fn watch_result(&mut self, expression: &Expression, words: &[Value]) {
        let arithmetic = matches!(
            expression,
            Expression::Unary { .. }
                | Expression::Binary { .. }
                | Expression::Math { .. }
                | Expression::As { convert: Some(_), .. }
        );
        if arithmetic {
            self.watch_floats(words);
        }
    }

    pub(super) fn watch_floats(&mut self, words: &[Value]) {
        let Some(checks) = self.checks else { return };
        for word in words {
            if self.b.ty(*word) == Ty::F32 {
                self.watch(Watch::Float {
                    value: *word,
                    underflow: checks.underflow,
                });
            }
        }
    }

    fn literal(&mut self, literal: Literal) -> Result<Vec<Value>, Fault> {
        Ok(vec![match literal {
            Literal::F32(value) => self.b.float(value),
            Literal::U32(value) => self.b.int(value),
            Literal::I32(value) => self.b.int(value as u32),
            Literal::Bool(value) => self.b.bool(value),
            other => return fault(format!("the CPU device has no literal {other:?}")),
        }])
    }

    /// A module-wide constant expression.
    pub(super) fn constant(&mut self, handle: Handle<Expression>) -> Result<Vec<Value>, Fault> {
        let module = self.module;
        match &module.global_expressions[handle] {
            Expression::Literal(literal) => self.literal(*literal),
            Expression::Constant(constant) => self.constant(module.constants[*constant].init),
            Expression::ZeroValue(ty) => self.zero(Shape::Named(*ty)),
            Expression::Compose { components, .. } => {
                let mut words = Vec::new();
                for component in components {
                    words.extend(self.constant(*component)?);
                }
                Ok(words)
            }
            Expression::Splat { size, value } => Ok(vec![self.constant(*value)?[0]; *size as usize]),
            other => fault(format!("not a constant: {other:?}")),
        }
    }

    pub(super) fn zero(&mut self, shape: Shape) -> Result<Vec<Value>, Fault> {
        let leaves = shape.leaves(self.module)?;
        Ok(leaves.iter().map(|leaf| self.b.constant(leaf.ty, 0)).collect())
    }

    /// `words[index]` of a value, clamped.
    fn choose(&mut self, shape: Shape, words: &[Value], index: Value) -> Result<Vec<Value>, Fault> {
        let elements = shape.elements(self.module)?;
        let each = elements.words as usize;
        let Some(len) = elements.len else {
            return fault("a value without a fixed size".to_owned());
        };
        if len > 8 {
            // Through memory: an index there is one access.
            let pointer = self.variable(shape, true)?;
            self.store(&pointer, words)?;
            let element = self.element(&pointer, index)?;
            return self.load(&element, false);
        }
        let mut chosen = words[(len as usize - 1) * each..].to_vec();
        for i in (0..len - 1).rev() {
            let i_value = self.b.int(i);
            let here = self.b.ieq(index, i_value);
            for (j, slot) in chosen.iter_mut().enumerate() {
                *slot = self.b.select(here, words[i as usize * each + j], *slot);
            }
        }
        Ok(chosen)
    }

    fn relational(&mut self, fun: RelationalFunction, words: Vec<Value>) -> Result<Vec<Value>, Fault> {
        let b = &mut self.b;
        let combine = |b: &mut super::Builder, op| {
            let mut all = words[0];
            for word in &words[1..] {
                all = b.bin(op, all, *word);
            }
            vec![all]
        };
        Ok(match fun {
            RelationalFunction::All => combine(b, Bin::And),
            RelationalFunction::Any => combine(b, Bin::Or),
            RelationalFunction::IsNan => words.iter().map(|word| b.fne(*word, *word)).collect(),
            RelationalFunction::IsInf => words
                .iter()
                .map(|word| {
                    let size = b.fabs(*word);
                    let infinity = b.float(f32::INFINITY);
                    b.feq(size, infinity)
                })
                .collect(),
        })
    }

    fn convert(&mut self, word: Value, from: ScalarKind, to: ScalarKind, convert: bool) -> Value {
        use ScalarKind::{Bool, Float, Sint, Uint};
        match (from, to, convert) {
            (Float, Sint | Uint, false) => self.b.float_bits(word),
            (Sint | Uint, Float, false) => self.b.bits_float(word),
            (Float, Sint, true) => {
                self.watch_convert(word, true);
                if is_below_i32_max(&self.b.kernel.values, word) {
                    return self.b.signed_of(word);
                }
                let limit = self.b.float(I32_MAX_AS_F32);
                let word = self.b.fmin(word, limit);
                self.b.signed_of(word)
            }
            (Float, Uint, true) => {
                self.watch_convert(word, false);
                let limit = self.b.float(U32_MAX_AS_F32);
                let word = self.b.fmin(word, limit);
                self.b.unsigned_of(word)
            }
            (Sint, Float, true) => self.b.float_of_s(word),
            (Uint, Float, true) => self.b.float_of_u(word),
            (Bool, Float, _) => {
                let (one, zero) = (self.b.float(1.0), self.b.float(0.0));
                self.b.select(word, one, zero)
            }
            (Bool, Sint | Uint, _) => self.b.bool_int(word),
            (Float, Bool, _) => {
                let zero = self.b.float(0.0);
                self.b.fne(word, zero)
            }
            (Sint | Uint, Bool, _) => {
                let zero = self.b.int(0);
                self.b.ine(word, zero)
            }
            _ => word,
        }
    }

    pub(super) fn watch_convert(&mut self, word: Value, signed: bool) {
        self.watch(Watch::Convert(word, signed));
    }
}
