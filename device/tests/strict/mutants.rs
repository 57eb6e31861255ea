//! Lowering is needed: without it, or with a piece of it missing, devices differ where they are known to.
//!
//! SwiftShader flushes every subnormal result and llvmpipe none; both evaluate `exp` in ways of their own.

use std::sync::Arc;

use device::{Device, Underflow};

use crate::lowered::{kernels, run};
use crate::support::{Evaluator, cpu, vulkan};

/// Drivers whose name has this in it. `swiftshader.rs` runs this file again in a process that has SwiftShader.
fn named(test: &str, name: &str) -> Vec<Arc<dyn Device>> {
    let found: Vec<_> = vulkan()
        .into_iter()
        .filter(|device| device.info().name.contains(name))
        .collect();
    if found.is_empty() {
        eprintln!("{test}: no {name} among this process's drivers");
    }
    found
}

fn differing(device: &dyn Device, wanted: &str) -> usize {
    let (kernels, inputs) = kernels();
    let (source, _) = kernels
        .iter()
        .find(|(_, expression)| *expression == wanted)
        .expect("a known kernel");
    let mine = run(cpu().as_ref(), source, &inputs, Underflow::Checked);
    let theirs = run(device, source, &inputs, Underflow::Checked);
    mine.iter().zip(&theirs).filter(|(mine, theirs)| mine != theirs).count()
}

#[test]
fn without_canonical_swiftshader_differs_from_the_cpu_device() {
    for device in named("without_canonical_swiftshader_differs_from_the_cpu_device", "SwiftShader") {
        for expression in ["a * b", "a + b", "a * b + c", "(a * 1e-20) * 1e-20", "dot(u, v)"] {
            let count = differing(device.as_ref(), expression);
            eprintln!("  {expression}: {count} differ");
            assert!(count > 0, "{expression}: SwiftShader flushes no subnormal any more");
        }
    }
}

#[test]
fn without_lowering_exp_differs_between_drivers_and_the_cpu_device() {
    let inputs: Vec<(u32, u32)> = (0..1 << 16).map(|i| (0xc100_0000 + (i << 5), 0)).collect();
    let strict = Evaluator::library(cpu().as_ref(), "bitcast<u32>(strict_exp(a))").run(&inputs);
    for device in vulkan() {
        let lowered = Evaluator::library(device.as_ref(), "bitcast<u32>(exp(a))").run(&inputs);
        assert!(lowered == strict, "{}", device.info().name);
        let stock = Evaluator::stock(device.as_ref(), "", "bitcast<u32>(exp(a))").run(&inputs);
        let count = stock.iter().zip(&strict).filter(|(stock, strict)| stock != strict).count();
        eprintln!(
            "  {}: stock exp differs from ours in {count} of {}",
            device.info().name,
            inputs.len()
        );
        assert!(count > 0, "{}: its own exp has become ours", device.info().name);
    }
}
