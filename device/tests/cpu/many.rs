//! Kernels of many cases and many variables: what a compiler does differently once there are too many for its usual way.

use device::cpu::CpuDevice;
use device::{Device, SessionOptions};

use crate::support::Case;

/// Few cases and many, in any order, several values a case, with a `default` anywhere or without effect.
#[test]
fn switches_of_any_size_pick_their_case() {
    for count in [1u32, 3, 17, 100, 700] {
        let value = |k: u32| k.wrapping_mul(0x9e37_79b9) ^ 5;
        let mut cases: Vec<String> = (0..count)
            .map(|k| {
                let (one, two) = (value(2 * k), value(2 * k + 1));
                let leave = if k % 3 == 0 { "if id.x == 1u { break; }" } else { "" };
                format!("case {one}u, {two}u: {{ x = {k}u; {leave} y += {k}u; }}\n")
            })
            .collect();
        let middle = cases.len() / 2;
        cases.insert(middle, format!("case {}u, default: {{ y = 7u; }}\n", value(9999)));
        let source = format!(
            "@group(0) @binding(0) var<storage, read_write> out: array<vec2<u32>>;
            @compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                var x = 1000000u; var y = 0u;
                let selector = out[id.x].x;
                switch selector {{ {} }}
                out[id.x] = vec2<u32>(x, y);
            }}",
            cases.concat()
        );
        let picks: Vec<u32> = (0..64)
            .map(|i| if i % 16 == 9 { 9999 } else { i * 37 % (2 * count + 3) })
            .collect();
        let input = picks.iter().flat_map(|pick| [value(*pick), 0]).collect();
        let out = Case::new(&source, vec![input], 16).run();
        for (i, pick) in picks.iter().enumerate() {
            let k = pick / 2;
            let expected = match k < count {
                true if k.is_multiple_of(3) && i == 1 => [k, 0],
                true => [k, k],
                false => [1_000_000, 7],
            };
            assert_eq!(out[0][2 * i..2 * i + 2], expected, "{count} cases, invocation {i}");
        }
    }
}

/// More variables than there are locals, set by some lanes and read by others, in loops and branches.
#[test]
fn variables_beyond_the_locals_hold_what_they_are_set_to() {
    let count = 200u32;
    let text = |f: &dyn Fn(u32) -> String| (0..count).map(f).collect::<String>();
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<storage, read> rounds: array<u32>;
        @compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            {}
            for (var k = 0u; k < rounds[id.x % 5u]; k++) {{
                {}
            }}
            var sum = 0u;
            {}
            out[id.x] = sum;
        }}",
        text(&|i| match i % 3 {
            0 => format!("var v{i} = id.x + {i}u;\n"),
            1 => format!("var v{i} = rounds[0] + {i}u;\n"),
            _ => format!("var v{i} = bitcast<u32>(f32({i}u));\n"),
        }),
        text(&|i| {
            let next = (i + 1) % count;
            format!("if ((v{next} ^ id.x) & 2u) == 0u {{ v{i} = v{i} * 3u + v{next} + k; }}\n")
        }),
        text(&|i| format!("sum = sum * 31u + v{i};\n")),
    );
    let rounds = [3u32, 1, 4, 0, 2];
    let expected: Vec<u32> = (0..24u32)
        .map(|id| {
            let mut v: Vec<u32> = (0..count)
                .map(|i| match i % 3 {
                    0 => id + i,
                    1 => rounds[0] + i,
                    _ => (i as f32).to_bits(),
                })
                .collect();
            for k in 0..rounds[id as usize % 5] {
                for i in 0..v.len() {
                    let next = v[(i + 1) % v.len()];
                    if (next ^ id) & 2 == 0 {
                        v[i] = v[i].wrapping_mul(3).wrapping_add(next).wrapping_add(k);
                    }
                }
            }
            v.iter().fold(0u32, |sum, v| sum.wrapping_mul(31).wrapping_add(*v))
        })
        .collect();
    let out = Case::new(&source, vec![vec![0; 24], rounds.to_vec()], 3).run();
    assert_eq!(out[0], expected);
}

/// The same for the workgroup's own variables, which a barrier depends on.
#[test]
fn variables_of_the_workgroup_beyond_the_locals_hold_what_they_are_set_to() {
    let count = 100u32;
    let text = |f: &dyn Fn(u32) -> String| (0..count).map(f).collect::<String>();
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
        @group(0) @binding(1) var<storage, read> inp: array<u32>;
        var<workgroup> w: array<u32, 8>;
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) l: u32) {{
            {} var r{count} = inp[1];
            for (var k = 0u; k < inp[0]; k++) {{
                {}
                w[l] = l + k;
                if r0 > 7u {{ workgroupBarrier(); out[l] += w[7u - l]; workgroupBarrier(); }}
            }}
            out[l] += 1000u * r0;
        }}",
        text(&|i| format!("var r{i} = inp[0] + {i}u;\n")),
        text(&|i| {
            let i = count - 1 - i;
            format!("if r{} > {i}u {{ r{i} = r{i} * 3u + r{} % 13u + k; }}\n", i + 1, i + 1)
        }),
    );
    let input = [6u32, 500];
    let mut r: Vec<u32> = (0..count).map(|i| input[0] + i).chain([input[1]]).collect();
    let mut out = vec![0u32; 8];
    for k in 0..input[0] {
        for i in (0..count as usize).rev() {
            if r[i + 1] > i as u32 {
                r[i] = r[i].wrapping_mul(3) + r[i + 1] % 13 + k;
            }
        }
        if r[0] > 7 {
            (0..8).for_each(|l| out[l] += 7 - l as u32 + k);
        }
    }
    out.iter_mut().for_each(|word| *word += 1000 * r[0]);
    let found = Case::new(&source, vec![vec![0; 8], input.to_vec()], 1).run();
    assert_eq!(found[0], out);
}

/// Seconds to open and run kernels of growing size.
#[test]
#[ignore = "a figure"]
fn what_opening_costs() {
    let each = |count: u32, text: &dyn Fn(u32) -> String| (0..count).map(text).collect::<String>();
    let links = |count: u32| {
        format!(
            "{} loop {{ {} r{count} = inp.y; if inp.z > 3u {{ break; }} }} if r0 > 0u {{ workgroupBarrier(); }} out[l] = r0;",
            each(count + 1, &|i| format!("var r{i} = inp.x;\n")),
            each(count, &|i| format!("if r{} > 0u {{ r{i} = 1u; }}\n", i + 1)),
        )
    };
    let lanes = |count: u32| {
        format!(
            "{} loop {{ {} if r0 + l > inp.z {{ break; }} }} out[l] = r0;",
            each(count + 1, &|i| format!("var r{i} = l + {i}u;\n")),
            each(count, &|i| format!("if r{} > l {{ r{i} = r{} + 1u; }}\n", i + 1, i + 1)),
        )
    };
    let cases = |count: u32| {
        format!(
            "for (var k = 0u; k < 10000u; k++) {{ switch (out[l] + k) % {count}u {{ {} default: {{ out[0] = 1u; }} }} }}",
            each(count, &|i| format!("case {i}u: {{ out[l] += {i}u; }}\n")),
        )
    };
    let kinds: [(&str, &dyn Fn(u32) -> String); 3] = [("links", &links), ("lanes", &lanes), ("cases", &cases)];
    for (name, body) in kinds {
        for count in [250, 500, 1000, 2000] {
            let source = format!(
                "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
                @group(0) @binding(1) var<uniform> inp: vec4<u32>;
                @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) l: u32) {{ {} }}",
                body(count)
            );
            let case = Case::new(&source, vec![vec![0; 64], vec![0, 0, 4, 0]], 1);
            let start = std::time::Instant::now();
            let opened = CpuDevice::default().open(&case.program(), &SessionOptions::default());
            let open = start.elapsed().as_secs_f64();
            let all = opened.map(|_| case.run()).map(|_| start.elapsed().as_secs_f64() - open);
            println!("{name} {count}: opens in {open:.2} s, opens and runs in {all:?} s");
        }
    }
}
