//! What comes from buffers is made canonical, and what goes there has one NaN and one zero.
//!
//! A buffer may hold anything: the initial state is the scientist's, and other passes may skip `canonical`.

use naga::{BinaryOperator, Expression, Handle, ScalarKind, Type, TypeInner, VectorSize};

use super::Refusal;
use super::rebuild::{Rebuild, is_float};
use crate::Reason;

/// Most scalars of a structure or array that is loaded or stored as a whole.
const SCALARS_MAX: u64 = 1024;

/// What is done to a scalar or vector of floats.
type Leaf<'a> = fn(&mut Rebuild<'a>, Handle<Expression>, Option<VectorSize>) -> Handle<Expression>;

impl<'a> Rebuild<'a> {
    /// A value from a buffer; `old` has its type.
    pub(super) fn loaded(&mut self, value: Handle<Expression>, old: Handle<Expression>) -> Result<Handle<Expression>, Refusal> {
        self.each_leaf(value, old, |rebuild, value, size| rebuild.canonical(value, size))
    }

    /// A value on its way to a buffer; `old` has its type.
    pub(super) fn kept(&mut self, value: Handle<Expression>, old: Handle<Expression>) -> Result<Handle<Expression>, Refusal> {
        self.each_leaf(value, old, |rebuild, value, size| rebuild.plain(value, size))
    }

    fn each_leaf(
        &mut self,
        value: Handle<Expression>,
        old: Handle<Expression>,
        leaf: Leaf<'a>,
    ) -> Result<Handle<Expression>, Refusal> {
        if !self.is_canonical() {
            return Ok(value);
        }
        let inner = self.inner(old);
        if self.scalars(inner) > SCALARS_MAX {
            return Err(Refusal::at(self.span, &Reason::MovesTooMuch(SCALARS_MAX)));
        }
        Ok(self.leaves(value, inner, self.type_handle(old), leaf))
    }

    fn scalars(&self, inner: &TypeInner) -> u64 {
        let of = |ty: &Handle<Type>| self.scalars(&self.context.module.types[*ty].inner);
        match inner {
            TypeInner::Array { base, size, .. } => match size {
                naga::ArraySize::Constant(count) => of(base).saturating_mul(u64::from(count.get())),
                _ => u64::MAX,
            },
            TypeInner::Struct { members, .. } => members.iter().map(|member| of(&member.ty)).fold(0, u64::saturating_add),
            TypeInner::Matrix { columns, rows, .. } => *columns as u64 * *rows as u64,
            TypeInner::Vector { size, .. } => *size as u64,
            _ => 1,
        }
    }

    fn has_floats(&self, inner: &TypeInner) -> bool {
        let of = |ty: &Handle<Type>| self.has_floats(&self.context.module.types[*ty].inner);
        match inner {
            TypeInner::Array { base, .. } => of(base),
            TypeInner::Struct { members, .. } => members.iter().any(|member| of(&member.ty)),
            other => is_float(other),
        }
    }

    fn leaves(
        &mut self,
        value: Handle<Expression>,
        inner: &TypeInner,
        ty: Option<Handle<Type>>,
        leaf: Leaf<'a>,
    ) -> Handle<Expression> {
        if !self.has_floats(inner) {
            return value;
        }
        let types = &self.context.module.types;
        let parts: Vec<(TypeInner, Option<Handle<Type>>)> = match inner {
            TypeInner::Scalar(_) => return leaf(self, value, None),
            TypeInner::Vector { size, .. } => return leaf(self, value, Some(*size)),
            TypeInner::Matrix { columns, rows, scalar } => {
                let column = TypeInner::Vector {
                    size: *rows,
                    scalar: *scalar,
                };
                vec![(column, None); *columns as usize]
            }
            TypeInner::Array {
                base,
                size: naga::ArraySize::Constant(count),
                ..
            } => vec![(types[*base].inner.clone(), Some(*base)); count.get() as usize],
            TypeInner::Struct { members, .. } => {
                let each = members.iter().map(|member| (types[member.ty].inner.clone(), Some(member.ty)));
                each.collect()
            }
            _ => return value,
        };
        let mut components = Vec::with_capacity(parts.len());
        for (index, (inner, ty)) in parts.iter().enumerate() {
            let part = self.part(value, index);
            components.push(self.leaves(part, inner, *ty, leaf));
        }
        let ty = match ty {
            Some(ty) => ty,
            None => self.ty(inner.clone()),
        };
        self.emit(Expression::Compose { ty, components })
    }

    /// Every NaN becomes the one quiet NaN, and -0 becomes +0, by the bits: a device's compiler may take either for the other.
    pub(super) fn plain(&mut self, value: Handle<Expression>, size: Option<VectorSize>) -> Handle<Expression> {
        let bits = self.emit(Expression::As {
            expr: value,
            kind: ScalarKind::Uint,
            convert: None,
        });
        let [sign, magnitude, infinity, quiet, zero] = [0x8000_0000, 0x7fff_ffff, 0x7f80_0000, 0x7fc0_0000, 0].map(|word| {
            let word = self.word(word);
            self.spread(word, size)
        });
        let is_zero = self.binary(BinaryOperator::Equal, bits, sign);
        let magnitude = self.binary(BinaryOperator::And, bits, magnitude);
        let is_nan = self.binary(BinaryOperator::Greater, magnitude, infinity);
        let bits = self.select(is_zero, zero, bits);
        let bits = self.select(is_nan, quiet, bits);
        self.emit(Expression::As {
            expr: bits,
            kind: ScalarKind::Float,
            convert: None,
        })
    }
}
