//! Pointers, and what is read and written through them.
//!
//! Out of bounds, in memory that invocations share, a load gives 0 and a store or an atomic does nothing. Behind each buffer lie zeros
//! that nothing writes ([`ZEROS_BYTES`]), so a load from an array that ends with its buffer clamps its index to the array's length, not to its last
//! element, and costs no more than a clamp. Other loads choose between what they read and 0. Stores and atomics are masked by the emitter. An index into
//! an invocation's own memory is clamped.

use naga::Module;

use super::shape::{Leaf, Shape};
use super::{Fault, Lower, fault};
use crate::abi::ZEROS_BYTES;
use crate::ir::{Bin, Place, Space, Stmt, Term, Touch, Ty, Value, Var};

/// Where a pointer leads.
#[derive(Clone, Debug)]
pub(super) enum Root {
    /// Variables, one for each scalar.
    Vars { vars: Vec<Var> },
    /// A buffer, in WGSL's layout. It ends at byte `end`. With `padded`, the place's first index leads to zeros where it equals its length.
    Host { place: Place, end: u32, padded: bool },
    /// Memory without padding, `scale` bytes for each scalar.
    Packed { place: Place, scale: u32 },
}

/// A pointer with what it points to.
#[derive(Clone, Debug)]
pub(super) struct Pointer {
    pub(super) root: Root,
    pub(super) shape: Shape,
}

impl Pointer {
    /// Elements of an array, a matrix or a vector; an array that ends with its buffer has as many as fit.
    fn len(&self, module: &Module) -> Result<u32, Fault> {
        let elements = self.shape.elements(module)?;
        Ok(match (elements.len, &self.root) {
            (Some(len), _) => len,
            (None, Root::Host { place, end, .. }) => ((end - place.base) / elements.host_stride.max(1)).max(1),
            (None, _) => 1,
        })
    }

    /// `&(*self)[index]` with an index within, or `&(*self).member`.
    fn part(&self, module: &Module, index: u32) -> Result<Self, Fault> {
        let (shape, host, words) = self.shape.part(module, index)?;
        let root = match &self.root {
            Root::Vars { vars } => {
                let count = shape.words(module)?;
                Root::Vars {
                    vars: vars[words as usize..(words + count) as usize].to_vec(),
                }
            }
            Root::Host { place, end, padded } => Root::Host {
                place: moved(place, host),
                end: *end,
                padded: *padded,
            },
            Root::Packed { place, scale } => Root::Packed {
                place: moved(place, words as u32 * scale),
                scale: *scale,
            },
        };
        Ok(Self { root, shape })
    }
}

impl Root {
    /// Let a load's first index lead one element further, to the zeros that lie there.
    pub(super) fn pad(&self, place: &mut Place) {
        if let (Self::Host { padded: true, .. }, Some(term)) = (self, place.terms.first_mut())
            && !term.proven
        {
            term.len += 1;
        }
    }
}

/// Whether an array ends with its buffer, and the zeros behind that are as long as one more element.
fn ends_at(place: &Place, stride: u32, len: u32, end: u32) -> bool {
    let array_end = u64::from(place.base) + u64::from(stride) * u64::from(len);
    array_end == u64::from(end) && stride <= ZEROS_BYTES
}

fn moved(place: &Place, bytes: u32) -> Place {
    Place {
        base: place.base + bytes,
        ..place.clone()
    }
}

impl Lower<'_> {
    /// `&(*pointer)[index]` or `&(*pointer).member`. A fixed index past the end of an array that ends with its buffer is treated, and
    /// found by checked mode, like any other.
    pub(super) fn part(&mut self, pointer: &Pointer, index: u32) -> Result<Pointer, Fault> {
        match pointer.shape.elements(self.module) {
            Ok(elements) if elements.len.is_none() && index >= pointer.len(self.module)? => {
                let index = self.b.int(index);
                self.element(pointer, index)
            }
            _ => pointer.part(self.module, index),
        }
    }

    /// `&(*pointer)[index]` with an index known at run time.
    pub(super) fn element(&mut self, pointer: &Pointer, index: Value) -> Result<Pointer, Fault> {
        let len = pointer.len(self.module)?;
        if let Some(fixed) = self.b.constant_of(index)
            && fixed < len
        {
            return pointer.part(self.module, fixed);
        }
        let elements = pointer.shape.elements(self.module)?;
        let proven = self.b.max(index) < len;
        // An index that is within with what is added to it shares its address with its neighbors.
        let (index, more) = if proven { self.b.without_constant(index) } else { (index, 0) };
        let with = |place: &Place, stride: u32, len: u32| {
            let mut place = moved(place, stride * more);
            place.terms.push(Term {
                index,
                stride,
                len: len - more,
                proven,
            });
            place
        };
        let root = match &pointer.root {
            Root::Vars { .. } => return fault("a variable in registers is indexed dynamically".to_owned()),
            Root::Host { place, end, padded } => Root::Host {
                place: with(place, elements.host_stride, len),
                end: *end,
                padded: *padded || place.terms.is_empty() && ends_at(place, elements.host_stride, len, *end),
            },
            Root::Packed { place, scale } => Root::Packed {
                place: with(place, elements.words as u32 * scale, len),
                scale: *scale,
            },
        };
        Ok(Pointer {
            root,
            shape: elements.shape,
        })
    }

    /// Elements of a runtime array.
    pub(super) fn array_length(&mut self, pointer: &Pointer) -> Result<Value, Fault> {
        let Root::Host { place, end, .. } = &pointer.root else {
            return fault("arrayLength of something not in a buffer".to_owned());
        };
        let elements = pointer.shape.elements(self.module)?;
        let len = (end - place.base) / elements.host_stride.max(1);
        Ok(self.b.int(len))
    }

    /// `*pointer`
    pub(super) fn load(&mut self, pointer: &Pointer, agreed: bool) -> Result<Vec<Value>, Fault> {
        let leaves = match &pointer.root {
            Root::Vars { vars } => return Ok(vars.iter().map(|var| self.b.get(*var)).collect()),
            _ => pointer.shape.leaves(self.module)?,
        };
        let inside = self.inside(&pointer.root, Touch::Read);
        let mut words = Vec::with_capacity(leaves.len());
        for (range, mut place) in runs(&pointer.root, &leaves) {
            self.watch_access(&place, range.len() as u32, Touch::Read);
            pointer.root.pad(&mut place);
            let stored = |ty| if ty == Ty::Bool { Ty::I32 } else { ty };
            let values: Vec<Value> = range.clone().map(|i| self.b.loaded(stored(leaves[i].ty))).collect();
            self.b.push(Stmt::Load {
                first: values[0],
                count: values.len() as u32,
                at: place,
                agreed,
            });
            for (i, value) in range.zip(values) {
                let value = self.or_zero(inside, value);
                words.push(if leaves[i].ty == Ty::Bool {
                    let zero = self.b.int(0);
                    self.b.ine(value, zero)
                } else {
                    value
                });
            }
        }
        Ok(words)
    }

    /// Whether all indices of a place in shared memory lie within, where that has to be asked: not where they are known to, and not
    /// where what is read out of bounds are zeros anyway.
    pub(super) fn inside(&mut self, root: &Root, touch: Touch) -> Option<Value> {
        let (place, finds_zeros) = match root {
            Root::Host { place, padded, .. } => (place, *padded && touch == Touch::Read),
            Root::Packed { place, .. } if place.space == Space::Workgroup => (place, false),
            _ => return None,
        };
        let mut inside = None;
        for term in place.terms.iter().skip(usize::from(finds_zeros)).filter(|term| !term.proven) {
            let len = self.b.int(term.len);
            let here = self.b.bin(Bin::LtU, term.index, len);
            inside = Some(match inside {
                Some(inside) => self.b.bin(Bin::And, inside, here),
                None => here,
            });
        }
        inside
    }

    /// What was read where `inside` holds, 0 elsewhere.
    pub(super) fn or_zero(&mut self, inside: Option<Value>, value: Value) -> Value {
        let Some(inside) = inside else { return value };
        let zero = self.b.constant(self.b.ty(value), 0);
        self.b.select(inside, value, zero)
    }

    /// `*pointer = words`
    pub(super) fn store(&mut self, pointer: &Pointer, words: &[Value]) -> Result<(), Fault> {
        let leaves = match &pointer.root {
            Root::Vars { vars } => {
                for (var, word) in vars.iter().zip(words) {
                    self.b.set(*var, *word);
                }
                return Ok(());
            }
            _ => pointer.shape.leaves(self.module)?,
        };
        for (range, place) in runs(&pointer.root, &leaves) {
            self.watch_access(&place, range.len() as u32, Touch::Write);
            let values = range
                .map(|i| {
                    if leaves[i].ty == Ty::Bool {
                        self.b.bool_int(words[i])
                    } else {
                        words[i]
                    }
                })
                .collect();
            self.b.push(Stmt::Store { at: place, values });
        }
        Ok(())
    }
}

/// Cuts a value's scalars into runs of up to four neighbours in memory.
fn runs(root: &Root, leaves: &[Leaf]) -> Vec<(std::ops::Range<usize>, Place)> {
    let (place, offset): (&Place, Box<dyn Fn(usize) -> u32>) = match root {
        Root::Host { place, .. } => (place, Box::new(|i| leaves[i].host)),
        Root::Packed { place, scale } => (place, Box::new(move |i| i as u32 * scale)),
        Root::Vars { .. } => return Vec::new(),
    };
    let mut runs = Vec::new();
    let mut start = 0;
    for end in 1..=leaves.len() {
        let goes_on = end < leaves.len() && end - start < 4 && leaves[end].host == leaves[end - 1].host + 4;
        let packed = matches!(root, Root::Packed { .. }) && end < leaves.len() && end - start < 4;
        if !goes_on && !packed {
            runs.push((start..end, moved(place, offset(start))));
            start = end;
        }
    }
    runs
}
