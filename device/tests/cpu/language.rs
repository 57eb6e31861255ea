//! Control flow, memory, functions, barriers and atomics against what the host computes.

use crate::support::{Case, bits};
use device::SessionOptions;

/// Two buffers, `a` read and `out` written, and a body that sees `i`.
fn kernel(body: &str, rest: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read> a: array<u32>;
         @group(0) @binding(1) var<storage, read_write> out: array<u32>;
         {rest}
         @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
             let i = id.x;
             if (i >= arrayLength(&out)) {{ return; }}
             {body}
         }}"
    )
}

fn input(count: u32) -> Vec<u32> {
    (0..count).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) % 97).collect()
}

/// Runs a body over 131 invocations, and expects what `f` gives for each input.
fn expect(body: &str, rest: &str, f: impl Fn(u32, &[u32]) -> u32) {
    let a = input(131);
    let case = Case::new(&kernel(body, rest), vec![a.clone(), vec![0; 131]], 3);
    let out = case.run().remove(1);
    let wanted: Vec<u32> = (0..131).map(|i| f(i, &a)).collect();
    assert_eq!(out, wanted, "{body}");
}

#[test]
fn straight_line_code_reads_and_writes_every_element() {
    expect("out[i] = a[i] * 3u + i;", "", |i, a| a[i as usize] * 3 + i);
}

/// Inf - Inf, whose bits are the machine's own.
#[test]
fn a_nan_from_workgroup_or_private_memory_is_the_one_nan_where_its_bits_show() {
    let source = "
        @group(0) @binding(0) var<storage, read> a: array<f32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        @group(0) @binding(2) var<storage, read_write> copy: array<f32>;
        var<workgroup> part: array<f32, 64>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) l: u32) {
            var own: array<f32, 4>;
            own[l % 3u] = a[l] - a[l];
            part[l] = own[l % 3u] * 2.0;
            workgroupBarrier();
            let mirrored = part[63u - l];
            out[l] = bitcast<u32>(mirrored);
            out[64u + l] = bitcast<u32>(own[l % 3u]);
            copy[l] = mirrored;
            copy[64u + l] = select(own[l % 3u], mirrored, l > 9u);
        }";
    let buffers = vec![vec![f32::INFINITY.to_bits(); 64], vec![0; 128], vec![0; 128]];
    let found = Case::new(source, buffers, 1).run();
    assert_eq!(found[1..], [vec![0x7fc0_0000; 128], vec![0x7fc0_0000; 128]]);
}

#[test]
fn divergent_branches_run_only_their_own_side() {
    expect(
        "var x = 1u; if (a[i] % 2u == 0u) { x = a[i]; if (a[i] > 50u) { x += 1000u; } } else { x = x + 5u; } out[i] = x;",
        "",
        |i, a| {
            let v = a[i as usize];
            if v % 2 == 0 { if v > 50 { v + 1000 } else { v } } else { 6 }
        },
    );
}

#[test]
fn loops_end_for_each_invocation_by_itself() {
    expect(
        "var s = 0u; for (var k = 0u; k < a[i]; k++) { s += k * i; } out[i] = s;",
        "",
        |i, a| (0..a[i as usize]).map(|k| k * i).sum(),
    );
}

#[test]
fn break_and_continue_take_out_single_invocations() {
    let body = "var s = 0u;
        for (var k = 0u; k < 40u; k++) {
            if (k % 3u == i % 3u) { continue; }
            if (k > a[i]) { break; }
            s += k;
            if (s > 300u) { s += 7u; break; }
        }
        out[i] = s;";
    expect(body, "", |i, a| {
        let mut s = 0;
        for k in 0..40 {
            if k % 3 == i % 3 {
                continue;
            }
            if k > a[i as usize] {
                break;
            }
            s += k;
            if s > 300 {
                s += 7;
                break;
            }
        }
        s
    });
}

#[test]
fn nested_loops_with_returns_keep_what_was_written() {
    let body = "out[i] = 1u;
        for (var k = 0u; k < 10u; k++) {
            for (var l = 0u; l < a[i] % 7u; l++) {
                if (k * l == a[i] % 11u) { out[i] = 100u + k * 10u + l; return; }
                if (l + k > 9u) { break; }
            }
            loop { if (k > 7u) { break; } if (i % 2u == 0u) { out[i] += 1u; } break; }
        }
        out[i] += 5u;";
    expect(body, "", |i, a| {
        let v = a[i as usize];
        let mut out = 1;
        for k in 0..10 {
            for l in 0..v % 7 {
                if k * l == v % 11 {
                    return 100 + k * 10 + l;
                }
                if l + k > 9 {
                    break;
                }
            }
            if k <= 7 && i % 2 == 0 {
                out += 1;
            }
        }
        out + 5
    });
}

#[test]
fn break_if_and_continuing_run_once_a_turn() {
    let body = "var k = 0u; var s = 0u;
        loop { if (k % 2u == 1u) { continue; } s += k; continuing { k += 1u; break if k > a[i]; } }
        out[i] = s * 1000u + k;";
    expect(body, "", |i, a| {
        let (mut k, mut s) = (0, 0);
        loop {
            if k % 2 == 0 {
                s += k;
            }
            k += 1;
            if k > a[i as usize] {
                break;
            }
        }
        s * 1000 + k
    });
}

#[test]
fn switch_takes_its_case_and_break_leaves_it() {
    let body = "var r = 0u;
        for (var k = 0u; k < 5u; k++) {
            switch (a[i] + k) % 6u {
                case 0u, 3u: { r += 1u; }
                case 1u: { if (k == 2u) { break; } r += 10u; }
                case 2u: { r += 100u; continue; }
                default: { r += 1000u; if (r > 4000u) { out[i] = 7u; return; } }
            }
            r += k;
        }
        out[i] = r;";
    expect(body, "", |i, a| {
        let mut r = 0;
        for k in 0..5 {
            match (a[i as usize] + k) % 6 {
                0 | 3 => r += 1,
                1 => {
                    if k != 2 {
                        r += 10;
                    }
                }
                2 => {
                    r += 100;
                    continue;
                }
                _ => {
                    r += 1000;
                    if r > 4000 {
                        return 7;
                    }
                }
            }
            r += k;
        }
        r
    });
}

#[test]
fn functions_return_early_and_take_pointers() {
    let rest = "fn grow(p: ptr<function, u32>, by: u32) { if (by > 40u) { return; } *p = *p * 2u + by; }
        fn pick(x: u32) -> u32 { for (var k = 0u; k < 50u; k++) { if (k * k > x) { return k; } } return 99u; }
        fn both(x: u32) -> u32 { var y = x; grow(&y, pick(x)); if (y > 100u) { return y - 1u; } return y + pick(y); }";
    let pick = |x: u32| (0..50).find(|k| k * k > x).unwrap_or(99);
    expect("out[i] = both(a[i] * (i % 5u));", rest, |i, a| {
        let x = a[i as usize] * (i % 5);
        let by = pick(x);
        let y = if by > 40 { x } else { x * 2 + by };
        if y > 100 { y - 1 } else { y + pick(y) }
    });
}

#[test]
fn short_circuit_conditions_do_not_run_their_right_side() {
    expect(
        "var n = 0u; if (a[i] > 10u && bump(&n) && a[i] < 60u || bump(&n)) { n += 10u; } out[i] = n;",
        "fn bump(n: ptr<function, u32>) -> bool { *n += 1u; return *n == 1u; }",
        |i, a| {
            let v = a[i as usize];
            let mut n = 0;
            let left = v > 10
                && {
                    n += 1;
                    n == 1
                }
                && v < 60;
            let both = left || {
                n += 1;
                n == 1
            };
            if both { n + 10 } else { n }
        },
    );
}

#[test]
fn private_arrays_are_indexed_by_each_invocation_and_start_as_zero() {
    expect(
        "var t: array<u32, 16>; for (var k = 0u; k < 9u; k++) { t[(a[i] + k * k) % 16u] += k + 1u; }
         var s = 0u; for (var k = 0u; k < 16u; k++) { s = s * 3u + t[k]; } out[i] = s;",
        "",
        |i, a| {
            let mut t = [0u32; 16];
            for k in 0..9 {
                t[((a[i as usize] + k * k) % 16) as usize] += k + 1;
            }
            t.iter().fold(0u32, |s, v| s.wrapping_mul(3).wrapping_add(*v))
        },
    );
}

#[test]
fn structs_arrays_and_matrices_have_their_layout() {
    let source = "struct S { a: f32, v: vec3<f32>, m: mat3x2<f32>, t: array<vec2<f32>, 3> }
        @group(0) @binding(0) var<storage, read> s: array<S>;
        @group(0) @binding(1) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3<u32>) {
            let x = s[id.x];
            out[id.x * 4u] = x.a + x.v.z;
            let p = x.m * x.v;
            out[id.x * 4u + 1u] = p.y;
            out[id.x * 4u + 2u] = x.t[2].x + s[id.x].t[id.x].y;
            out[id.x * 4u + 3u] = (x.v * mat3x3<f32>(x.v, x.v.yzx, vec3(1.0))).y;
        }";
    // a at 0, v at 16, m at 32 (three columns of 8), t at 56 (three of 8), 80 bytes in all.
    let values: Vec<f32> = (0..40).map(|i| i as f32).collect();
    let out = Case::new(source, vec![bits(&values), vec![0; 8]], 2).run().remove(1);
    let wanted: Vec<f32> = (0..2usize)
        .flat_map(|i| {
            let s = &values[20 * i..];
            let v = [s[4], s[5], s[6]];
            let p = s[9] * v[0] + s[11] * v[1] + s[13] * v[2];
            [s[0] + v[2], p, s[18] + s[15 + 2 * i], v[0] * v[1] + v[1] * v[2] + v[2] * v[0]]
        })
        .collect();
    assert_eq!(out, bits(&wanted));
}

#[test]
fn barriers_make_a_tree_sum_of_a_workgroup() {
    let source = "@group(0) @binding(0) var<storage, read> a: array<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        var<workgroup> t: array<u32, 64>;
        @compute @workgroup_size(64) fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) g: vec3<u32>) {
            t[l] = a[g.x * 64u + l];
            workgroupBarrier();
            for (var d = 32u; d > 0u; d = d >> 1u) {
                if (l < d) { t[l] += t[l + d]; }
                workgroupBarrier();
            }
            if (l != 0u) { return; }
            out[g.x] = t[0];
        }";
    let a: Vec<u32> = (0..640).map(|i| i * i).collect();
    let out = Case::new(source, vec![a.clone(), vec![0; 10]], 10).run().remove(1);
    let wanted: Vec<u32> = a.chunks(64).map(|chunk| chunk.iter().sum()).collect();
    assert_eq!(out, wanted);
}

#[test]
fn values_and_variables_live_across_barriers_in_loops_and_functions() {
    let source = "@group(0) @binding(0) var<storage, read> a: array<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        var<workgroup> t: array<u32, 50>;
        fn turn(l: u32, by: u32) -> u32 {
            let mine = t[(l + by) % 50u];
            workgroupBarrier();
            t[l] = mine + by;
            workgroupBarrier();
            return t[(l + 1u) % 50u];
        }
        @compute @workgroup_size(10, 5) fn main(@builtin(local_invocation_id) id: vec3<u32>,
                @builtin(local_invocation_index) l: u32, @builtin(workgroup_id) g: vec3<u32>) {
            let first = a[l + id.y];
            var s = first;
            var rounds: array<u32, 4>;
            t[l] = first * 2u + g.x;
            workgroupBarrier();
            for (var k = 0u; k < 4u; k++) {
                let seen = turn(l, k + 1u);
                if (seen % 2u == 0u) { s += seen; } else { s = s ^ seen; }
                rounds[(k + l) % 4u] = s;
                if (k == 2u) { continue; }
                workgroupBarrier();
            }
            out[g.x * 50u + l] = s + first + rounds[l % 4u] * 3u + id.x;
        }";
    let a = input(60);
    let out = Case::new(source, vec![a.clone(), vec![0; 150]], 3).run().remove(1);
    let mut wanted = Vec::new();
    for g in 0..3u32 {
        let first: Vec<u32> = (0..50u32).map(|l| a[(l + l / 10) as usize]).collect();
        let mut t: Vec<u32> = first.iter().map(|first| first * 2 + g).collect();
        let mut s = first.clone();
        let mut rounds = vec![[0u32; 4]; 50];
        for k in 0..4u32 {
            t = (0..50).map(|l| t[(l + k as usize + 1) % 50] + k + 1).collect();
            for l in 0..50 {
                let seen = t[(l + 1) % 50];
                s[l] = if seen.is_multiple_of(2) {
                    s[l].wrapping_add(seen)
                } else {
                    s[l] ^ seen
                };
                rounds[l][(k as usize + l) % 4] = s[l];
            }
        }
        wanted.extend((0..50).map(|l| {
            let sum = s[l].wrapping_add(first[l]).wrapping_add(rounds[l][l % 4].wrapping_mul(3));
            sum.wrapping_add(l as u32 % 10)
        }));
    }
    assert_eq!(out, wanted);
}

#[test]
fn uniform_loads_decide_for_the_whole_workgroup() {
    let source = "@group(0) @binding(0) var<storage, read> a: array<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        var<workgroup> n: u32;
        var<workgroup> t: array<u32, 8>;
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) l: u32, @builtin(workgroup_id) g: vec3<u32>) {
            if (l == 3u) { n = a[g.x]; }
            let count = workgroupUniformLoad(&n);
            for (var k = 0u; k < count; k++) {
                t[l] = t[l] + k + l;
                workgroupBarrier();
                let next = t[(l + 1u) % 8u];
                workgroupBarrier();
                t[l] = next;
            }
            out[g.x * 8u + l] = t[l];
        }";
    let out = Case::new(source, vec![vec![3, 0, 5], vec![0; 24]], 3).run().remove(1);
    let mut wanted = Vec::new();
    for count in [3u32, 0, 5] {
        let mut t = [0u32; 8];
        for k in 0..count {
            let grown: Vec<u32> = (0..8).map(|l| t[l] + k + l as u32).collect();
            t = std::array::from_fn(|l| grown[(l + 1) % 8]);
        }
        wanted.extend(t);
    }
    assert_eq!(out, wanted);
}

#[test]
fn a_barrier_in_divergent_control_flow_is_refused() {
    let source = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) l: u32) {
            if (l < 3u) { workgroupBarrier(); }
            out[l] = l;
        }";
    let error = Case::new(source, vec![vec![0; 8]], 1)
        .run_with(&SessionOptions::default())
        .expect_err("it diverges");
    assert!(error.to_string().contains("not all invocations"), "{error}");
}

#[test]
fn atomics_count_across_threads_and_return_what_was_there() {
    let source = "struct C { sum: atomic<u32>, low: atomic<i32>, high: atomic<u32>, bits: atomic<u32>, won: atomic<u32> }
        @group(0) @binding(0) var<storage, read_write> c: C;
        @group(0) @binding(1) var<storage, read_write> seen: array<atomic<u32>>;
        var<workgroup> w: atomic<u32>;
        @compute @workgroup_size(32) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let old = atomicAdd(&c.sum, 1u);
            atomicAdd(&seen[old], 1u);
            atomicMin(&c.low, -i32(id.x));
            atomicMax(&c.high, id.x * 3u);
            if (id.x % 3u == 0u) { atomicOr(&c.bits, 1u << (id.x % 32u)); }
            atomicAdd(&w, 2u);
            workgroupBarrier();
            if (atomicLoad(&w) == 64u) { let r = atomicCompareExchangeWeak(&c.won, 0u, 9u); if (r.exchanged) { atomicXor(&c.bits, 0u); } }
        }";
    let out = Case::new(source, vec![vec![0; 5], vec![0; 3200]], 100).run();
    assert_eq!(out[0], vec![3200, (-3199i32) as u32, 9597, u32::MAX, 9]);
    assert!(out[1].iter().all(|count| *count == 1));
}

#[test]
fn what_is_out_of_bounds_reads_as_zero_and_is_not_written() {
    expect("out[i] = a[i * 1000u];", "", |i, a| {
        a.get(i as usize * 1000).copied().unwrap_or(0)
    });
    let source = "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<storage, read_write> other: array<u32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            out[id.x + 0xfffffff0u] = 5u; other[id.x] = 3u;
        }";
    let out = Case::new(source, vec![vec![1; 3], vec![0; 4]], 2).run();
    assert_eq!(out, vec![vec![1; 3], vec![3; 4]]);
}

/// What lies behind the last whole element is of no element, and neither are the zeros behind the buffer.
#[test]
fn a_part_of_an_element_at_the_end_of_a_buffer_is_out_of_bounds() {
    let source = "struct Row { a: u32, b: array<u32, 2> } struct Rows { n: u32, rows: array<Row> }
        @group(0) @binding(0) var<storage, read_write> vectors: array<vec4<u32>>;
        @group(0) @binding(1) var<storage, read_write> rows: Rows;
        @group(0) @binding(2) var<storage, read_write> short: array<u32, 3>;
        @group(0) @binding(3) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let i = out[id.x];
            out[id.x] = vectors[i].x + rows.rows[i].a + rows.rows[i].b[i] + short[i];
            vectors[i].x = 90u + i;
            rows.rows[i].a = 80u + i;
            short[i] = 70u + i;
        }";
    let vectors = vec![1, 0, 0, 0, 2];
    let rows = vec![9, 10, 100, 1000, 20, 200];
    let short = vec![10_000, 20_000, 30_000, 40_000];
    let out = Case::new(source, vec![vectors, rows, short, vec![0, 1, 2, 3]], 1).run();
    assert_eq!(out[3], [10_111, 20_000, 30_000, 0]);
    assert_eq!(out[0], [90, 0, 0, 0, 2]);
    assert_eq!(out[1], [9, 80, 100, 1000, 20, 200]);
    assert_eq!(out[2], [70, 71, 72, 40_000]);
}

#[test]
fn overrides_set_constants_and_workgroup_sizes() {
    let source = "override n: u32 = 3u; override size: u32;
        @group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(size) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) w: vec3<u32>) {
            out[id.x] = n * 100u + id.x + w.x * 1000u;
        }";
    let mut case = Case::new(source, vec![vec![0; 10]], 2);
    case.overrides.insert("size".to_owned(), 5.0);
    case.overrides.insert("n".to_owned(), 4.0);
    assert_eq!(case.run()[0], (0..10).map(|i| 2400 + i).collect::<Vec<_>>());
}
