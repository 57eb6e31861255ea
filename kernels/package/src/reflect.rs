//! What a pass's entry point is bound to, as its WGSL says, and whether the manifest's buffers fit it.

use std::collections::BTreeMap;

use naga::{ArraySize, GlobalVariable, Handle, TypeInner, VectorSize};
use wgsl::{Access, Module, Resource, Source, Stage, Target, Variable};

use super::check::{Sizes, buffer_index};
use super::error::{PackageError, listed};
use super::manifest::{Element, Layout, Manifest, Pass, Role};
use super::overrides::overrides;

/// What a pass needs of a device, besides its module.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reflected {
    /// Name of the entry point.
    pub(super) entry: String,
    /// Values of `override` constants: by name, or by number where the WGSL has `@id`.
    pub(super) overrides: BTreeMap<String, f64>,
    /// Binding number to resource.
    pub(super) bindings: BTreeMap<u32, Resource>,
    /// Invocations of a workgroup in x, y, z.
    pub(super) workgroup_size: [u32; 3],
}

/// Read a pass off its WGSL.
pub(super) fn pass(
    pass: &Pass,
    manifest: &Manifest,
    sizes: &[Sizes],
    source: &Source,
    module: &Module,
) -> Result<Reflected, PackageError> {
    let entry = entry(pass, source, module)?;
    let overrides = overrides(pass, manifest, source, module.naga())?;
    let stage = source.stage(module, &entry, &overrides, Target::default())?;
    let reader = Reader {
        pass,
        manifest,
        sizes,
        source,
        stage: &stage,
    };
    Ok(Reflected {
        bindings: reader.bindings()?,
        entry,
        overrides,
        workgroup_size: stage.workgroup_size,
    })
}

/// The compute entry point that the pass names, or the only one.
fn entry(pass: &Pass, source: &Source, module: &Module) -> Result<String, PackageError> {
    let points: Vec<&str> = module.entries().collect();
    let key = format!("pass '{}': entry", pass.name);
    match (&pass.entry, points.as_slice()) {
        (Some(name), points) if points.contains(&name.as_str()) => Ok(name.clone()),
        (None, [only]) => Ok((*only).to_owned()),
        (Some(name), points) => {
            let expected = format!(
                "a @compute function of {}: {}",
                source.label(),
                listed(points.iter().copied())
            );
            Err(PackageError::found(key, format_args!("'{name}'"), expected))
        }
        (None, points) => {
            let expected = format!(
                "the name of one of the @compute functions of {}: {}",
                source.label(),
                listed(points.iter().copied())
            );
            Err(PackageError::found(key, "no name", expected))
        }
    }
}

struct Reader<'a> {
    pass: &'a Pass,
    manifest: &'a Manifest,
    sizes: &'a [Sizes],
    source: &'a Source,
    stage: &'a Stage,
}

impl Reader<'_> {
    fn bindings(&self) -> Result<BTreeMap<u32, Resource>, PackageError> {
        let mut bindings = BTreeMap::new();
        let mut writable: BTreeMap<usize, (String, bool)> = BTreeMap::new();
        let mut names = Vec::new();
        for variable in &self.stage.variables {
            let name = variable.name.clone();
            let resource = if name == "clock" {
                self.clock(variable)?;
                Resource::Clock
            } else {
                let index = self.buffer(variable.handle, &name)?;
                let writes = self.access(variable, index)?;
                self.fits(variable, index)?;
                if let Some((other, other_writes)) = writable.get(&index)
                    && (writes || *other_writes)
                {
                    let message = format!(
                        "found buffer '{}' bound to both '{other}' and '{name}', expected only one variable for a buffer that the pass may write",
                        self.manifest.buffers[index].name
                    );
                    return Err(self.wrong(variable.handle, &message));
                }
                writable.insert(index, (name.clone(), writes));
                Resource::Buffer(index)
            };
            bindings.insert(variable.number, resource);
            names.push(name);
        }
        for variable in self.pass.bindings.keys() {
            if !names.contains(variable) {
                let key = format!("pass '{}': bindings: {variable}", self.pass.name);
                let expected = format!(
                    "a variable that the entry point uses: {}",
                    listed(names.iter().map(String::as_str))
                );
                return Err(PackageError::found(key, "a variable that the pass does not use", expected));
            }
        }
        if let Some(indirect) = &self.pass.indirect {
            let index = buffer_index(self.manifest, "indirect", &indirect.buffer)?;
            if let Some((variable, true)) = writable.get(&index) {
                let key = format!("pass '{}': indirect: buffer", self.pass.name);
                let found = format!("'{}', which the pass itself may write through '{variable}'", indirect.buffer);
                return Err(PackageError::found(key, found, "a buffer that an earlier pass wrote"));
            }
        }
        Ok(bindings)
    }

    fn wrong(&self, handle: Handle<GlobalVariable>, message: &str) -> PackageError {
        let message = format!("{message} (pass '{}')", self.pass.name);
        self.source
            .error_at(self.stage.module.global_variables.get_span(handle).to_range(), &message)
            .into()
    }

    fn clock(&self, variable: &Variable) -> Result<(), PackageError> {
        let four_words = matches!(
            *self.inner(variable),
            TypeInner::Vector { size: VectorSize::Quad, scalar } if scalar == naga::Scalar::U32
        );
        if variable.access == Access::Uniform && four_words {
            return Ok(());
        }
        Err(self.wrong(
            variable.handle,
            "found 'clock' of another kind, expected the step counter 'var<uniform> clock: vec4<u32>'",
        ))
    }

    fn inner(&self, variable: &Variable) -> &TypeInner {
        let module = &self.stage.module;
        &module.types[module.global_variables[variable.handle].ty].inner
    }

    /// The buffer that a variable stands for.
    fn buffer(&self, handle: Handle<GlobalVariable>, variable: &str) -> Result<usize, PackageError> {
        if let Some(name) = self.pass.bindings.get(variable) {
            return buffer_index(
                self.manifest,
                &format!("pass '{}': bindings: {variable}", self.pass.name),
                name,
            );
        }
        self.manifest.buffers.iter().position(|buffer| buffer.name == variable).ok_or_else(|| {
            let known = listed(self.manifest.buffers.iter().map(|buffer| buffer.name.as_str()));
            self.wrong(
                handle,
                &format!(
                    "found '{variable}', which is no buffer's name, expected one of {known}, or '{variable} = \"…\"' in the pass's bindings"
                ),
            )
        })
    }

    /// Whether the pass may write through the variable, if it may be what it is at all.
    fn access(&self, variable: &Variable, index: usize) -> Result<bool, PackageError> {
        let buffer = &self.manifest.buffers[index];
        let name = &variable.name;
        match variable.access {
            Access::Read => Ok(false),
            Access::ReadWrite if buffer.role == Role::Constant => Err(self.wrong(
                variable.handle,
                &format!(
                    "found writable '{name}' for the constant buffer '{}', expected 'var<storage, read>'",
                    buffer.name
                ),
            )),
            Access::ReadWrite => Ok(true),
            Access::Uniform if buffer.role == Role::Constant => Ok(false),
            Access::Uniform => Err(self.wrong(
                variable.handle,
                &format!(
                    "found uniform '{name}' for the {} buffer '{}', expected 'var<storage, …>'",
                    buffer.role, buffer.name
                ),
            )),
        }
    }

    /// Whether the variable's type describes the buffer's device layout.
    fn fits(&self, variable: &Variable, index: usize) -> Result<(), PackageError> {
        let (buffer, size) = (&self.manifest.buffers[index], self.sizes[index].device);
        let (name, handle, module) = (&variable.name, variable.handle, &self.stage.module);
        let inner = self.inner(variable);
        let item = match inner {
            TypeInner::Array { base, .. } => &module.types[*base].inner,
            other => other,
        };
        let fits_element = match (buffer.layout, item) {
            (
                Layout::Vec4,
                TypeInner::Vector {
                    size: VectorSize::Quad | VectorSize::Tri,
                    scalar,
                },
            ) => matches!(inner, TypeInner::Array { stride: 16, .. }) && is(*scalar, buffer.element),
            (Layout::Vec4, _) => false,
            (Layout::Packed, TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar)) => is(*scalar, buffer.element),
            // A row of three seen as vectors of four is a forgotten `layout = "vec4"`.
            (Layout::Packed, TypeInner::Vector { size, scalar }) => {
                let (shape, lanes) = (&self.sizes[index].shape, *size as u64);
                let rows_fit = shape.len() == 1 || shape[shape.len() - 1] % lanes == 0;
                *size != VectorSize::Tri && rows_fit && is(*scalar, buffer.element)
            }
            (Layout::Packed, TypeInner::Struct { members, .. }) => members.iter().all(|member| self.has_words_only(member.ty)),
            (Layout::Packed, _) => false,
        };
        if !fits_element {
            let element = buffer.element;
            let expected = match buffer.layout {
                Layout::Vec4 => format!("array<vec4<{element}>> (layout vec4)"),
                Layout::Packed if buffer.element == Element::F32 => {
                    format!("array<{element}>, an array of vec2 or vec4 of it, or of structs of 4-byte scalars (layout packed)")
                }
                Layout::Packed => {
                    format!(
                        "array<{element}>, array<atomic<{element}>>, an array of vec2 or vec4, or of structs of 4-byte scalars (layout packed)"
                    )
                }
            };
            let shape = &self.sizes[index].shape;
            let message = format!(
                "found '{name}' of a type that does not fit buffer '{}' of shape {shape:?}, expected {expected}",
                buffer.name
            );
            return Err(self.wrong(handle, &message));
        }
        let (needed, stride) = match inner {
            TypeInner::Array {
                size: ArraySize::Constant(count),
                stride,
                ..
            } => (u64::from(count.get()) * u64::from(*stride), 1),
            TypeInner::Array { stride, .. } => (u64::from(*stride), u64::from(*stride)),
            other => (u64::from(other.size(module.to_ctx())), 1),
        };
        if size < needed || size % stride != 0 {
            let expected = if stride > 1 {
                format!("a multiple of the array's stride of {stride} bytes")
            } else {
                format!("at least {needed} bytes")
            };
            let message = format!(
                "found buffer '{}' of {size} bytes for '{name}', expected {expected}",
                buffer.name
            );
            return Err(self.wrong(handle, &message));
        }
        Ok(())
    }

    /// Whether a struct's member is made of 4-byte scalars and nothing else.
    fn has_words_only(&self, ty: Handle<naga::Type>) -> bool {
        match &self.stage.module.types[ty].inner {
            TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) | TypeInner::Vector { scalar, .. } => scalar.width == 4,
            TypeInner::Array {
                base,
                size: ArraySize::Constant(_),
                ..
            } => self.has_words_only(*base),
            TypeInner::Struct { members, .. } => members.iter().all(|member| self.has_words_only(member.ty)),
            _ => false,
        }
    }
}

fn is(scalar: naga::Scalar, element: Element) -> bool {
    scalar
        == match element {
            Element::F32 => naga::Scalar::F32,
            Element::U32 => naga::Scalar::U32,
            Element::I32 => naga::Scalar::I32,
        }
}
