//! Appending expressions to a function that is being rebuilt.
//!
//! Invariant: expressions between two flushes form one `Emit`; what must not be emitted (literals, results of calls) ends the run.
//!
//! An expression's *grain* is a power of two that every value of it is a multiple of. A sum or product whose grain is 2^-125 or
//! more is 0 or larger than 2^-126: it needs no `canonical`. So integers, fixed point, and sums with constants cost nothing.

use naga::{
    BinaryOperator, Expression, Handle, Literal, MathFunction, Range, Scalar, Span, Statement, Type, TypeInner, VectorSize,
};

use super::TINY;
use super::rebuild::Rebuild;

/// Grain of which nothing is known but that it is an f32.
pub(super) const FINEST: i32 = -149;
/// Grain of 0.
const NONE: i32 = 1000;
/// From this grain on nothing underflows.
const SAFE: i32 = -125;

impl Rebuild<'_> {
    /// End the run of emitted expressions.
    pub(super) fn flush(&mut self) {
        if let Some((first, last)) = self.run.take() {
            self.block
                .push(Statement::Emit(Range::new_from_bounds(first, last)), Span::UNDEFINED);
        }
    }

    /// Append what is not emitted.
    pub(super) fn declare(&mut self, expression: Expression) -> Handle<Expression> {
        self.flush();
        let grain = match &expression {
            Expression::Literal(Literal::F32(value)) => grain_of(*value),
            Expression::ZeroValue(_) => NONE,
            _ => FINEST,
        };
        self.append(expression, grain)
    }

    fn append(&mut self, expression: Expression, grain: i32) -> Handle<Expression> {
        self.grains.push(grain);
        self.new.expressions.append(expression, self.span)
    }

    /// Append and emit.
    pub(super) fn emit(&mut self, expression: Expression) -> Handle<Expression> {
        let grain = self.grain_through(&expression);
        let handle = self.append(expression, grain);
        let first = self.run.map_or(handle, |(first, _)| first);
        self.run = Some((first, handle));
        handle
    }

    pub(super) fn grain(&self, handle: Handle<Expression>) -> i32 {
        self.grains[handle.index()]
    }

    pub(super) fn set_grain(&mut self, handle: Handle<Expression>, grain: i32) {
        self.grains[handle.index()] = grain.clamp(FINEST, NONE);
    }

    /// Of what only moves values about.
    fn grain_through(&self, expression: &Expression) -> i32 {
        let least = |handles: &[Handle<Expression>]| handles.iter().map(|handle| self.grain(*handle)).min().unwrap_or(FINEST);
        match expression {
            Expression::Compose { components, .. } => least(components),
            Expression::Splat { value: from, .. }
            | Expression::Swizzle { vector: from, .. }
            | Expression::AccessIndex { base: from, .. }
            | Expression::Unary { expr: from, .. }
            | Expression::Math {
                fun: MathFunction::Abs,
                arg: from,
                ..
            } => self.grain(*from),
            Expression::Select { accept, reject, .. } => least(&[*accept, *reject]),
            _ => FINEST,
        }
    }

    pub(super) fn literal(&mut self, literal: Literal) -> Handle<Expression> {
        let key = match literal {
            Literal::F32(value) => (0, value.to_bits()),
            Literal::U32(value) => (1, value),
            Literal::I32(value) => (2, value as u32),
            Literal::Bool(value) => (3, u32::from(value)),
            other => return self.declare(Expression::Literal(other)),
        };
        if let Some(handle) = self.literals.get(&key) {
            return *handle;
        }
        let handle = self.declare(Expression::Literal(literal));
        self.literals.insert(key, handle);
        handle
    }

    pub(super) fn float(&mut self, value: f32) -> Handle<Expression> {
        self.literal(Literal::F32(value))
    }

    pub(super) fn word(&mut self, value: u32) -> Handle<Expression> {
        self.literal(Literal::U32(value))
    }

    /// A scalar, or as many of it as a vector has.
    pub(super) fn spread(&mut self, value: Handle<Expression>, size: Option<VectorSize>) -> Handle<Expression> {
        match size {
            Some(size) => self.emit(Expression::Splat { size, value }),
            None => value,
        }
    }

    pub(super) fn ty(&mut self, inner: TypeInner) -> Handle<Type> {
        self.types.insert(Type { name: None, inner }, Span::UNDEFINED)
    }

    pub(super) fn vector_type(&mut self, size: VectorSize, scalar: Scalar) -> Handle<Type> {
        self.ty(TypeInner::Vector { size, scalar })
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOperator,
        left: Handle<Expression>,
        right: Handle<Expression>,
    ) -> Handle<Expression> {
        self.emit(Expression::Binary { op, left, right })
    }

    pub(super) fn select(
        &mut self,
        condition: Handle<Expression>,
        accept: Handle<Expression>,
        reject: Handle<Expression>,
    ) -> Handle<Expression> {
        self.emit(Expression::Select {
            condition,
            accept,
            reject,
        })
    }

    /// A component.
    pub(super) fn part(&mut self, base: Handle<Expression>, index: usize) -> Handle<Expression> {
        match &self.new.expressions[base] {
            // Vectors may be composed of shorter ones.
            Expression::Compose { ty, components } if components.len() == self.count_of(*ty) => return components[index],
            Expression::Splat { value, .. } => return *value,
            Expression::ZeroValue(ty) if matches!(self.types[*ty].inner, TypeInner::Vector { scalar: Scalar::F32, .. }) => {
                return self.float(0.0);
            }
            Expression::Constant(constant) => {
                let module = self.context.module;
                let init = &module.global_expressions[module.constants[*constant].init];
                if let Expression::Compose { components, .. } = init
                    && let Some(Expression::Literal(literal)) =
                        components.get(index).map(|one| &module.global_expressions[*one])
                {
                    let literal = self.canonical_literal(*literal);
                    return self.literal(literal);
                }
            }
            _ => {}
        }
        let index = index as u32;
        self.emit(Expression::AccessIndex { base, index })
    }

    pub(super) fn compose(&mut self, components: Vec<Handle<Expression>>, scalar: Scalar) -> Handle<Expression> {
        let size = match components.len() {
            1 => return components[0],
            2 => VectorSize::Bi,
            3 => VectorSize::Tri,
            _ => VectorSize::Quad,
        };
        let ty = self.vector_type(size, scalar);
        self.emit(Expression::Compose { ty, components })
    }

    fn count_of(&self, ty: Handle<Type>) -> usize {
        match &self.types[ty].inner {
            TypeInner::Vector { size, .. } => *size as usize,
            TypeInner::Matrix { columns, .. } => *columns as usize,
            _ => usize::MAX,
        }
    }

    /// Call a library function.
    pub(super) fn call(&mut self, name: &'static str, arguments: Vec<Handle<Expression>>) -> Handle<Expression> {
        let function = self.context.library[name];
        self.used.insert(name);
        let result = self.declare(Expression::CallResult(function));
        let statement = Statement::Call {
            function,
            arguments,
            result: Some(result),
        };
        self.block.push(statement, self.span);
        result
    }

    /// Whether `canonical` is put in.
    pub(super) fn is_canonical(&self) -> bool {
        self.context.policy.is_canonical()
    }

    /// Magnitudes up to 2^-126 become +0, of a scalar or a vector.
    pub(super) fn canonical(&mut self, value: Handle<Expression>, size: Option<VectorSize>) -> Handle<Expression> {
        let (tiny, zero) = (self.float(TINY), self.float(0.0));
        let grain = self.grain(value);
        let magnitude = self.emit(Expression::Math {
            fun: MathFunction::Abs,
            arg: value,
            arg1: None,
            arg2: None,
            arg3: None,
        });
        let (tiny, zero) = (self.spread(tiny, size), self.spread(zero, size));
        let vanishes = self.binary(BinaryOperator::LessEqual, magnitude, tiny);
        let result = self.select(vanishes, zero, value);
        self.set_grain(result, grain);
        result
    }

    /// `left op right` for `+ - *` of scalars or vectors; canonical where it may underflow.
    pub(super) fn arithmetic(
        &mut self,
        op: BinaryOperator,
        left: Handle<Expression>,
        right: Handle<Expression>,
        size: Option<VectorSize>,
    ) -> Handle<Expression> {
        if let (Expression::Literal(Literal::F32(a)), Expression::Literal(Literal::F32(b))) =
            (&self.new.expressions[left], &self.new.expressions[right])
        {
            let value = match op {
                BinaryOperator::Add => a + b,
                BinaryOperator::Subtract => a - b,
                _ => a * b,
            };
            if value.is_finite() {
                let literal = self.canonical_literal(Literal::F32(value));
                return self.literal(literal);
            }
        }
        let result = self.binary(op, left, right);
        if !self.is_canonical() {
            return result;
        }
        let (a, b) = (self.grain(left), self.grain(right));
        let (known_a, known_b) = (self.exponent(left), self.exponent(right));
        let known = known_a.max(known_b);
        let grain = match op {
            BinaryOperator::Multiply => a.saturating_add(b),
            // Next to a constant of 2^e a sum is a multiple of 2^(e - 24): nearer to 0 both are about as large.
            _ => a.min(b).max(known.map_or(FINEST, |e| e - 25)),
        };
        self.set_grain(result, grain);
        let grows = op == BinaryOperator::Multiply && known.is_some_and(|e| e >= 0);
        if grain >= SAFE || grows {
            return result;
        }
        self.canonical(result, size)
    }

    /// `e` with 2^e <= |x|, where `x` is a literal other than 0, or many of one.
    fn exponent(&self, handle: Handle<Expression>) -> Option<i32> {
        match &self.new.expressions[handle] {
            Expression::Literal(Literal::F32(value)) if *value != 0.0 && value.is_finite() => {
                Some(((value.to_bits() >> 23) & 0xff) as i32 - 127)
            }
            Expression::Splat { value, .. } => self.exponent(*value),
            _ => None,
        }
    }
}

/// The largest power of two that a number is a multiple of.
fn grain_of(value: f32) -> i32 {
    let bits = value.to_bits();
    let exponent = ((bits >> 23) & 0xff) as i32;
    if value == 0.0 {
        return NONE;
    }
    if exponent == 0 || exponent == 255 {
        return FINEST;
    }
    let significand = (bits & 0x007f_ffff) | 0x0080_0000;
    exponent - 150 + significand.trailing_zeros() as i32
}

#[cfg(test)]
mod tests {
    use super::grain_of;

    #[test]
    fn a_grain_divides_its_number_and_no_larger_power_of_two_does() {
        for value in [1.0_f32, 3.0, 0.1, 96.0, 1e-30, -0.75, f32::MAX, f32::MIN_POSITIVE] {
            let grain = f64::from(grain_of(value)).exp2();
            assert_eq!((f64::from(value) / grain).fract(), 0.0, "{value}");
            assert_ne!((f64::from(value) / grain / 2.0).fract(), 0.0, "{value}");
        }
    }
}
