//! One expression over many words, on any device.

use std::collections::BTreeMap;
use std::sync::Arc;

use device::{
    BufferDesc, Command, Device, DeviceError, ModuleDesc, PassDesc, Program, Resource, Session, SessionOptions, Underflow,
    Workgroups,
};
use protocol::Tier;

/// Inputs of one dispatch.
pub(crate) const BATCH: usize = 1 << 18;

/// The CPU device.
pub(crate) fn cpu() -> Arc<dyn Device> {
    device::cpu::list()
        .into_iter()
        .next()
        .expect("every machine has the CPU device")
}

/// Every Vulkan driver here, none of them where there is none.
pub(crate) fn vulkan() -> Vec<Arc<dyn Device>> {
    let found: Vec<_> = device::gpu::list()
        .into_iter()
        .filter(|device| device.info().backend == "vulkan")
        .collect();
    if found.is_empty() {
        assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "no Vulkan driver here");
        eprintln!("skipped on GPUs: no Vulkan driver here");
    }
    found
}

/// Every GL driver here: class-bound programs alone run there.
pub(crate) fn gl() -> Vec<Arc<dyn Device>> {
    let found: Vec<_> = device::gpu::list()
        .into_iter()
        .filter(|device| device.info().backend == "gl")
        .collect();
    if found.is_empty() {
        eprintln!("skipped on GL: no GL driver here");
    }
    found
}

/// A program of one pass: `source`'s entry point `main`, buffer i at binding i.
pub(crate) fn program(source: &str, sizes: &[usize], tier: Tier, underflow: Underflow) -> Program {
    Program {
        tier,
        buffers: (sizes.iter().enumerate())
            .map(|(i, words)| BufferDesc {
                label: format!("b{i}"),
                size: 4 * *words as u64,
                indirect: false,
            })
            .collect(),
        modules: vec![ModuleDesc {
            label: "case".to_owned(),
            source: source.to_owned(),
            underflow,
        }],
        passes: vec![PassDesc {
            label: "main".to_owned(),
            module: 0,
            entry: "main".to_owned(),
            overrides: BTreeMap::new(),
            bindings: (0..sizes.len()).map(|i| (i as u32, Resource::Buffer(i))).collect(),
        }],
    }
}

/// Evaluates one expression again and again.
pub(crate) struct Evaluator {
    session: Box<dyn Session>,
}

impl Evaluator {
    /// `expression` of `a` and `b` (f32, from words) and `n` (the number of the input), a u32; `preamble` goes before.
    pub(crate) fn new(device: &dyn Device, preamble: &str, expression: &str, underflow: Underflow) -> Self {
        Self::open(device, preamble, expression, Tier::Portable, underflow)
    }

    /// Without lowering and without strict compilation.
    pub(crate) fn stock(device: &dyn Device, preamble: &str, expression: &str) -> Self {
        Self::open(device, preamble, expression, Tier::ClassBound, Underflow::Checked)
    }

    fn open(device: &dyn Device, preamble: &str, expression: &str, tier: Tier, underflow: Underflow) -> Self {
        let source = format!(
            "{preamble}
            @group(0) @binding(0) var<storage, read> x: array<vec2<u32>>;
            @group(0) @binding(1) var<storage, read_write> out: array<u32>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let n = id.x + 64u * 1024u * id.y;
                let a = bitcast<f32>(x[n].x);
                let b = bitcast<f32>(x[n].y);
                out[n] = {expression};
            }}"
        );
        let program = program(&source, &[2 * BATCH, BATCH], tier, underflow);
        let session = device.open(&program, &SessionOptions::default());
        let session = session.unwrap_or_else(|error| panic!("{}: {error:?}\n{source}", device.info().name));
        Self { session }
    }

    /// A function of the library by its name, or any expression of its functions.
    pub(crate) fn library(device: &dyn Device, expression: &str) -> Self {
        Self::new(device, &shaders::strict_library(), expression, Underflow::Checked)
    }

    /// Up to [`BATCH`] results.
    pub(crate) fn run(&mut self, inputs: &[(u32, u32)]) -> Vec<u32> {
        self.try_run(inputs).expect("the device works")
    }

    fn try_run(&mut self, inputs: &[(u32, u32)]) -> Result<Vec<u32>, DeviceError> {
        let mut bytes: Vec<u8> = Vec::with_capacity(8 * BATCH);
        for (a, b) in inputs {
            bytes.extend(a.to_le_bytes());
            bytes.extend(b.to_le_bytes());
        }
        bytes.resize(8 * BATCH, 0);
        self.session.write(0, 0, &bytes)?;
        self.session.submit(&[Command::Dispatch {
            pass: 0,
            workgroups: Workgroups::Direct([1024, (BATCH / 65536) as u32, 1]),
            step: 0,
        }])?;
        let mut out = words(&self.session.read(&[1])?[0]);
        out.truncate(inputs.len());
        Ok(out)
    }
}

pub(crate) fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect()
}

/// A bijection of words that looks random (the finaliser of MurmurHash3).
pub(crate) fn mix(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// Edges, as bits of floats.
pub(crate) fn edges() -> Vec<u32> {
    let sizes: [u32; 22] = [
        0,
        1,
        0x0000_1234,
        0x007f_ffff,
        0x0080_0000,
        0x0080_0001,
        0x00ff_ffff,
        0x0100_0000,
        0x2000_0000,
        0x3380_0000,
        0x3eff_ffff,
        0x3f7f_ffff,
        0x3f80_0000,
        0x3f80_0001,
        0x3fff_ffff,
        0x4000_0000,
        0x4b7f_ffff,
        0x4f00_0000,
        0x5f7f_ffff,
        0x7f7f_ffff,
        0x7f80_0000,
        0x7fc0_0001,
    ];
    sizes.iter().flat_map(|size| [*size, size | 0x8000_0000]).collect()
}

/// `BATON_STRIDE`, or this.
pub(crate) fn stride(usual: usize) -> usize {
    std::env::var("BATON_STRIDE")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// What the portable tier takes a number for: up to 2^-126 it is zero.
pub(crate) fn operand(x: f32) -> f32 {
    if x.abs() <= f32::MIN_POSITIVE {
        0.0_f32.copysign(x)
    } else {
        x
    }
}

/// What the portable tier makes of a result; every NaN is one.
pub(crate) fn result(x: f32) -> u32 {
    if x.is_nan() {
        0x7fc0_0000
    } else if x.abs() <= f32::MIN_POSITIVE {
        0
    } else {
        x.to_bits()
    }
}
