//! Operators and builtins against the host, over edge cases and random inputs.
//!
//! What IEEE 754 or WGSL defines to the bit is compared to the bit; elementary functions are compared with f64, in units of the
//! last place.

use crate::support::{Case, Random};

/// Words that are edges as floats or as integers, and random ones.
fn inputs() -> Vec<u32> {
    let mut words: Vec<u32> = vec![
        0,
        1,
        2,
        3,
        7,
        31,
        32,
        33,
        255,
        0x7fff_ffff,
        0x8000_0000,
        0x8000_0001,
        u32::MAX,
        u32::MAX - 1,
        0x7f80_0000,
        0xff80_0000,
        0x7fc0_0000,
        0x007f_ffff,
        0x0080_0000,
        0x8080_0000,
        0x3f80_0000,
        0xbf80_0000,
        0x3f00_0000,
        0xbf00_0000,
        0x3fc0_0000,
        0x4020_0000,
        0x4f00_0000,
        0xcf00_0000,
        0x4eff_ffff,
        0x4f7f_ffff,
        0x4f80_0000,
        0x4b00_0000,
        0x4aff_ffff,
        0x477f_e000,
        0x477f_f000,
        0x3880_0000,
        0x3300_0000,
        0x33c0_0000,
        0x3f7f_ffff,
    ];
    let mut random = Random(11);
    words.extend((0..61).map(|_| random.word()));
    words.extend((0..28).map(|_| ((random.word() % 4000) as f32 * 0.01 - 20.0).to_bits()));
    words
}

/// All pairs of inputs, through `expression` of `a` and `b` (both `ty`), which gives a u32.
fn evaluate(ty: &str, expression: &str) -> Vec<(u32, u32, u32)> {
    let words = inputs();
    let n = words.len() as u32;
    let source = format!(
        "@group(0) @binding(0) var<storage, read> x: array<{ty}>;
         @group(0) @binding(1) var<storage, read_write> out: array<u32>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
             let i = id.x;
             if (i >= {}u) {{ return; }}
             let a = x[i / {n}u];
             let b = x[i % {n}u];
             out[i] = {expression};
         }}",
        n * n
    );
    let out = Case::new(&source, vec![words.clone(), vec![0; (n * n) as usize]], (n * n).div_ceil(64))
        .run()
        .remove(1);
    let pairs = (0..n * n).map(|i| (words[(i / n) as usize], words[(i % n) as usize]));
    pairs.zip(out).map(|((a, b), out)| (a, b, out)).collect()
}

fn exact(ty: &str, expression: &str, f: impl Fn(u32, u32) -> u32) {
    for (a, b, out) in evaluate(ty, expression) {
        let wanted = f(a, b);
        assert_eq!(out, wanted, "{expression} of {a:#x} {b:#x}: {out:#x} instead of {wanted:#x}");
    }
}

/// A float result; every NaN is the one NaN.
fn float(expression: &str, f: impl Fn(f32, f32) -> f32) {
    exact("f32", &format!("bitcast<u32>({expression})"), |a, b| {
        let value = f(f32::from_bits(a), f32::from_bits(b));
        if value.is_nan() { 0x7fc0_0000 } else { value.to_bits() }
    });
}

#[test]
fn float_arithmetic_is_ieee_754() {
    float("a + b", |a, b| a + b);
    float("a - b", |a, b| a - b);
    float("a * b", |a, b| a * b);
    float("a / b", |a, b| a / b);
    float("a % b", |a, b| a - b * (a / b).trunc());
    float("fma(a, b, a)", |a, b| a * b + a);
    float("sqrt(a) + b * 0.0", |a, b| a.sqrt() + b * 0.0);
    float("-a + abs(b)", |a, b| -a + b.abs());
    float("floor(a) + ceil(b)", |a, b| a.floor() + b.ceil());
    float("trunc(a) + round(b)", |a, b| a.trunc() + b.round_ties_even());
    float("min(a, b)", |a, b| if b < a { b } else { a });
    float("max(a, b)", |a, b| if a < b { b } else { a });
    float("sign(a) + fract(b)", |a, b| {
        let sign = if a > 0.0 {
            1.0
        } else if a < 0.0 {
            -1.0
        } else {
            0.0
        };
        sign + (b - b.floor())
    });
    float("mix(a, b, 0.25)", |a, b| a * 0.75 + b * 0.25);
    float("step(a, b)", |a, b| if a <= b { 1.0 } else { 0.0 });
    float("dot(vec2(a, b), vec2(b, 2.0))", |a, b| a * b + b * 2.0);
    float("clamp(a, -1.5, 3.0) + saturate(b)", |a, b| {
        let clamp = |x: f32, low: f32, high: f32| {
            let x = if x < low { low } else { x };
            if high < x { high } else { x }
        };
        clamp(a, -1.5, 3.0) + clamp(b, 0.0, 1.0)
    });
    float("modf(a).whole + modf(b).fract * 0.5", |a, b| {
        let fract = if b == b.trunc() { 0.0 } else { b - b.trunc() };
        a.trunc() + fract * 0.5
    });
}

#[test]
fn float_comparisons_are_false_for_nan() {
    let bits = [("<", 1), ("<=", 2), (">", 4), (">=", 8), ("==", 16), ("!=", 32)];
    let terms: Vec<String> = bits.iter().map(|(op, bit)| format!("select(0u, {bit}u, a {op} b)")).collect();
    exact("f32", &terms.join(" + "), |a, b| {
        let (a, b) = (f32::from_bits(a), f32::from_bits(b));
        u32::from(a < b)
            + 2 * u32::from(a <= b)
            + 4 * u32::from(a > b)
            + 8 * u32::from(a >= b)
            + 16 * u32::from(a == b)
            + 32 * u32::from(a != b)
    });
}

#[test]
fn conversions_clamp_and_truncate() {
    exact("f32", "bitcast<u32>(i32(a)) + u32(b)", |a, b| {
        let (a, b) = (f32::from_bits(a), f32::from_bits(b));
        let signed = if a > 2_147_483_520.0 { 2_147_483_520 } else { a as i32 };
        let unsigned = if b > 4_294_967_040.0 { 4_294_967_040 } else { b as u32 };
        (signed as u32).wrapping_add(unsigned)
    });
    exact("u32", "bitcast<u32>(f32(a)) ^ bitcast<u32>(f32(i32(b)))", |a, b| {
        (a as f32).to_bits() ^ (b as i32 as f32).to_bits()
    });
    exact("u32", "u32(bool(a)) + u32(f32(bool(b)))", |a, b| {
        u32::from(a != 0) + u32::from(b != 0)
    });
}

#[test]
fn unsigned_integers_wrap_and_divide_by_zero_as_defined() {
    exact("u32", "a + b * 3u - (a ^ b)", |a, b| {
        a.wrapping_add(b.wrapping_mul(3)).wrapping_sub(a ^ b)
    });
    exact("u32", "a / b", |a, b| a.checked_div(b).unwrap_or(a));
    exact("u32", "a % b", |a, b| a.checked_rem(b).unwrap_or(0));
    exact("u32", "a / 7u + b % 10u", |a, b| a / 7 + b % 10);
    exact("u32", "(a << (b & 31u)) | (a >> (b & 31u))", |a, b| {
        (a << (b & 31)) | (a >> (b & 31))
    });
    exact("u32", "(a & b) + (a | ~b)", |a, b| (a & b).wrapping_add(a | !b));
    exact("u32", "min(a, b) ^ max(a, b) ^ clamp(a, 5u, 1000u)", |a, b| {
        a.min(b) ^ a.max(b) ^ a.clamp(5, 1000)
    });
    exact(
        "u32",
        "select(0u, 1u, a < b) + select(0u, 2u, a <= b) + select(0u, 4u, a > b) + select(0u, 8u, a == b)",
        |a, b| u32::from(a < b) + 2 * u32::from(a <= b) + 4 * u32::from(a > b) + 8 * u32::from(a == b),
    );
}

#[test]
fn signed_integers_wrap_and_divide_by_zero_as_defined() {
    let signed = |expression: &str, f: fn(i32, i32) -> i32| {
        exact("i32", &format!("bitcast<u32>({expression})"), |a, b| {
            f(a as i32, b as i32) as u32
        });
    };
    signed("a / b", |a, b| if b == 0 { a } else { a.wrapping_div(b) });
    signed("a % b", |a, b| if b == 0 { 0 } else { a.wrapping_rem(b) });
    signed("a * b + (-a)", |a, b| a.wrapping_mul(b).wrapping_sub(a));
    signed("abs(a) + sign(b)", |a, b| a.wrapping_abs().wrapping_add(b.signum()));
    signed("min(a, b) ^ max(a, b) ^ clamp(a, -9, 77)", |a, b| {
        a.min(b) ^ a.max(b) ^ a.clamp(-9, 77)
    });
    signed("a >> (bitcast<u32>(b) & 31u)", |a, b| a >> (b & 31));
    signed("dot(vec3(a, b, 3), vec3(b, b, a))", |a, b| {
        a.wrapping_mul(b)
            .wrapping_add(b.wrapping_mul(b))
            .wrapping_add(a.wrapping_mul(3))
    });
    signed("select(0, 1, a < b) + select(0, 2, a <= b) + select(0, 4, a > b)", |a, b| {
        i32::from(a < b) + 2 * i32::from(a <= b) + 4 * i32::from(a > b)
    });
}

#[test]
fn bit_operations_count_reverse_and_cut() {
    exact("u32", "countOneBits(a) + countLeadingZeros(b) * 64u", |a, b| {
        a.count_ones() + b.leading_zeros() * 64
    });
    exact("u32", "countTrailingZeros(a) ^ reverseBits(b)", |a, b| {
        a.trailing_zeros() ^ b.reverse_bits()
    });
    exact("u32", "firstLeadingBit(a) + firstTrailingBit(b) * 3u", |a, b| {
        let leading = 31u32.wrapping_sub(a.leading_zeros());
        let trailing = if b == 0 { u32::MAX } else { b.trailing_zeros() };
        leading.wrapping_add(trailing.wrapping_mul(3))
    });
    exact("i32", "bitcast<u32>(firstLeadingBit(a) + 0 * b)", |a, _| {
        let a = a as i32;
        31u32.wrapping_sub((if a < 0 { !a } else { a }).leading_zeros())
    });
    let cut = |offset: u32, count: u32| {
        let offset = offset.min(32);
        (offset, count.min(32 - offset))
    };
    exact("u32", "extractBits(a, b % 40u, a % 37u)", |a, b| {
        let (offset, count) = cut(b % 40, a % 37);
        if count == 0 {
            0
        } else {
            ((u64::from(a) >> offset) & ((1 << count) - 1)) as u32
        }
    });
    exact(
        "i32",
        "bitcast<u32>(extractBits(a, bitcast<u32>(b) % 40u, bitcast<u32>(a) % 37u))",
        |a, b| {
            let (offset, count) = cut(b % 40, a % 37);
            if count == 0 {
                0
            } else {
                (((a as i32) << (32 - offset - count)) >> (32 - count)) as u32
            }
        },
    );
    exact("u32", "insertBits(a, b, b % 40u, a % 37u)", |a, b| {
        let (offset, count) = cut(b % 40, a % 37);
        let mask = (((1u64 << count) - 1) << offset) as u32;
        (a & !mask) | (if count == 0 { 0 } else { (b << offset) & mask })
    });
}

#[test]
fn packing_rounds_and_unpacking_restores() {
    exact(
        "u32",
        "pack4xU8(vec4(a, b, a >> 8u, b >> 8u)) ^ pack4xU8Clamp(vec4(a, b, 3u, 4u))",
        |a, b| {
            let clamp = |x: u32| x.min(255);
            (a & 255 | (b & 255) << 8 | (a >> 8 & 255) << 16 | (b >> 8 & 255) << 24)
                ^ (clamp(a) | clamp(b) << 8 | 3 << 16 | 4 << 24)
        },
    );
    exact(
        "u32",
        "u32(dot(unpack4xI8(a), vec4(1, 2, 3, 4))) + dot4U8Packed(a, b)",
        |a, b| {
            let (x, y) = (a.to_le_bytes(), b.to_le_bytes());
            let signed: i32 = x.iter().enumerate().map(|(i, x)| i32::from(*x as i8) * (i as i32 + 1)).sum();
            let product: u32 = x.iter().zip(y).map(|(x, y)| u32::from(*x) * u32::from(y)).sum();
            (signed as u32).wrapping_add(product)
        },
    );
    let norm = |x: f32, low: f32, scale: f32| -> i32 {
        if x.is_nan() {
            0
        } else {
            (x.clamp(low, 1.0) * scale).round_ties_even() as i32
        }
    };
    exact("f32", "pack2x16snorm(vec2(a, b)) ^ pack2x16unorm(vec2(b, a))", |a, b| {
        let (a, b) = (f32::from_bits(a), f32::from_bits(b));
        let snorm = (norm(a, -1.0, 32767.0) as u32 & 0xffff) | (norm(b, -1.0, 32767.0) as u32) << 16;
        snorm ^ (norm(b, 0.0, 65535.0) as u32 | (norm(a, 0.0, 65535.0) as u32) << 16)
    });
    float(
        "unpack4x8snorm(bitcast<u32>(a)).y + unpack2x16unorm(bitcast<u32>(b)).x",
        |a, b| {
            let byte = a.to_bits().to_le_bytes()[1] as i8;
            (f32::from(byte) / 127.0).max(-1.0) + (b.to_bits() & 0xffff) as f32 / 65535.0
        },
    );
    // An f16 that is widened and packed again is itself; quantizing is both.
    exact("u32", "pack2x16float(unpack2x16float(a)) + 0u * b", |a, _| {
        let half = |bits: u32| {
            if bits & 0x7fff > 0x7c00 { 0x7e00 } else { bits }
        };
        half(a & 0xffff) | half(a >> 16) << 16
    });
    float("quantizeToF16(a) + 0.0 * floor(b * 0.0)", |a, b| {
        let size = a.abs();
        let unit = if size < 6.103_515_6e-5 {
            2f32.powi(-24)
        } else {
            2f32.powi(((size.to_bits() >> 23) as i32) - 127 - 10)
        };
        let rounded = if size.is_finite() {
            (a / unit).round_ties_even() * unit
        } else {
            a
        };
        let half = if rounded.abs() > 65504.0 {
            f32::INFINITY.copysign(a)
        } else {
            rounded
        };
        half + 0.0 * (b * 0.0).floor()
    });
}

#[test]
fn frexp_and_ldexp_take_apart_and_put_together() {
    exact(
        "f32",
        "bitcast<u32>(ldexp(frexp(a).fract, frexp(a).exp)) + 0u * u32(b > 0.0)",
        |a, _| {
            if f32::from_bits(a).is_nan() { 0x7fc0_0000 } else { a }
        },
    );
    exact(
        "f32",
        "u32(abs(frexp(a).fract) >= 0.5 && abs(frexp(a).fract) < 1.0) + 0u * u32(b > 0.0)",
        |a, _| {
            let a = f32::from_bits(a);
            u32::from(a.is_finite() && a != 0.0)
        },
    );
}

/// Inputs from `low` to `high`, and the largest error in units of the last place of the true result.
fn error_of(expression: &str, low: f32, high: f32, f: impl Fn(f64, f64) -> f64) -> f64 {
    const COUNT: u32 = 40_000;
    let mut random = Random(5);
    let mut draw = || low + (high - low) * (random.word() as f32 / 4_294_967_296.0);
    let inputs: Vec<u32> = (0..2 * COUNT).map(|_| draw().to_bits()).collect();
    let source = format!(
        "@group(0) @binding(0) var<storage, read> x: array<f32>;
         @group(0) @binding(1) var<storage, read_write> out: array<f32>;
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
             let a = x[id.x * 2u]; let b = x[id.x * 2u + 1u];
             out[id.x] = {expression};
         }}"
    );
    let out = Case::new(&source, vec![inputs.clone(), vec![0; COUNT as usize]], COUNT / 64)
        .run()
        .remove(1);
    let mut worst = 0.0f64;
    for (pair, out) in inputs.chunks(2).zip(out) {
        let (a, b) = (f64::from(f32::from_bits(pair[0])), f64::from(f32::from_bits(pair[1])));
        let wanted = f(a, b);
        let size = (wanted.abs() as f32).max(f32::MIN_POSITIVE);
        let ulp = f64::from(f32::from_bits(size.to_bits() + 1)) - f64::from(size);
        if wanted.abs() > f64::from(f32::MAX) || wanted.abs() < f64::from(f32::MIN_POSITIVE) {
            continue;
        }
        let error = (f64::from(f32::from_bits(out)) - wanted).abs() / ulp;
        assert!(
            error.is_finite() || wanted.is_nan(),
            "{expression} of {a} {b} is {}",
            f32::from_bits(out)
        );
        worst = worst.max(error);
    }
    worst
}

#[test]
fn elementary_functions_are_within_a_few_units_of_the_last_place() {
    type Oracle = fn(f64, f64) -> f64;
    // The last number is the worst error allowed, in units of the last place; what is measured lies just below it.
    let table: [(&str, f32, f32, f64, Oracle); 26] = [
        ("exp(a)", -80.0, 80.0, 1.0, |a, _| a.exp()),
        ("exp2(a)", -120.0, 120.0, 1.2, |a, _| a.exp2()),
        ("log(a)", 1e-3, 1e3, 0.8, |a, _| a.ln()),
        ("log(a)", 0.5, 2.0, 0.8, |a, _| a.ln()),
        ("log2(a)", 1e-3, 1e3, 1.0, |a, _| a.log2()),
        ("pow(a, b)", 0.01, 10.0, 1.5, |a, b| a.powf(b)),
        ("pow(a, b)", 10.0, 25.0, 1.5, |a, b| a.powf(b)),
        ("pow(1.0 + a * 1e-5, b * 1e4)", 1.0, 800.0, 1.5, |a, b| {
            let near_one = f64::from(1.0 + a as f32 * 1e-5);
            near_one.powf(f64::from(b as f32 * 1e4))
        }),
        ("pow(a * 1e-30, b)", 1.0, 1.2, 1.5, |a, b| f64::from(a as f32 * 1e-30).powf(b)),
        ("inverseSqrt(a)", 1e-3, 1e3, 1.5, |a, _| 1.0 / a.sqrt()),
        ("atan(a)", -10.0, 10.0, 1.9, |a, _| a.atan()),
        ("atan2(a, b)", -10.0, 10.0, 3.0, |a, b| a.atan2(b)),
        ("asin(a)", -1.0, 1.0, 2.3, |a, _| a.asin()),
        ("acos(a)", -0.9, 1.0, 1.3, |a, _| a.acos()),
        ("sinh(a)", -80.0, 80.0, 1.6, |a, _| a.sinh()),
        ("cosh(a)", -80.0, 80.0, 1.4, |a, _| a.cosh()),
        ("tanh(a)", -10.0, 10.0, 1.3, |a, _| a.tanh()),
        ("asinh(a)", -100.0, 100.0, 2.0, |a, _| a.asinh()),
        ("acosh(a)", 1.0, 100.0, 1.9, |a, _| a.acosh()),
        ("atanh(a)", -0.95, 0.95, 1.4, |a, _| a.atanh()),
        ("length(vec2(a, b))", -5.0, 5.0, 1.2, |a, b| a.hypot(b)),
        ("normalize(vec2(a, b)).x", 1.0, 5.0, 1.8, |a, b| a / a.hypot(b)),
        ("radians(a) + 0.0 * b", -180.0, 180.0, 0.7, |a, _| a.to_radians()),
        ("degrees(a) + 0.0 * b", -3.0, 3.0, 0.7, |a, _| a.to_degrees()),
        ("sin(a)", 0.1, 1.5, 1.2, |a, _| a.sin()),
        ("cos(a)", -1.5, 1.5, 1.5, |a, _| a.cos()),
    ];
    let mut failures = Vec::new();
    for (expression, low, high, limit, oracle) in table {
        let error = error_of(expression, low, high, oracle);
        println!("{expression} from {low} to {high}: {error:.2} ULP");
        if error > limit {
            failures.push(format!("{expression} from {low} to {high}: {error:.2} ULP, {limit} allowed"));
        }
    }
    // Near its zeros WGSL bounds the absolute error of sine and cosine.
    for (expression, oracle) in [("sin(a)", f64::sin as fn(f64) -> f64), ("cos(a)", f64::cos)] {
        let scaled = format!("{expression} * 0.0 + {expression}");
        let error = error_of(&format!("8.0 + ({scaled})"), -3.2, 3.2, |a, _| 8.0 + oracle(a));
        if error > 1.0 {
            failures.push(format!("{expression}: {error:.2} of 2^-20"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Up to 2^24, beyond which the next f32 is more than a radian away.
#[test]
fn sine_and_cosine_of_many_turns_are_right() {
    let source = "@group(0) @binding(0) var<storage, read_write> all: array<vec4<f32>>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let x = all[id.x].x;
            all[id.x] = vec4<f32>(x, sin(x), cos(x), 0.0);
        }";
    let mut random = Random(5);
    let mut inputs: Vec<f32> = vec![1e6, -1e6, 16_777_215.0, 355.0, 710.0, 3217.0, 52_174.0, 5_419_351.0];
    while inputs.len() < 4096 {
        let size = 2f32.powi(random.below(25) as i32);
        inputs.push((random.below(1 << 24) as f32 / 8_388_608.0 - 1.0) * size);
    }
    let words = inputs.iter().flat_map(|x| [x.to_bits(), 0, 0, 0]).collect();
    let out = Case::new(source, vec![words], 64).run();
    for (x, found) in inputs.iter().zip(out[0].chunks_exact(4)) {
        let (sine, cosine) = f64::from(*x).sin_cos();
        for (name, found, right) in [("sin", found[1], sine), ("cos", found[2], cosine)] {
            let error = (f64::from(f32::from_bits(found)) - right).abs();
            assert!(error < 2e-7, "{name} {x}: {} for {right}", f32::from_bits(found));
        }
    }
}
