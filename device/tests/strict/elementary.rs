//! Transcendentals against the host's f64 functions, in units of the last place of the right result.

use device::Device;

use crate::support::{BATCH, Evaluator, cpu, mix, operand, stride, vulkan};

/// A function of the library with its oracle, and its worst error in hundredths of an ULP as `docs/strict-library.md` states it.
struct Function {
    name: &'static str,
    oracle: fn(f64, f64) -> f64,
    /// Hundredths of an ULP.
    worst: u32,
}

const fn function(name: &'static str, worst: u32, oracle: fn(f64, f64) -> f64) -> Function {
    Function { name, oracle, worst }
}

const OF_ONE: &[Function] = &[
    function("strict_exp(a)", 96, |x, _| x.exp()),
    function("strict_exp2(a)", 110, |x, _| x.exp2()),
    function("strict_log(a)", 80, |x, _| x.ln()),
    function("strict_log2(a)", 82, |x, _| x.log2()),
    function("strict_sin(a)", 83, |x, _| x.sin()),
    function("strict_cos(a)", 83, |x, _| x.cos()),
    function("strict_tan(a)", 165, |x, _| x.tan()),
    function("strict_asin(a)", 155, |x, _| x.asin()),
    function("strict_acos(a)", 108, |x, _| x.acos()),
    function("strict_atan(a)", 110, |x, _| x.atan()),
    function("strict_sinh(a)", 162, |x, _| x.sinh()),
    function("strict_cosh(a)", 136, |x, _| x.cosh()),
    function("strict_tanh(a)", 130, |x, _| x.tanh()),
    function("strict_asinh(a)", 120, |x, _| x.asinh()),
    function("strict_acosh(a)", 182, |x, _| x.acosh()),
    function("strict_atanh(a)", 114, |x, _| x.atanh()),
    function("strict_inverse_sqrt(a)", 150, |x, _| 1.0 / x.sqrt()),
];

const OF_TWO: &[Function] = &[
    function("strict_pow(a, b)", 125, f64::powf),
    function("strict_atan2(a, b)", 155, f64::atan2),
];

/// How far off a result is, in ULP; infinite where it is of the wrong sort.
fn error(found: f32, right: f64) -> f64 {
    let rounded = right as f32;
    if right.is_nan() {
        return if found.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if rounded.is_infinite() || found.is_infinite() {
        // Half a unit above the largest f32 both are right, and 2 units further down too.
        let near = right.abs() > f64::from(f32::MAX) * (1.0 - 2.0_f64.powi(-23));
        return if (found == rounded) || (near && found.abs() >= f32::MAX) {
            0.0
        } else {
            f64::INFINITY
        };
    }
    let least = f64::from(f32::MIN_POSITIVE);
    if right.abs() <= least * (1.0 + 2.0_f64.powi(-22)) && found == 0.0 {
        return 0.0;
    }
    let exponent = right.abs().max(least).log2().floor() as i32;
    (f64::from(found) - right).abs() / 2.0_f64.powi(exponent - 23)
}

/// The worst error over inputs, in ULP, and where.
fn worst(device: &dyn Device, function: &Function, inputs: impl Iterator<Item = (u32, u32)>) -> (f64, (u32, u32), u64) {
    let mut evaluator = Evaluator::library(device, &format!("bitcast<u32>({})", function.name));
    let mut inputs = inputs.peekable();
    let (mut most, mut place, mut count) = (0.0, (0, 0), 0);
    while inputs.peek().is_some() {
        let batch: Vec<(u32, u32)> = inputs.by_ref().take(BATCH).collect();
        for ((a, b), found) in batch.iter().zip(evaluator.run(&batch)) {
            let [x, y] = [*a, *b].map(|word| f64::from(operand(f32::from_bits(word))));
            let error = error(f32::from_bits(found), (function.oracle)(x, y));
            if error > most {
                (most, place) = (error, (*a, *b));
            }
        }
        count += batch.len() as u64;
    }
    (most, place, count)
}

fn report(device: &dyn Device, function: &Function, inputs: impl Iterator<Item = (u32, u32)>) -> bool {
    let (most, (a, b), count) = worst(device, function, inputs);
    println!(
        "{:<24} {most:.3} ULP at {:e} {:e}, {count} inputs",
        function.name,
        f32::from_bits(a),
        f32::from_bits(b)
    );
    most <= f64::from(function.worst) / 100.0
}

/// Zero has no sign here: the oracle would answer for -0.
fn positive_zero(word: u32) -> u32 {
    if word & 0x7fff_ffff <= 0x0080_0000 { 0 } else { word }
}

#[test]
fn functions_of_one_number_keep_their_stated_errors() {
    let stride = stride(4093);
    let device = cpu();
    let inputs = || (0..=u32::MAX).step_by(stride).map(|word| (positive_zero(word), 0));
    let wrong: Vec<_> = OF_ONE
        .iter()
        .filter(|one| !report(device.as_ref(), one, inputs()))
        .map(|one| one.name)
        .collect();
    assert!(wrong.is_empty(), "worse than stated: {wrong:?}");
}

#[test]
fn functions_of_two_numbers_keep_their_stated_errors() {
    let count = (1_u64 << 32) / stride(4093) as u64;
    let device = cpu();
    let wrong: Vec<_> = OF_TWO
        .iter()
        .filter(|two| !report(device.as_ref(), two, two_numbers(two, count)))
        .map(|two| two.name)
        .collect();
    assert!(wrong.is_empty(), "worse than stated: {wrong:?}");
}

/// Pairs whose result is neither 0 nor infinite, mostly: for `pow` a random result's exponent, for `atan2` numbers of like size.
fn two_numbers(function: &Function, count: u64) -> impl Iterator<Item = (u32, u32)> {
    let pow = function.name.starts_with("strict_pow");
    (0..count).map(move |i| {
        let (p, q) = (mix(i as u32), mix(mix(i as u32) ^ 0x1234_5678));
        if !pow {
            return ((p & 0x83ff_ffff) | 0x3c00_0000, (q & 0x83ff_ffff) | 0x3c00_0000);
        }
        let x = match i % 3 {
            0 => f32::from_bits(p & 0x7fff_ffff),
            1 => f32::from_bits((p & 0x01ff_ffff) | 0x3f00_0000),
            _ => 1.0 + (p as i32 as f32) * 2.0_f32.powi(-31) * 2.0_f32.powi(-((q & 15) as i32)),
        };
        let exponent = f64::from(q) / f64::from(u32::MAX) * 270.0 - 135.0;
        let y = (exponent / f64::from(x).log2()) as f32;
        if y.is_finite() && x.is_finite() {
            (positive_zero(x.to_bits()), positive_zero(y.to_bits()))
        } else {
            (0x3f80_0000, q)
        }
    })
}

#[test]
fn every_function_has_the_same_bits_on_every_device() {
    let inputs: Vec<(u32, u32)> = crate::support::edges()
        .into_iter()
        .flat_map(|a| crate::support::edges().into_iter().map(move |b| (a, b)))
        .chain((0..).map(|i| (mix(i), mix(mix(i) ^ 99))))
        .take(BATCH)
        .collect();
    let mut wrong = Vec::new();
    for (name, _, arguments) in shaders::STRICT {
        let call = match arguments {
            ["f32"] => format!("{name}(a)"),
            ["f32", "i32"] => format!("{name}(a, bitcast<i32>(b) >> (n % 32u))"),
            _ => format!("{name}(a, b)"),
        };
        // NaN has no bits of its own until it is written by a lowered kernel.
        let expression = format!("one_nan({call})");
        let preamble = format!(
            "{}\nfn one_nan(x: f32) -> u32 {{ let u = bitcast<u32>(x); return select(u, 0x7fc00000u, (u & 0x7fffffffu) > 0x7f800000u); }}",
            shaders::strict_library()
        );
        let run = |device: &dyn Device| Evaluator::new(device, &preamble, &expression, device::Underflow::Checked).run(&inputs);
        let mine = run(cpu().as_ref());
        for device in vulkan() {
            let theirs = run(device.as_ref());
            let differs = inputs
                .iter()
                .zip(mine.iter().zip(&theirs))
                .find(|(_, (mine, theirs))| mine != theirs);
            if let Some(((a, b), (mine, theirs))) = differs {
                let name = &device.info().name;
                wrong.push(format!("{call} of {a:#x} {b:#x} on {name}: {theirs:#x}, cpu {mine:#x}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
