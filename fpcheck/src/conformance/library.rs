//! The exact library, as packages reach it: ordinary WGSL in the portable tier, over operands strided through all 2^32.

use std::collections::BTreeMap;

use device::{
    BufferDesc, Command, Device, DeviceError, ModuleDesc, PassDesc, Program, Resource, SessionOptions, Underflow, Workgroups,
};
use protocol::Tier;

use super::checks::Answer;
use crate::probe::exact;

/// What is known of a function's results.
#[derive(Clone, Copy)]
enum Right {
    /// Correctly rounded: the host's own operation.
    Host(fn(f32, f32) -> f32),
    /// One sequence of operations: the bits of the built-in CPU device.
    Same,
}

/// The functions whose results WGSL leaves open.
const FUNCTIONS: [(&str, Right); 23] = [
    ("a / b", Right::Host(|a, b| a / (b + 0.0))),
    ("1.0 / a", Right::Host(|a, _| 1.0 / (a + 0.0))),
    ("sqrt(a)", Right::Host(|a, _| a.sqrt())),
    ("a % b", Right::Same),
    ("inverseSqrt(a)", Right::Same),
    ("exp(a)", Right::Same),
    ("exp2(a)", Right::Same),
    ("log(a)", Right::Same),
    ("log2(a)", Right::Same),
    ("pow(a, b)", Right::Same),
    ("sin(a)", Right::Same),
    ("cos(a)", Right::Same),
    ("tan(a)", Right::Same),
    ("asin(a)", Right::Same),
    ("acos(a)", Right::Same),
    ("atan(a)", Right::Same),
    ("atan2(a, b)", Right::Same),
    ("sinh(a)", Right::Same),
    ("cosh(a)", Right::Same),
    ("tanh(a)", Right::Same),
    ("asinh(a)", Right::Same),
    ("acosh(a)", Right::Same),
    ("atanh(a)", Right::Same),
];

/// Operands of so many cases: the first strided through every float there is, the second any float, and in every second case one of
/// a size where quotients and powers stay finite.
fn operands(cases: usize) -> Vec<[u32; 2]> {
    // Odd, so that the last digits vary too.
    let stride = ((1_u64 << 32) / cases as u64) as u32 | 1;
    let case = |i: u32| {
        let any = i.wrapping_mul(0x9e37_79b1).rotate_left(15).wrapping_mul(0x85eb_ca6b);
        let tame = (any & 0x83ff_ffff) | 0x3c00_0000;
        [i.wrapping_mul(stride), if i.is_multiple_of(2) { any } else { tame }]
    };
    (0..cases as u32).map(case).collect()
}

/// What the portable tier takes an operand for, and makes of a result: up to 2^-126 it is zero, and NaN is one.
fn canonical(x: f32) -> f32 {
    f32::from_bits(if x.is_nan() {
        0x7fc0_0000
    } else {
        exact::canonical(x.to_bits())
    })
}

/// The results of one function.
fn results(device: &dyn Device, function: &str, operands: &[[u32; 2]]) -> Result<Vec<u32>, DeviceError> {
    let buffer = |label: &str, words: usize| BufferDesc {
        label: label.to_owned(),
        size: 4 * words as u64,
        indirect: false,
    };
    let program = Program {
        tier: Tier::Portable,
        buffers: vec![buffer("x", 2 * operands.len()), buffer("y", operands.len())],
        modules: vec![ModuleDesc {
            label: format!("library {function}"),
            source: format!(
                "fn one(a: f32, b: f32) -> f32 {{ return {function}; }}\n{}",
                shaders::text("probe/library.wgsl")
            ),
            underflow: Underflow::Canonical,
        }],
        passes: vec![PassDesc {
            label: format!("library {function}"),
            module: 0,
            entry: "library".to_owned(),
            overrides: BTreeMap::new(),
            bindings: BTreeMap::from([(0, Resource::Buffer(0)), (1, Resource::Buffer(1))]),
        }],
    };
    let mut session = device.open(&program, &SessionOptions::default())?;
    let bytes: Vec<u8> = operands.iter().flatten().flat_map(|word| word.to_le_bytes()).collect();
    session.write(0, 0, &bytes)?;
    session.submit(&[Command::Dispatch {
        pass: 0,
        workgroups: Workgroups::Direct([operands.len().div_ceil(64) as u32, 1, 1]),
        step: 0,
    }])?;
    let read = session.read(&[1])?;
    let (words, _) = read[0].as_chunks::<4>();
    Ok(words.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

/// Every function over `cases` operands (a multiple of 64): correctly rounded where that has a meaning, else the bits of the built-in CPU device.
pub(super) fn library(device: &dyn Device, reference: &dyn Device, cases: usize) -> Answer {
    let operands = operands(cases);
    let mut broken = Vec::new();
    for (function, right) in FUNCTIONS {
        let failed = |error: DeviceError| format!("{function} did not run: {error}");
        let found = results(device, function, &operands).map_err(failed)?;
        let expected: Vec<u32> = match right {
            Right::Host(host) => {
                let host = |[a, b]: &[u32; 2]| canonical(host(canonical(f32::from_bits(*a)), canonical(f32::from_bits(*b))));
                operands.iter().map(host).map(f32::to_bits).collect()
            }
            Right::Same => results(reference, function, &operands).map_err(failed)?,
        };
        let differ = (0..cases).filter(|&at| found[at] != expected[at]);
        if let Some(at) = differ.clone().next() {
            let [a, b] = operands[at];
            broken.push(format!(
                "{function}: {} of {cases} differ, first a = {a:08x}, b = {b:08x}: {:08x}, expected {:08x}",
                differ.count(),
                found[at],
                expected[at]
            ));
        }
    }
    if broken.is_empty() {
        Ok(format!(
            "{} functions over {cases} operands each, the right bits",
            FUNCTIONS.len()
        ))
    } else {
        Err(broken.join("; "))
    }
}
