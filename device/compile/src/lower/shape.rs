//! Types taken apart: how many scalars a type has, and where each lies.
//!
//! There are two layouts. *Host* is WGSL's own, for buffers. *Packed* has no padding and four bytes for a `bool`; it serves
//! workgroup and private memory, which nobody outside sees.

use naga::{ArraySize, Handle, Module, Scalar, ScalarKind, Type, TypeInner};

use super::{Fault, fault};
use crate::ir::Ty;

/// Most scalars a value may have that is not in memory.
const VALUE_WORDS_MAX: u64 = 4096;

/// A type, or a part of one that has no handle.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Named(Handle<Type>),
    /// Columns and rows.
    Matrix(u32, u32, Scalar),
    Vector(u32, Scalar),
    Scalar(Scalar),
}

/// What an array, a matrix or a vector consists of.
pub(super) struct Elements {
    pub(super) shape: Shape,
    /// Bytes from one to the next in host layout.
    pub(super) host_stride: u32,
    pub(super) words: u64,
    /// `None` for an array that ends with its buffer.
    pub(super) len: Option<u32>,
}

/// One scalar of a type.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    /// Bytes in host layout.
    pub(super) host: u32,
    pub(super) ty: Ty,
}

pub(super) fn scalar_ty(scalar: Scalar) -> Result<Ty, Fault> {
    match (scalar.kind, scalar.width) {
        (ScalarKind::Float, 4) => Ok(Ty::F32),
        (ScalarKind::Sint | ScalarKind::Uint, 4) => Ok(Ty::I32),
        (ScalarKind::Bool, _) => Ok(Ty::Bool),
        (kind, width) => fault(format!(
            "the CPU device has no {}-bit {kind:?} type: use f32, i32 or u32",
            u32::from(width) * 8
        )),
    }
}

impl Shape {
    /// The shape of a type; looks through pointers.
    pub(super) fn of(inner: &TypeInner, handle: Option<Handle<Type>>) -> Result<Self, Fault> {
        match *inner {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => Ok(Self::Scalar(scalar)),
            TypeInner::Vector { size, scalar } => Ok(Self::Vector(size as u32, scalar)),
            TypeInner::Matrix { columns, rows, scalar } => Ok(Self::Matrix(columns as u32, rows as u32, scalar)),
            TypeInner::Pointer { base, .. } => Ok(Self::Named(base)),
            TypeInner::ValuePointer {
                size: Some(size),
                scalar,
                ..
            } => Ok(Self::Vector(size as u32, scalar)),
            TypeInner::ValuePointer { size: None, scalar, .. } => Ok(Self::Scalar(scalar)),
            _ => match handle {
                Some(handle) => Ok(Self::Named(handle)),
                None => fault(format!("the CPU device does not know the type {inner:?}")),
            },
        }
    }

    /// Scalars, whether they fit in a value or not.
    pub(super) fn words(self, module: &Module) -> Result<u64, Fault> {
        match self {
            Self::Scalar(_) => Ok(1),
            Self::Vector(size, _) => Ok(u64::from(size)),
            Self::Matrix(columns, rows, _) => Ok(u64::from(columns) * u64::from(rows)),
            Self::Named(handle) => match &module.types[handle].inner {
                TypeInner::Scalar(_) | TypeInner::Atomic(_) => Ok(1),
                TypeInner::Vector { size, .. } => Ok(*size as u64),
                TypeInner::Matrix { columns, rows, .. } => Ok(*columns as u64 * *rows as u64),
                TypeInner::Array { base, size, .. } => match size {
                    ArraySize::Constant(len) => {
                        let words = Self::Named(*base).words(module)?.checked_mul(u64::from(len.get()));
                        words.ok_or_else(|| Fault::limit("an array", u64::MAX, u64::from(u32::MAX)))
                    }
                    _ => fault("an array without a fixed size cannot be a value".to_owned()),
                },
                TypeInner::Struct { members, .. } => {
                    let mut words: u64 = 0;
                    for member in members {
                        words = words.saturating_add(Self::Named(member.ty).words(module)?);
                    }
                    Ok(words)
                }
                inner => fault(format!("the CPU device does not know the type {inner:?}")),
            },
        }
    }

    /// Every scalar, in order.
    pub(super) fn leaves(self, module: &Module) -> Result<Vec<Leaf>, Fault> {
        let words = self.words(module)?;
        if words > VALUE_WORDS_MAX {
            return Err(Fault::limit("a value outside memory, in scalars,", words, VALUE_WORDS_MAX));
        }
        let mut leaves = Vec::with_capacity(words as usize);
        self.add_leaves(module, 0, &mut leaves)?;
        Ok(leaves)
    }

    fn add_leaves(self, module: &Module, at: u32, leaves: &mut Vec<Leaf>) -> Result<(), Fault> {
        if let Self::Scalar(scalar) = self {
            leaves.push(Leaf {
                host: at,
                ty: scalar_ty(scalar)?,
            });
            return Ok(());
        }
        if let Self::Named(handle) = self {
            match &module.types[handle].inner {
                TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => {
                    return Self::Scalar(*scalar).add_leaves(module, at, leaves);
                }
                TypeInner::Struct { members, .. } => {
                    for member in members {
                        Self::Named(member.ty).add_leaves(module, at + member.offset, leaves)?;
                    }
                    return Ok(());
                }
                _ => {}
            }
        }
        let elements = self.elements(module)?;
        for index in 0..elements.len.unwrap_or(0) {
            elements.shape.add_leaves(module, at + index * elements.host_stride, leaves)?;
        }
        Ok(())
    }

    /// What `value[index]` is for each index.
    pub(super) fn elements(self, module: &Module) -> Result<Elements, Fault> {
        match self {
            Self::Vector(size, scalar) => Ok(Elements {
                shape: Self::Scalar(scalar),
                host_stride: 4,
                words: 1,
                len: Some(size),
            }),
            Self::Matrix(columns, rows, scalar) => Ok(Elements {
                shape: Self::Vector(rows, scalar),
                host_stride: if rows == 2 { 8 } else { 16 },
                words: u64::from(rows),
                len: Some(columns),
            }),
            Self::Scalar(_) => fault("a scalar has no elements".to_owned()),
            Self::Named(handle) => match &module.types[handle].inner {
                TypeInner::Vector { size, scalar } => Self::Vector(*size as u32, *scalar).elements(module),
                TypeInner::Matrix { columns, rows, scalar } => {
                    Self::Matrix(*columns as u32, *rows as u32, *scalar).elements(module)
                }
                TypeInner::Array { base, size, stride } => Ok(Elements {
                    shape: Self::Named(*base),
                    host_stride: *stride,
                    words: Self::Named(*base).words(module)?,
                    len: match size {
                        ArraySize::Constant(len) => Some(len.get()),
                        _ => None,
                    },
                }),
                inner => fault(format!("{inner:?} has no elements")),
            },
        }
    }

    /// A part at a fixed index: its shape, its host offset in bytes, its offset in scalars.
    pub(super) fn part(self, module: &Module, index: u32) -> Result<(Self, u32, u64), Fault> {
        if let Self::Named(handle) = self
            && let TypeInner::Struct { members, .. } = &module.types[handle].inner
        {
            let mut words = 0;
            for member in &members[..index as usize] {
                words += Self::Named(member.ty).words(module)?;
            }
            let member = &members[index as usize];
            return Ok((Self::Named(member.ty), member.offset, words));
        }
        let elements = self.elements(module)?;
        let host = index
            .checked_mul(elements.host_stride)
            .ok_or_else(|| Fault::limit("an index", u64::from(index), u64::from(u32::MAX)))?;
        Ok((elements.shape, host, u64::from(index) * elements.words))
    }

    /// The scalar a pointer to an atomic, a scalar or a vector leads to.
    pub(super) fn scalar(self, module: &Module) -> Option<Scalar> {
        match self {
            Self::Scalar(scalar) | Self::Vector(_, scalar) | Self::Matrix(_, _, scalar) => Some(scalar),
            Self::Named(handle) => match module.types[handle].inner {
                TypeInner::Scalar(scalar)
                | TypeInner::Atomic(scalar)
                | TypeInner::Vector { scalar, .. }
                | TypeInner::Matrix { scalar, .. } => Some(scalar),
                _ => None,
            },
        }
    }

    pub(super) fn is_atomic(self, module: &Module) -> bool {
        matches!(self, Self::Named(handle) if matches!(module.types[handle].inner, TypeInner::Atomic(_)))
    }
}
