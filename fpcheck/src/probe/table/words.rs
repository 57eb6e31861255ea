//! Columns and oracles of probes on integers, conversions, memory and control flow.

use super::super::exact::{add, mul};
use super::super::{Column, Demand, Guess};
use super::{exact, f, float, reference, seen, seen_bits};

pub(super) const CONVERSIONS: &[Column] = &[
    exact("to_i32", "i32(x), in range", |x| (f(x[0]) as i32).cast_unsigned(), &[]),
    exact("to_u32", "u32(x), in range", |x| f(x[1]) as u32, &[]),
    float(
        "small_i32",
        "f32(i) below 2^24",
        |x| ((x[2].cast_signed() >> 8) as f32).to_bits(),
        &[],
    ),
    float("small_u32", "f32(u) below 2^24", |x| ((x[2] >> 8) as f32).to_bits(), &[]),
    float(
        "any_i32",
        "f32(i) from 2^24 on, rounded",
        |x| (x[2].cast_signed() as f32).to_bits(),
        &[],
    ),
    seen("any_u32", "f32(u) from 2^24 on, rounded", |x| (x[2] as f32).to_bits(), &[]),
    seen_bits(
        "wild_i32",
        "i32(x), of any size",
        |x| (f(x[3]) as i32).cast_unsigned(),
        CLAMPED_I32,
    ),
    seen_bits("wild_u32", "u32(x), of any size and sign", |x| f(x[3]) as u32, CLAMPED_U32),
];

const CLAMPED_I32: &[Guess] = &[Guess {
    words: "clamped to the largest float in range",
    value: |x| (f(x[3]).clamp(-2_147_483_648.0, 2_147_483_520.0) as i32).cast_unsigned(),
}];

const CLAMPED_U32: &[Guess] = &[Guess {
    words: "clamped to the largest float in range",
    value: |x| f(x[3]).clamp(0.0, 4_294_967_040.0) as u32,
}];

pub(super) const INTEGERS: &[Column] = &[
    exact("mul", "a * b", |x| x[0].wrapping_mul(x[1]), &[]),
    exact(
        "mul_high",
        "high word of a * b",
        |x| ((u64::from(x[0]) * u64::from(x[1])) >> 32) as u32,
        &[],
    ),
    exact("add", "a + b", |x| x[0].wrapping_add(x[1]), &[]),
    exact("carry", "a + b < a", |x| u32::from(x[0].checked_add(x[1]).is_none()), &[]),
    exact("shift_left", "a << b", |x| x[0] << (x[1] & 31), &[]),
    exact("shift_right", "a >> b", |x| x[0] >> (x[1] & 31), &[]),
    exact(
        "shift_signed",
        "i >> b",
        |x| (x[0].cast_signed() >> (x[1] & 31)).cast_unsigned(),
        &[],
    ),
    exact("div", "a / b", |x| x[0].checked_div(x[1]).unwrap_or(x[0]), &[]),
    exact("rem", "a % b", |x| x[0].checked_rem(x[1]).unwrap_or(0), &[]),
    exact(
        "div_signed",
        "i / j",
        |x| {
            x[0].cast_signed()
                .checked_div(x[1].cast_signed())
                .unwrap_or(x[0].cast_signed())
                .cast_unsigned()
        },
        &[],
    ),
    exact(
        "rem_signed",
        "i % j",
        |x| {
            x[0].cast_signed()
                .checked_rem(x[1].cast_signed())
                .unwrap_or(0)
                .cast_unsigned()
        },
        &[],
    ),
    exact("ones", "countOneBits(a)", |x| x[0].count_ones(), &[]),
    exact(
        "leading",
        "firstLeadingBit(a)",
        |x| x[0].checked_ilog2().unwrap_or(u32::MAX),
        &[],
    ),
    exact("reverse", "reverseBits(a)", |x| x[0].reverse_bits(), &[]),
    exact("extract", "extractBits(a, 5, 9)", |x| x[0] >> 5 & 0x1ff, &[]),
    exact(
        "less_signed",
        "i < j",
        |x| u32::from(x[0].cast_signed() < x[1].cast_signed()),
        &[],
    ),
];

pub(super) const BOUNDS: &[Column] = &[
    Column {
        demand: Demand::Exact,
        float: false,
        ..reference("buffer", "x[index]")
    },
    Column {
        demand: Demand::Exact,
        float: false,
        ..reference("private", "table[index] of five")
    },
    exact("vector", "vector[index] of four", |x| 20 + x[0].min(3), &[]),
];

pub(super) const LOOPS: &[Column] = &[exact(
    "rounds",
    "rounds of a loop",
    |x| x[0],
    &[Guess {
        words: "loops are left after 65,535 rounds",
        value: |x| x[0].min(65_535),
    }],
)];

pub(super) fn contention(x: &[u32]) -> Vec<u32> {
    let mut y = vec![0_u32; 16];
    for (i, &value) in x.iter().enumerate() {
        y[0] = y[0].wrapping_add(value);
        y[1] = y[1].wrapping_add(value & 0xffff);
        y[2] = y[2].wrapping_add(value >> 16);
        y[3] = y[3].max(value);
        y[4] = y[4].max(!value);
        y[5] |= value & 0x5555_0000;
        y[6] ^= value;
        y[7] = y[7].wrapping_sub(value);
        y[8 + i % 8] = y[8 + i % 8].wrapping_add(value);
    }
    y
}

pub(super) fn barriers(x: &[u32]) -> Vec<u32> {
    let trees = x.as_chunks::<256>().0.iter().flat_map(|words| {
        let mut integers = *words;
        let mut floats = words.map(|word| mul(((word >> 8) as f32).to_bits(), 0x3400_0000));
        let mut stride = 128;
        while stride > 0 {
            for k in 0..stride {
                integers[k] = integers[k].wrapping_add(integers[k + stride]);
                floats[k] = add(floats[k], floats[k + stride]);
            }
            stride /= 2;
        }
        [integers[0], floats[0]]
    });
    let one: Vec<u32> = trees.collect();
    one.repeat(4)
}
