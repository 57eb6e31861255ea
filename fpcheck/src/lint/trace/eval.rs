//! Expressions: what the walk knows of their values.

use naga::{BinaryOperator, Expression, Handle, Literal, MathFunction, RelationalFunction, ScalarKind, TypeInner};

use super::truth::Truth;
use super::value::{AtomKind, Deps, Form, Place, Root, Scalar, Step, Value};
use super::walk::{Frame, Walker};

impl<'m> Walker<'m> {
    /// The value of an expression: as evaluated when it was emitted, or now where it needs no emitting.
    pub(super) fn value(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Value {
        if let Some(value) = frame.cache.get(&handle) {
            return value.clone();
        }
        let value = self.evaluate(frame, handle);
        frame.cache.insert(handle, value.clone());
        value
    }

    pub(super) fn scalar(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Scalar {
        self.value(frame, handle).scalar()
    }

    pub(super) fn evaluate(&mut self, frame: &mut Frame<'m>, handle: Handle<Expression>) -> Value {
        use Expression as E;
        match &frame.body.function.expressions[handle] {
            E::Literal(literal) => literal_value(*literal),
            E::Constant(constant) => self.global_value(self.module.constants[*constant].init),
            E::Override(index) => self.override_value(*index),
            E::ZeroValue(ty) => self.zero(*ty),
            E::Compose { ty, components } => {
                let parts: Vec<Value> = components.iter().map(|part| self.value(frame, *part)).collect();
                compose(&self.module.types[*ty].inner, parts)
            }
            E::Splat { size, value } => Value::Vector(vec![self.scalar(frame, *value); *size as usize]),
            E::Swizzle { size, vector, pattern } => {
                let Value::Vector(parts) = self.value(frame, *vector) else {
                    return Value::Opaque(self.value(frame, *vector).deps());
                };
                let pick = pattern.iter().take(*size as usize).map(|one| parts[*one as usize].clone());
                Value::Vector(pick.collect())
            }
            E::Access { base, index } => {
                let index = self.scalar(frame, *index);
                match self.value(frame, *base) {
                    Value::Pointer(place) => step(place, Step::Index(index)),
                    other => {
                        let deps = other.deps() | index.deps;
                        self.fresh(frame, handle, deps)
                    }
                }
            }
            E::AccessIndex { base, index } => {
                let part = *index as usize;
                match self.value(frame, *base) {
                    Value::Pointer(place) if self.is_array(frame, *base) => step(place, Step::Index(Scalar::constant(*index))),
                    Value::Pointer(place) => step(place, Step::Member(*index)),
                    Value::Vector(parts) if part < parts.len() => Value::Scalar(parts[part].clone()),
                    Value::Struct(parts) if part < parts.len() => parts[part].clone(),
                    other => self.fresh(frame, handle, other.deps()),
                }
            }
            E::FunctionArgument(index) => frame.arguments[*index as usize].clone(),
            E::GlobalVariable(global) => Value::Pointer(Place {
                root: Root::Global(*global),
                path: Vec::new(),
            }),
            E::LocalVariable(variable) => Value::Pointer(Place {
                root: Root::Local(frame.number, variable.index()),
                path: Vec::new(),
            }),
            E::Load { pointer } => match self.value(frame, *pointer) {
                Value::Pointer(place) => self.load(frame, handle, &place),
                other => self.fresh(frame, handle, other.deps()),
            },
            E::Unary { op, expr } => {
                let value = self.value(frame, *expr);
                let op = *op;
                self.each(value, |walker, part| walker.unary(op, &part))
            }
            E::Binary { op, left, right } => {
                let (left, right) = (self.value(frame, *left), self.value(frame, *right));
                let kind = self.kind(frame, handle);
                let op = *op;
                self.pairwise(left, right, |walker, a, b| walker.binary(op, kind, &a, &b))
            }
            E::Select {
                condition,
                accept,
                reject,
            } => {
                let condition = self.value(frame, *condition);
                let (accept, reject) = (self.value(frame, *accept), self.value(frame, *reject));
                self.select(&condition, accept, reject)
            }
            E::As { expr, kind, .. } => {
                let value = self.value(frame, *expr);
                let kind = *kind;
                self.each(value, |walker, part| walker.convert(kind, &part))
            }
            E::Relational { fun, argument } => relational(*fun, &self.value(frame, *argument)),
            E::Math {
                fun,
                arg,
                arg1,
                arg2,
                arg3,
            } => {
                let first = self.value(frame, *arg);
                let mut rest = Vec::new();
                for other in [arg1, arg2, arg3].into_iter().flatten() {
                    rest.push(self.value(frame, *other));
                }
                self.math(frame, handle, *fun, first, rest)
            }
            E::ArrayLength(pointer) => match self.value(frame, *pointer) {
                Value::Pointer(Place {
                    root: Root::Global(global),
                    ..
                }) => {
                    let atom = self.atoms.atom(AtomKind::Length(global), Deps::NONE);
                    Value::Scalar(Scalar::atom(atom, &self.atoms))
                }
                other => self.fresh(frame, handle, other.deps()),
            },
            // Results of statements are put into the cache by those; whatever else there is differs between invocations.
            _ => self.fresh(frame, handle, Deps::LOCAL | Deps::GROUP | Deps::MEMORY),
        }
    }

    /// A value of an expression's type of which only this is known: what it depends on.
    pub(super) fn fresh(&mut self, frame: &Frame<'m>, handle: Handle<Expression>, deps: Deps) -> Value {
        let inner = frame.body.inner(handle).clone();
        self.fresh_of(&inner, deps)
    }

    pub(super) fn fresh_of(&mut self, inner: &TypeInner, deps: Deps) -> Value {
        match inner {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => Value::Scalar(self.fresh_scalar(scalar.kind, deps)),
            TypeInner::Vector { size, scalar } => {
                Value::Vector((0..*size as usize).map(|_| self.fresh_scalar(scalar.kind, deps)).collect())
            }
            _ => Value::Opaque(deps),
        }
    }

    pub(super) fn fresh_scalar(&mut self, kind: ScalarKind, deps: Deps) -> Scalar {
        match kind {
            ScalarKind::Sint | ScalarKind::Uint => {
                let atom = self.atoms.other(deps);
                Scalar::atom(atom, &self.atoms)
            }
            ScalarKind::Bool => Scalar {
                form: Form::Bool(Truth::Unknown(deps)),
                deps,
            },
            _ => Scalar::unknown(deps),
        }
    }

    fn kind(&self, frame: &Frame<'m>, handle: Handle<Expression>) -> ScalarKind {
        frame.body.scalar(handle).map_or(ScalarKind::Float, |scalar| scalar.kind)
    }

    fn is_array(&self, frame: &Frame<'m>, pointer: Handle<Expression>) -> bool {
        match frame.body.inner(pointer) {
            TypeInner::Pointer { base, .. } => matches!(self.module.types[*base].inner, TypeInner::Array { .. }),
            _ => false,
        }
    }

    /// The value of a constant expression of the module.
    pub(super) fn global_value(&mut self, handle: Handle<Expression>) -> Value {
        use Expression as E;
        let module = self.module;
        match &module.global_expressions[handle] {
            E::Literal(literal) => literal_value(*literal),
            E::Constant(constant) => self.global_value(module.constants[*constant].init),
            E::Override(index) => self.override_value(*index),
            E::ZeroValue(ty) => self.zero(*ty),
            E::Splat { size, value } => Value::Vector(vec![self.global_value(*value).scalar(); *size as usize]),
            E::Compose { ty, components } => {
                let parts = components.iter().map(|part| self.global_value(*part)).collect();
                compose(&module.types[*ty].inner, parts)
            }
            E::Unary { op, expr } => {
                let value = self.global_value(*expr);
                self.each(value, |walker, part| walker.unary(*op, &part))
            }
            E::Binary { op, left, right } => {
                let (left, right) = (self.global_value(*left), self.global_value(*right));
                self.pairwise(left, right, |walker, a, b| walker.binary(*op, ScalarKind::Uint, &a, &b))
            }
            _ => Value::Opaque(Deps::NONE),
        }
    }

    fn override_value(&mut self, handle: Handle<naga::Override>) -> Value {
        let known = self.overrides.get(&handle.index()).copied();
        let constant = &self.module.overrides[handle];
        let kind = self.module.types[constant.ty].inner.scalar_kind();
        match (kind, known, constant.init) {
            (Some(ScalarKind::Uint), Some(value), _) => Value::Scalar(Scalar::constant(value as u32)),
            (Some(ScalarKind::Sint), Some(value), _) => Value::Scalar(Scalar::constant(value as i32 as u32)),
            (Some(ScalarKind::Bool), Some(value), _) => truth_value(Truth::Known(value != 0.0)),
            (_, None, Some(init)) if self.defaults => self.global_value(init),
            (Some(ScalarKind::Uint | ScalarKind::Sint), ..) => {
                let atom = self.atoms.atom(AtomKind::Override(handle.index()), Deps::NONE);
                Value::Scalar(Scalar::atom(atom, &self.atoms))
            }
            _ => Value::Scalar(Scalar::unknown(Deps::NONE)),
        }
    }

    pub(super) fn zero(&self, ty: Handle<naga::Type>) -> Value {
        let zero = |kind| match kind {
            ScalarKind::Bool => Scalar {
                form: Form::Bool(Truth::Known(false)),
                deps: Deps::NONE,
            },
            ScalarKind::Sint | ScalarKind::Uint => Scalar::constant(0),
            _ => Scalar::unknown(Deps::NONE),
        };
        match &self.module.types[ty].inner {
            TypeInner::Scalar(scalar) => Value::Scalar(zero(scalar.kind)),
            TypeInner::Vector { size, scalar } => Value::Vector(vec![zero(scalar.kind); *size as usize]),
            TypeInner::Struct { members, .. } => Value::Struct(members.iter().map(|member| self.zero(member.ty)).collect()),
            _ => Value::Opaque(Deps::NONE),
        }
    }

    fn math(
        &mut self,
        frame: &Frame<'m>,
        handle: Handle<Expression>,
        fun: MathFunction,
        first: Value,
        rest: Vec<Value>,
    ) -> Value {
        let deps = first.deps() | rest.iter().map(Value::deps).collect();
        match (fun, rest.as_slice()) {
            (MathFunction::Min, [second]) => self.smaller(first, second.clone()),
            (MathFunction::Max, [second]) => self.larger(first, second.clone()),
            (MathFunction::Clamp, [low, high]) => {
                let raised = self.larger(first, low.clone());
                self.smaller(raised, high.clone())
            }
            _ => self.fresh(frame, handle, deps),
        }
    }

    fn smaller(&mut self, a: Value, b: Value) -> Value {
        let below = |walker: &mut Self, a, b| walker.binary(BinaryOperator::LessEqual, ScalarKind::Bool, &a, &b);
        let condition = self.pairwise(a.clone(), b.clone(), below);
        self.select(&condition, a, b)
    }

    fn larger(&mut self, a: Value, b: Value) -> Value {
        let above = |walker: &mut Self, a, b| walker.binary(BinaryOperator::GreaterEqual, ScalarKind::Bool, &a, &b);
        let condition = self.pairwise(a.clone(), b.clone(), above);
        self.select(&condition, a, b)
    }
}

fn step(mut place: Place, step: Step) -> Value {
    place.path.push(step);
    Value::Pointer(place)
}

fn truth_value(truth: Truth) -> Value {
    Value::Scalar(Scalar {
        deps: truth.deps(),
        form: Form::Bool(truth),
    })
}

fn literal_value(literal: Literal) -> Value {
    match literal {
        Literal::U32(value) => Value::Scalar(Scalar::constant(value)),
        Literal::I32(value) => Value::Scalar(Scalar::constant(value as u32)),
        Literal::Bool(value) => truth_value(Truth::Known(value)),
        _ => Value::Scalar(Scalar::unknown(Deps::NONE)),
    }
}

/// Parts put together: a vector's parts may be vectors.
fn compose(inner: &TypeInner, parts: Vec<Value>) -> Value {
    match inner {
        TypeInner::Vector { .. } => Value::Vector(
            parts
                .into_iter()
                .flat_map(|part| match part {
                    Value::Vector(inside) => inside,
                    other => vec![other.scalar()],
                })
                .collect(),
        ),
        TypeInner::Struct { .. } => Value::Struct(parts),
        _ => Value::Opaque(parts.iter().map(Value::deps).collect()),
    }
}

fn relational(fun: RelationalFunction, argument: &Value) -> Value {
    let parts = match argument {
        Value::Vector(parts) => parts.clone(),
        other => vec![other.scalar()],
    };
    let truths = parts.iter().map(Scalar::truth);
    match fun {
        RelationalFunction::All => truth_value(truths.fold(Truth::Known(true), |all, one| all.and(&one))),
        RelationalFunction::Any => truth_value(truths.fold(Truth::Known(false), |any, one| any.or(&one))),
        _ => truth_value(Truth::Unknown(argument.deps())),
    }
}
