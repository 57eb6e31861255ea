//! Planted defects are found and located in checked mode, and only those.

use device::{DeviceError, SessionOptions};
use protocol::Tier;

use crate::support::{Case, bits};

fn kernel(body: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
var<workgroup> t: array<u32, 32>;
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32) {{
{body}
}}"
    )
}

fn case(body: &str) -> Case {
    let a: Vec<f32> = (0..64).map(|i| i as f32 * 0.5).collect();
    Case::new(&kernel(body), vec![bits(&a), vec![0; 64]], 2)
}

/// The finding's text; it names the pass, this invocation and this line.
fn found(body: &str, invocation: &str, line: u32) -> String {
    match case(body).checked() {
        Err(DeviceError::Check(text)) => {
            let place = format!("pass 'main', invocation {invocation}, case:{line}:");
            assert!(text.starts_with(&place), "{text}\nis not at {place}");
            text
        }
        other => panic!("nothing was found: {other:?}"),
    }
}

#[test]
fn a_sound_kernel_gives_the_same_bits_in_checked_mode() {
    let body = "t[l] = u32(a[id.x]); workgroupBarrier(); out[id.x] = t[31u - l] + u32(sin(a[id.x]) * 10.0 + 20.0);";
    let plain = case(body).run();
    assert_eq!(case(body).checked().expect("it is sound"), plain);
}

#[test]
fn an_out_of_bounds_read_is_found() {
    let text = found(
        "let x = 1u;\nif (id.x == 37u) { out[id.x] = u32(a[id.x + 40u]); }",
        "(37, 0, 0)",
        7,
    );
    assert!(text.contains("index 77 of 64"), "{text}");
}

/// The length of an array that ends with its buffer is known when the kernel is compiled; the index is all the same out of bounds.
#[test]
fn an_index_that_is_written_out_is_found_out_of_bounds() {
    let source = |body: &str| {
        format!(
            "struct Rows {{ n: u32, rows: array<vec2<u32>> }}
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@group(0) @binding(1) var<storage, read_write> t: Rows;
@compute @workgroup_size(4)
fn main() {{
{body}
}}"
        )
    };
    for tier in [Tier::ClassBound, Tier::Portable] {
        for (body, finding) in [
            ("out[1000] = 7u;", "index 1000 of 4"),
            ("out[2] = out[4];", "index 4 of 4"),
            ("t.n = t.rows[500].y;", "index 500 of 7"),
            ("t.rows[7].x = 1u;", "index 7 of 7"),
            ("let k = 1000u; out[k] = 7u;", "index 1000 of 4"),
        ] {
            let mut case = Case::new(&source(body), vec![vec![0; 4], vec![0; 16]], 1);
            case.tier = tier;
            match case.checked() {
                Err(DeviceError::Check(text)) => {
                    assert!(text.contains(finding) && text.contains("case:6:"), "{body}: {text}");
                }
                other => panic!("{body}, {tier:?}: {other:?}"),
            }
        }
        let mut sound = Case::new(
            &source("if (t.n == 9u) { out[3] = t.rows[6].y; }"),
            vec![vec![0; 4], vec![0; 16]],
            1,
        );
        sound.tier = tier;
        sound.checked().expect("nothing is out of bounds");
    }
}

#[test]
fn a_subnormal_and_an_infinity_and_a_nan_are_found() {
    let text = found(
        "if (id.x == 3u) {\nlet x = a[1] * 1e-38;\nout[id.x] = bitcast<u32>(x); }",
        "(3, 0, 0)",
        7,
    );
    assert!(text.contains("subnormal"), "{text}");
    let text = found("out[id.x] = u32(1.0 / (a[id.x] - 0.5) < 3.0);", "(1, 0, 0)", 6);
    assert!(text.contains("infinity"), "{text}");
    let text = found("out[id.x] = u32(sqrt(0.25 - a[id.x]) < 3.0);", "(1, 0, 0)", 6);
    assert!(text.contains("NaN"), "{text}");
}

#[test]
fn a_conversion_that_overflows_is_found() {
    let text = found(
        "out[id.x] = u32(a[id.x] - 0.4 - 15.0 * f32(id.x == 40u) - 15.0 * f32(id.x == 40u));",
        "(40, 0, 0)",
        6,
    );
    assert!(text.contains("does not fit in u32"), "{text}");
}

#[test]
fn a_race_in_workgroup_memory_is_found() {
    let text = found("t[l] = l;\nout[id.x] = t[(l + 1u) % 32u];", "(0, 0, 0)", 7);
    assert!(text.contains("data race") && text.contains("workgroup memory"), "{text}");
}

#[test]
fn a_barrier_orders_its_own_memory_only() {
    let text = found("t[l] = l;\nstorageBarrier();\nout[id.x] = t[(l + 1u) % 32u];", "(0, 0, 0)", 8);
    assert!(text.contains("with no workgroupBarrier between"), "{text}");
    let neighbour =
        |barrier: &str| format!("out[id.x] = l;\n{barrier};\nlet next = out[id.x ^ 1u];\n{barrier};\nout[id.x] = next;");
    let text = found(&neighbour("workgroupBarrier()"), "(0, 0, 0)", 8);
    assert!(text.contains("with no storageBarrier between"), "{text}");
    let sound = case(&neighbour("storageBarrier()")).checked().expect("it is sound");
    assert_eq!(sound[1][..4], [1, 0, 3, 2]);
}

#[test]
fn a_race_between_workgroups_is_found() {
    let text = found("out[l] = id.x;", "(32, 0, 0)", 6);
    assert!(text.contains("data race") && text.contains("'b1' at byte 0"), "{text}");
}

#[test]
fn a_planted_dependence_on_workgroup_order_shows_in_a_permutation() {
    let source = "@group(0) @binding(0) var<storage, read_write> next: atomic<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) g: vec3<u32>) { out[g.x] = atomicAdd(&next, 1u); }";
    let case = Case::new(source, vec![vec![0], vec![0; 50]], 50);
    let with = |seed| SessionOptions {
        threads: Some(1),
        workgroup_order_seed: seed,
        ..SessionOptions::default()
    };
    let counted = case.run_with(&with(None)).expect("it runs");
    assert_eq!(counted[1], (0..50).collect::<Vec<_>>());
    let orders: Vec<_> = (0..20)
        .map(|seed| case.run_with(&with(Some(seed))).expect("it runs"))
        .collect();
    assert!(orders.iter().all(|order| *order != counted));
    assert_eq!(
        orders[3],
        case.run_with(&with(Some(3))).expect("it runs"),
        "one seed is one order"
    );
}
