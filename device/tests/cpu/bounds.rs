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
