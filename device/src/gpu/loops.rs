//! Loops that a device leaves before their end.
//!
//! llvmpipe ends every loop of a shader once they made 65,535 rounds together, and goes on behind it with whatever the variables hold. Whether a
//! device does that is measured, once for each adapter and only when a program has loops that may be long. Passes for such a device note
//! each loop that ended early ([`wgsl::Stage::unfinished`]), and nothing is read back from a session in which one was noted.
//!
//! Invariant: bytes that come out of a session were computed by loops that ran to their end.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Range;

use protocol::Tier;
use wgpu::{
    BindGroupEntry, BindGroupLayoutEntry, BindingType, Buffer, BufferBindingType, BufferDescriptor, BufferUsages, ShaderStages,
};
use wgsl::{Bound, LoopNotes, Source, Target};

use super::list::Gpu;
use super::open::Opened;
use super::strict;
use crate::{
    BufferDesc, Command, DeviceError, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Underflow, Workgroups,
};

/// Rounds of the loop that is measured. A device that stops later is not noticed.
const ROUNDS: u32 = 1 << 20;

/// Each round needs the last one's result, so that no compiler knows the end without running them.
const SHADER: &str = "
    @group(0) @binding(0) var<storage, read_write> value: array<u32, 2>;
    @compute @workgroup_size(1)
    fn count() {
        var x = 1u;
        for (var i = 0u; i < value[1]; i++) { x = (x ^ (x >> 15u)) * 1664525u + i; }
        value[0] = x;
    }";

/// What [`SHADER`] gives.
fn expected() -> u32 {
    (0..ROUNDS).fold(1_u32, |x, i| (x ^ (x >> 15)).wrapping_mul(1_664_525).wrapping_add(i))
}

/// Read a program for an adapter, with loops that are watched where it needs that.
pub(super) fn read(gpu: &Gpu, program: &Program) -> Result<Vec<Bound>, DeviceError> {
    let target = Target {
        // wgpu's GLSL leaves such an index as it is.
        unclamped: !strict::is_possible(&gpu.adapter),
        ..Target::default()
    };
    let stages = wgsl::open(program, target)?;
    if !(stages.iter().any(|bound| bound.stage.long_loops) && cuts(gpu)?) {
        return Ok(stages);
    }
    let target = Target {
        cuts_loops: true,
        ..target
    };
    Ok(wgsl::open(program, target)?)
}

/// Whether an adapter leaves a loop before its end.
fn cuts(gpu: &Gpu) -> Result<bool, DeviceError> {
    if let Some(known) = gpu.cuts_loops.get() {
        return Ok(*known);
    }
    let program = measurement();
    let stages = wgsl::open(&program, Target::default())?;
    let mut session = super::open::with(gpu, &program, &stages, &SessionOptions::default())?;
    session.write(0, 4, &ROUNDS.to_le_bytes())?;
    session.submit(&[Command::Dispatch {
        pass: 0,
        workgroups: Workgroups::Direct([1, 1, 1]),
        step: 0,
    }])?;
    let found = session.read(&[0])?;
    let cuts = found[0].get(..4) != Some(&expected().to_le_bytes());
    tracing::debug!("{} leaves long loops before their end: {cuts}", gpu.info.id);
    Ok(*gpu.cuts_loops.get_or_init(|| cuts))
}

fn measurement() -> Program {
    Program {
        tier: Tier::ClassBound,
        buffers: vec![BufferDesc {
            label: "value".to_owned(),
            size: 8,
            indirect: false,
        }],
        modules: vec![ModuleDesc {
            label: "count".to_owned(),
            source: SHADER.to_owned(),
            underflow: Underflow::Canonical,
        }],
        passes: vec![PassDesc {
            label: "count".to_owned(),
            module: 0,
            entry: "count".to_owned(),
            overrides: BTreeMap::new(),
            bindings: BTreeMap::from([(0, Resource::Buffer(0))]),
        }],
    }
}

/// The buffer in which a pass notes loops that ended early.
pub(super) struct Unfinished {
    notes: LoopNotes,
    /// Where each loop stands, in words.
    places: Vec<String>,
    pub(super) gpu: Buffer,
}

impl Unfinished {
    /// Of a pass, where its loops are watched. The buffer is zero.
    pub(super) fn of(bound: &Bound, module: &ModuleDesc, device: &wgpu::Device) -> Option<Self> {
        let notes = bound.stage.unfinished.clone()?;
        let gpu = device.create_buffer(&BufferDescriptor {
            label: Some("unfinished loops"),
            size: notes.bytes(),
            usage: BufferUsages::STORAGE | BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let source = Source::join([(module.label.as_str(), module.source.as_str())]);
        let place = |span: &Option<Range<usize>>| match span {
            Some(span) => {
                let place = source.place(span.start);
                format!("{}, line {}: '{}'", place.file, place.number, place.line.trim())
            }
            None => module.label.clone(),
        };
        let places = notes.loops.iter().map(place).collect();
        Some(Self { notes, places, gpu })
    }

    pub(super) fn layout_entry(&self) -> BindGroupLayoutEntry {
        BindGroupLayoutEntry {
            binding: self.notes.binding,
            visibility: ShaderStages::COMPUTE,
            ty: BindingType::Buffer {
                ty: BufferBindingType::Storage { read_only: false },
                has_dynamic_offset: false,
                min_binding_size: NonZeroU64::new(self.notes.bytes()),
            },
            count: None,
        }
    }

    pub(super) fn entry(&self) -> BindGroupEntry<'_> {
        BindGroupEntry {
            binding: self.notes.binding,
            resource: self.gpu.as_entire_binding(),
        }
    }
}

impl Opened {
    /// The buffers of [`Unfinished`], in the order of their passes.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = (&str, &Unfinished)> {
        let passes = self.passes.iter();
        passes.filter_map(|pass| Some((pass.label.as_str(), pass.unfinished.as_ref()?)))
    }

    /// Fail if one of these buffers' contents says that a loop ended early.
    pub(super) fn all_finished(&self, contents: &[Vec<u8>]) -> Result<(), DeviceError> {
        for ((label, unfinished), content) in self.unfinished().zip(contents) {
            if let Some(first) = unfinished.notes.first(content) {
                return Err(DeviceError::LoopCut {
                    pass: label.to_owned(),
                    place: unfinished.places.get(first).cloned().unwrap_or_default(),
                });
            }
        }
        Ok(())
    }
}
