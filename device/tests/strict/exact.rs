//! Functions with one right answer, against the host's IEEE 754.

use std::time::Instant;

use device::Device;

use crate::support::{BATCH, Evaluator, cpu, edges, mix, operand, result, stride, vulkan};

/// NaN has no bits of its own until it is written by a lowered kernel.
const ONE_NAN: &str =
    "fn one_nan(x: f32) -> u32 { let u = bitcast<u32>(x); return select(u, 0x7fc00000u, (u & 0x7fffffffu) > 0x7f800000u); }";

fn quotient(a: u32, b: u32) -> u32 {
    // 0 has no sign.
    result(operand(f32::from_bits(a)) / (operand(f32::from_bits(b)) + 0.0))
}

fn root(a: u32) -> u32 {
    result(operand(f32::from_bits(a)).sqrt())
}

/// Pairs number `batch * BATCH` and on: any bits, or exponents whose quotients neither over- nor underflow.
fn pairs(batch: u32) -> Vec<(u32, u32)> {
    let first = batch.wrapping_mul(BATCH as u32);
    (0..BATCH as u32)
        .map(|i| {
            let (a, b) = (
                mix(first.wrapping_add(i)),
                mix(mix(first.wrapping_add(i)) ^ batch ^ 0x9e37_79b9),
            );
            let tame = |x: u32| (x & 0x80ff_ffff) | 0x3000_0000;
            if batch.is_multiple_of(4) { (a, b) } else { (tame(a), tame(b)) }
        })
        .collect()
}

/// Dividends whose quotients lie next to the middle between two floats, and edges with one another.
fn hard_pairs() -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    for a in edges() {
        all.extend(edges().into_iter().map(|b| (a, b)));
    }
    let mut i = 0;
    while all.len() + 3 < BATCH {
        let divisor = u64::from(mix(i) >> 9 | 0x0080_0000);
        let middle = u64::from(mix(i ^ 0x5555_5555) >> 8 | 0x0100_0001);
        let product = (divisor * middle) >> 24;
        for near in [product - 1, product, product + 1] {
            if (0x0080_0000..0x0100_0000).contains(&near) {
                all.push((
                    (near as u32 & 0x007f_ffff) | 0x3f80_0000,
                    (divisor as u32 & 0x007f_ffff) | 0x3f80_0000,
                ));
            }
        }
        i += 1;
    }
    all
}

fn check(what: &str, device: &dyn Device, inputs: &[(u32, u32)], out: &[u32], wanted: impl Fn(u32, u32) -> u32) {
    for ((a, b), found) in inputs.iter().zip(out) {
        let wanted = wanted(*a, *b);
        assert_eq!(
            *found,
            wanted,
            "{}: {what} of {a:#010x} {b:#010x} is {found:#010x}, expected {wanted:#010x}",
            device.info().name
        );
    }
}

fn everywhere(test: impl Fn(&dyn Device)) {
    test(cpu().as_ref());
    vulkan().iter().for_each(|device| test(device.as_ref()));
}

#[test]
fn division_is_correctly_rounded() {
    everywhere(|device| {
        let mut divide = Evaluator::library(device, "bitcast<u32>(strict_divide(a, b))");
        let hard = hard_pairs();
        check("a / b", device, &hard, &divide.run(&hard), quotient);
        for batch in 0..2 {
            let pairs = pairs(batch);
            check("a / b", device, &pairs, &divide.run(&pairs), quotient);
        }
    });
}

/// Every significand on the CPU device, some on the others.
#[test]
fn reciprocals_are_correctly_rounded() {
    everywhere(|device| {
        let mut reciprocal = Evaluator::library(device, "bitcast<u32>(strict_reciprocal(a))");
        let stride = if device.info().id == "cpu" { 1 } else { stride(1021) };
        let significands = (0..1_u32 << 23).step_by(stride);
        let any = significands.map(|fraction| fraction | (mix(fraction) & 0xff80_0000));
        let all: Vec<(u32, u32)> = any.chain(edges()).map(|a| (a, 0)).collect();
        for inputs in all.chunks(BATCH) {
            let wanted = |a, _| quotient(1f32.to_bits(), a);
            check("1 / a", device, inputs, &reciprocal.run(inputs), wanted);
        }
    });
}

/// Without `canonical` nothing is put in against underflow; zeros, infinities and NaN are everybody's all the same.
#[test]
fn quotients_are_the_same_where_underflow_is_the_authors_business() {
    let normal =
        |bits: &u32| f32::from_bits(*bits) == 0.0 || f32::from_bits(*bits).abs() > 1e-30 || f32::from_bits(*bits).is_nan();
    let underflows = |a: u32, b: u32| {
        let [a, b] = [a, b].map(f32::from_bits);
        (a / b).abs() <= 1e-30 && a != 0.0 && b.is_finite()
    };
    let mut all: Vec<(u32, u32)> = Vec::new();
    for a in edges().into_iter().filter(normal) {
        all.extend(edges().into_iter().filter(normal).map(|b| (a, b)));
    }
    all.extend(pairs(1));
    all.retain(|(a, b)| !underflows(*a, *b) && !underflows(1f32.to_bits(), *b));
    all.truncate(BATCH);
    everywhere(|device| {
        for (expression, one) in [("a / b", false), ("1.0 / b", true)] {
            let text = format!("one_nan({expression})");
            let mut evaluator = Evaluator::new(device, ONE_NAN, &text, device::Underflow::Checked);
            let wanted = |a, b| quotient(if one { 1f32.to_bits() } else { a }, b);
            check(expression, device, &all, &evaluator.run(&all), wanted);
        }
    });
}

#[test]
fn square_roots_are_correctly_rounded() {
    let stride = stride(1021);
    everywhere(|device| {
        let mut sqrt = Evaluator::library(device, "bitcast<u32>(strict_sqrt(a))");
        let all: Vec<(u32, u32)> = (0..=u32::MAX).step_by(stride).chain(edges()).map(|a| (a, 0)).collect();
        for inputs in all.chunks(BATCH) {
            check("sqrt", device, inputs, &sqrt.run(inputs), |a, _| root(a));
        }
    });
}

/// Every significand and both parities of exponents on the CPU device, some on the others.
#[test]
fn reciprocals_of_roots_are_rounded_twice() {
    everywhere(|device| {
        let mut evaluators = [
            Evaluator::library(device, "bitcast<u32>(strict_inverse_sqrt(a))"),
            Evaluator::library(device, "bitcast<u32>(strict_sqrt(a))"),
            Evaluator::new(device, ONE_NAN, "one_nan(1.0 / sqrt(a))", device::Underflow::Canonical),
            Evaluator::new(device, ONE_NAN, "one_nan(inverseSqrt(a))", device::Underflow::Canonical),
        ];
        let stride = if device.info().id == "cpu" { 1 } else { stride(1021) };
        let significands = (0..1_u32 << 24).step_by(stride);
        let any = significands.map(|fraction| fraction | (mix(fraction) & 0x7f00_0000));
        let all: Vec<(u32, u32)> = any.chain(edges()).map(|a| (a, 0)).collect();
        for inputs in all.chunks(BATCH) {
            let twice = |a, _| quotient(1f32.to_bits(), root(a));
            let [inverse, sqrt, quotient, builtin] = &mut evaluators;
            check("sqrt", device, inputs, &sqrt.run(inputs), |a, _| root(a));
            check("inverse_sqrt", device, inputs, &inverse.run(inputs), twice);
            check("1 / sqrt", device, inputs, &quotient.run(inputs), twice);
            check("inverseSqrt", device, inputs, &builtin.run(inputs), twice);
        }
    });
}

#[test]
fn what_a_back_end_does_natively_has_the_same_bits() {
    let device = cpu();
    let both = [
        ("strict_divide(a, b)", "strict_native_divide(a, b)"),
        ("strict_sqrt(a)", "strict_native_sqrt(a)"),
        ("strict_inverse_sqrt(a)", "strict_native_inverse_sqrt(a)"),
        ("strict_floor(a)", "strict_native_floor(a)"),
        ("strict_ceil(a)", "strict_native_ceil(a)"),
        ("strict_trunc(a)", "strict_native_trunc(a)"),
        ("strict_round(a)", "strict_native_round(a)"),
        ("strict_f32_of_i32(bitcast<i32>(a))", "f32(bitcast<i32>(a))"),
        ("strict_f32_of_u32(bitcast<u32>(a))", "f32(bitcast<u32>(a))"),
    ];
    // The native ones as they are: class-bound, so that they are not lowered themselves.
    for (exact, native) in both {
        let mut left = Evaluator::library(device.as_ref(), &format!("bitcast<u32>({exact})"));
        let mut right = Evaluator::stock(
            device.as_ref(),
            &shaders::strict_library(),
            &format!("bitcast<u32>({native})"),
        );
        for inputs in [hard_pairs(), pairs(0), pairs(1)] {
            let (left, right) = (left.run(&inputs), right.run(&inputs));
            for ((pair, left), right) in inputs.iter().zip(left).zip(right) {
                // A NaN has no bits of its own until it is written.
                let [left, right] = [left, right].map(|word| if f32::from_bits(word).is_nan() { 0x7fc0_0000 } else { word });
                assert_eq!(left, right, "{exact} of {pair:x?}: {left:#x}, {native}: {right:#x}");
            }
        }
    }
}

#[test]
fn roundings_and_conversions_are_exact() {
    let float = |f: fn(f32) -> f32| move |a: u32, _: u32| result(f(operand(f32::from_bits(a))));
    let inputs: Vec<(u32, u32)> = pairs(0)
        .into_iter()
        .zip(pairs(1))
        .flat_map(|(a, b)| [a, b])
        .take(BATCH)
        .collect();
    everywhere(|device| {
        let run = |expression: &str, wanted: &dyn Fn(u32, u32) -> u32| {
            let mut evaluator = Evaluator::library(device, expression);
            for inputs in [&inputs, &hard_pairs()] {
                check(expression, device, inputs, &evaluator.run(inputs), wanted);
            }
        };
        let of = |name: &str| format!("bitcast<u32>({name}(a))");
        // NaN keeps its bits here: only what goes to a buffer has one NaN.
        let kept = |name: &str| {
            format!(
                "select(0x7fc00000u, {}, (bitcast<u32>(a) & 0x7fffffffu) <= 0x7f800000u)",
                of(name)
            )
        };
        run(&kept("strict_floor"), &float(f32::floor));
        run(&kept("strict_ceil"), &float(f32::ceil));
        run(&kept("strict_trunc"), &float(f32::trunc));
        run(&kept("strict_round"), &float(f32::round_ties_even));
        run("bitcast<u32>(strict_f32_of_u32(bitcast<u32>(a)))", &|a, _| {
            (a as f32).to_bits()
        });
        run("bitcast<u32>(strict_f32_of_i32(bitcast<i32>(a)))", &|a, _| {
            (a.cast_signed() as f32).to_bits()
        });
        run("bitcast<u32>(strict_i32_of(a))", &|a, _| {
            let a = f32::from_bits(a);
            (if a > 2_147_483_520.0 { 2_147_483_520 } else { a as i32 }).cast_unsigned()
        });
        run("strict_u32_of(a)", &|a, _| {
            let a = f32::from_bits(a);
            if a > 4_294_967_040.0 { 4_294_967_040 } else { a as u32 }
        });
    });
}

/// 2^30 pairs on the CPU device: `cargo nextest run --release --workspace --test strict --run-ignored only --no-capture all_the_divisions`.
/// `BATON_PAIRS_LOG2` sets another number, `BATON_DEVICE` another device.
#[test]
#[ignore = "some minutes: a campaign whose figures are in benches/results"]
fn all_the_divisions() {
    let log2: u32 = std::env::var("BATON_PAIRS_LOG2")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(30);
    campaign("bitcast<u32>(strict_divide(a, b))", 1 << (log2 - 18), pairs, quotient);
}

/// All 2^32 operands: see [`all_the_divisions`].
#[test]
#[ignore = "some minutes: a campaign whose figures are in benches/results"]
fn all_the_square_roots() {
    let inputs = |batch: u32| (0..BATCH as u32).map(|i| (batch * BATCH as u32 + i, 0)).collect();
    campaign("bitcast<u32>(strict_sqrt(a))", 1 << 14, inputs, |a, _| root(a));
}

fn campaign(expression: &str, batches: u32, inputs: impl Fn(u32) -> Vec<(u32, u32)>, wanted: impl Fn(u32, u32) -> u32) {
    let named = std::env::var("BATON_DEVICE").ok();
    let device = match &named {
        Some(id) => device::select(id).expect("BATON_DEVICE names a device"),
        None => cpu(),
    };
    let mut evaluator = Evaluator::library(device.as_ref(), expression);
    let start = Instant::now();
    let mut digest = protocol::Digest::of(expression.as_bytes());
    for batch in 0..batches {
        let inputs = inputs(batch);
        let out = evaluator.run(&inputs);
        check(expression, device.as_ref(), &inputs, &out, &wanted);
        let bytes: Vec<u8> = out.iter().flat_map(|word| word.to_le_bytes()).collect();
        digest = protocol::Digest::of(&[&digest.0[..], &bytes].concat());
        if (batch + 1) % 1024 == 0 {
            eprintln!("{} of {batches} batches, {:.0} s", batch + 1, start.elapsed().as_secs_f64());
        }
    }
    println!(
        "{expression} on {}: {} inputs, all correctly rounded, {:.0} s, digest {digest}",
        device.info().name,
        u64::from(batches) * BATCH as u64,
        start.elapsed().as_secs_f64()
    );
}
