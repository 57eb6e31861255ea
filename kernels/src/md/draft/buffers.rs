//! Buffers of a draft, with their first contents.
//!
//! Invariant: a name is given once; what is initialised has the bytes of its standard layout.

use super::{Draft, kernel};
use crate::package::manifest::{Buffer, Element, Layout, Role};

impl Draft {
    /// A constant buffer of u32. Extents are numbers or names of integer constants, outermost first.
    pub fn constant_u32(&mut self, name: &str, shape: &[&str], values: impl IntoIterator<Item = u32>) {
        self.initialised(buffer(name, Element::U32, shape, Role::Constant), words(values));
    }

    /// A constant buffer of i32.
    pub fn constant_i32(&mut self, name: &str, shape: &[&str], values: impl IntoIterator<Item = i32>) {
        let bits = values.into_iter().map(i32::cast_unsigned);
        self.initialised(buffer(name, Element::I32, shape, Role::Constant), words(bits));
    }

    /// A constant buffer of f32, rounded to nearest.
    pub fn constant_f32(&mut self, name: &str, shape: &[&str], values: impl IntoIterator<Item = f64>) {
        self.initialised(buffer(name, Element::F32, shape, Role::Constant), floats(values));
    }

    /// A state buffer with its first contents: part of every checkpoint.
    pub fn state(&mut self, name: &str, element: Element, shape: &[&str], contents: Vec<u8>) {
        self.initialised(buffer(name, element, shape, Role::State), contents);
    }

    /// The first contents of an f32 buffer; nothing where there is none.
    pub(in crate::md) fn initial_floats(&self, name: &str) -> Vec<f64> {
        let bytes = self.init.get(name).map_or(&[][..], Vec::as_slice);
        let words = bytes.as_chunks::<4>().0.iter();
        words.map(|word| f64::from(f32::from_le_bytes(*word))).collect()
    }

    /// A scratch buffer: zero at the start of each segment.
    pub fn scratch(&mut self, name: &str, element: Element, shape: &[&str]) {
        self.buffer(buffer(name, element, shape, Role::Scratch));
    }

    /// An observable buffer: zero at the start of each segment, outputs may keep it.
    pub fn observable(&mut self, name: &str, element: Element, shape: &[&str]) {
        self.buffer(buffer(name, element, shape, Role::Observable));
    }

    pub(super) fn initialised(&mut self, mut buffer: Buffer, contents: Vec<u8>) {
        buffer.init = Some(format!("{}.npy", buffer.name));
        self.init.insert(buffer.name.clone(), contents);
        self.buffer(buffer);
    }

    pub(super) fn buffer(&mut self, buffer: Buffer) {
        if self.has(&buffer.name) {
            self.refuse(format!("two parts bring a buffer '{}'", buffer.name));
        } else {
            self.buffers.push(buffer);
        }
    }

    /// Whether a part has brought this buffer already.
    pub fn has(&self, buffer: &str) -> bool {
        self.buffers.iter().any(|other| other.name == buffer)
    }
}

pub(super) fn buffer(name: &str, element: Element, shape: &[&str], role: Role) -> Buffer {
    Buffer {
        name: name.into(),
        element,
        shape: shape.iter().map(|extent| kernel::count(extent)).collect(),
        role,
        layout: Layout::Packed,
        init: None,
        fill: None,
        scale: None,
        scale_by: None,
        unit: None,
    }
}

pub(super) fn words(values: impl IntoIterator<Item = u32>) -> Vec<u8> {
    values.into_iter().flat_map(u32::to_le_bytes).collect()
}

pub(super) fn floats(values: impl IntoIterator<Item = f64>) -> Vec<u8> {
    words(values.into_iter().map(|value| (value as f32).to_bits()))
}
