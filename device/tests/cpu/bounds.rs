//! What the compiler knows of a value's size saves instructions and changes no bit.

use crate::support::{Case, bits};

/// A float that is kept within the integers is converted by one instruction, whose results outside of them would not be the same on all machines.
#[test]
fn a_float_within_limits_is_converted_as_any_other() {
    let limit = |x: f32| if x < 2e9 { x } else { 2e9 }.max(-2e9);
    let values = [
        0.5,
        -0.5,
        1.999_999,
        -7.9,
        4e6,
        -123_456.78,
        1.9e9,
        -1.9e9,
        2e9,
        3e9,
        -3e9,
        1e38,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    let values: Vec<f32> = values.into_iter().chain([f32::NAN, -0.0]).collect();
    let source = "@group(0) @binding(0) var<storage, read> a: array<f32>;
        @group(0) @binding(1) var<storage, read_write> out: array<i32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            out[id.x] = i32(max(-2e9, min(2e9, a[id.x])));
        }";
    let out = Case::new(source, vec![bits(&values), vec![0; 16]], 4).run().remove(1);
    let wanted: Vec<u32> = values.iter().map(|x| (limit(*x) as i32).cast_unsigned()).collect();
    assert_eq!(out, wanted);
}

/// Kept below 2^31 from above alone, and no NaN: what is too far below becomes the least integer on every machine. A limit beyond 2^31 is none.
#[test]
fn a_float_below_a_limit_is_converted_as_any_other() {
    let values = [
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        1.9e9,
        -1.9e9,
        2e9,
        3e9,
        -3e9,
        -2_147_483_648.0,
        1e38,
    ];
    let others = [-1e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let values: Vec<f32> = values.into_iter().chain(others).collect();
    let roundings = [("", f32::trunc as fn(f32) -> f32), ("round", f32::round_ties_even)];
    for ((rounding, rounded), limit) in roundings.into_iter().flat_map(|each| [(each, 2e9), (each, 3e9)]) {
        let source = format!(
            "@group(0) @binding(0) var<storage, read> a: array<f32>;
            @group(0) @binding(1) var<storage, read_write> out: array<i32>;
            @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                out[id.x] = i32({rounding}(min({limit:e}, a[id.x])));
            }}"
        );
        let out = Case::new(&source, vec![bits(&values), vec![0; 16]], 4).run().remove(1);
        let kept = |x: f32| if x < limit { x } else { limit };
        let wanted = values.iter().map(|x| rounded(kept(*x)).min(2_147_483_520.0) as i32);
        let wanted: Vec<u32> = wanted.map(i32::cast_unsigned).collect();
        assert_eq!(out, wanted, "{rounding} {limit}");
    }
}

/// Words that follow each other are loaded at once, at addresses of all kinds.
#[test]
fn loads_of_words_that_follow_each_other_are_loads_of_each() {
    let len = 100_u32;
    let keys: Vec<u32> = (0..64_u32).map(|i| i * 37 % 101).collect();
    for (at, place) in [
        (
            "min(key[id.x], 95u)",
            (|keys, i| u32::min(keys[i], 95)) as fn(&[u32], usize) -> u32,
        ),
        ("min(7u * (id.x % 13u), 95u)", |_, i| 7 * (i as u32 % 13)),
        ("min(id.x, 95u)", |_, i| i as u32),
        ("min(id.y, 95u)", |_, _| 0),
    ] {
        for count in 2..=5_u32 {
            let sum: String = (0..count).map(|k| format!(" + {}u * a[at + {k}u]", 10_u32.pow(k))).collect();
            let source = format!(
                "@group(0) @binding(0) var<storage, read> a: array<u32, {len}>;
                @group(0) @binding(1) var<storage, read> key: array<u32>;
                @group(0) @binding(2) var<storage, read_write> out: array<u32>;
                @compute @workgroup_size(16) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                    let at = {at};
                    if key[id.x] % 5u != 0u {{
                        out[id.x] = 0u{sum};
                    }}
                }}"
            );
            let a: Vec<u32> = (0..len).map(|i| i * i + 1).collect();
            let out = Case::new(&source, vec![a.clone(), keys.clone(), vec![0; 64]], 4)
                .run()
                .remove(2);
            let wanted = |i: usize| {
                let first = place(&keys, i);
                let sum = (0..count).map(|k| 10_u32.pow(k) * a[(first + k) as usize]).sum();
                if keys[i].is_multiple_of(5) { 0 } else { sum }
            };
            assert_eq!(out, (0..64).map(wanted).collect::<Vec<_>>(), "{at}, {count}");
        }
    }
}

/// What a divisor is at least decides whether a quotient is converted as one within the integers: both where it is known, and where tracing it
/// back ends before.
#[test]
fn a_quotient_beyond_the_integers_is_not_taken_for_one_within() {
    for divisor in [
        "max(root, 1e-20)",
        "min(0.9, min(0.8, min(0.7, min(0.6, min(0.5, root)))))",
        "min(0.9, min(0.8, min(0.7, min(0.6, min(0.5, min(0.4, root))))))",
        "min(0.9, min(0.8, min(0.7, min(0.6, min(0.5, max(root, 1e-20))))))",
    ] {
        let source = format!(
            "@group(0) @binding(0) var<storage, read> a: array<u32>;
            @group(0) @binding(1) var<storage, read_write> out: array<i32>;
            @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                let x = f32(a[id.x]) * 1e-10;
                let root = sqrt(x * x + 1e-30);
                out[id.x] = i32(1.0 / {divisor});
            }}"
        );
        let out = Case::new(&source, vec![vec![0, 1, 1 << 30, u32::MAX], vec![0; 4]], 1)
            .run()
            .remove(1);
        assert_eq!(out[0], 2_147_483_520, "{divisor}");
        assert_eq!(out[3], 2, "{divisor}");
    }
}

/// The root and the quotient of what is known to be at least something need no look at zeros, infinities and subnormals.
#[test]
fn roots_and_quotients_of_limited_values_are_those_of_all() {
    let values: Vec<f32> = (0..64).map(|i| (i as f32 - 20.0) * 0.37).collect();
    let source = "@group(0) @binding(0) var<storage, read> a: array<i32>;
        @group(0) @binding(1) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let x = f32(a[id.x]) * 0.01;
            out[id.x] = 1.0 / sqrt(min(max(x, 1e-4), 0.81));
        }";
    let a: Vec<u32> = values.iter().map(|x| (*x as i32).cast_unsigned()).collect();
    let out = Case::new(source, vec![a.clone(), vec![0; 64]], 16).run().remove(1);
    let root = |x: &u32| 1.0 / (x.cast_signed() as f32 * 0.01).clamp(1e-4, 0.81).sqrt();
    assert_eq!(out, bits(&a.iter().map(root).collect::<Vec<f32>>()));
}
