//! One verdict and one meaning: a kernel is taken or refused, and gives the same words, on every device and in both tiers.

use std::ops::Range;

use device::{Command, DeviceError, SessionOptions, Underflow, Workgroups};
use protocol::Tier;

use crate::support::{cpu, gl, program, vulkan, words};

/// A kernel with its buffers' first words. Entry point `main`, buffer i at binding i.
#[derive(Clone)]
struct Kernel<'a> {
    source: &'a str,
    overrides: &'a [(&'a str, f64)],
    buffers: Vec<Vec<u32>>,
    groups: u32,
}

/// All buffers, or why it is refused.
type Outcome = Result<Vec<Vec<u32>>, DeviceError>;

impl<'a> Kernel<'a> {
    fn new(source: &'a str, buffers: Vec<Vec<u32>>) -> Self {
        Self {
            source,
            overrides: &[],
            buffers,
            groups: 1,
        }
    }

    fn with(mut self, overrides: &'a [(&'a str, f64)]) -> Self {
        self.overrides = overrides;
        self
    }

    /// What each device makes of it, in the tiers that it runs, by its name.
    fn everywhere(&self) -> Vec<(String, Outcome)> {
        let mut all = Vec::new();
        for device in vulkan().into_iter().chain([cpu()]).chain(gl()) {
            let tiers: &[Tier] = match device.info().backend.as_str() {
                "gl" => &[Tier::ClassBound],
                _ => &[Tier::Portable, Tier::ClassBound],
            };
            for &tier in tiers {
                let sizes: Vec<usize> = self.buffers.iter().map(Vec::len).collect();
                let mut program = program(self.source, &sizes, tier, Underflow::Canonical);
                program.passes[0].overrides = self
                    .overrides
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), *value))
                    .collect();
                let run = || {
                    let mut session = device.open(&program, &SessionOptions::default())?;
                    for (id, contents) in self.buffers.iter().enumerate() {
                        let bytes: Vec<u8> = contents.iter().flat_map(|word| word.to_le_bytes()).collect();
                        session.write(id, 0, &bytes)?;
                    }
                    session.submit(&[Command::Dispatch {
                        pass: 0,
                        workgroups: Workgroups::Direct([self.groups, 1, 1]),
                        step: 0,
                    }])?;
                    let ids: Vec<usize> = (0..self.buffers.len()).collect();
                    Ok(session.read(&ids)?.iter().map(|bytes| words(bytes)).collect())
                };
                all.push((format!("{} {tier:?}", device.info().name), run()));
            }
        }
        all
    }

    /// It gives these words in its last buffer.
    fn gives(&self, expected: &[u32]) {
        for (name, result) in self.everywhere() {
            let result = result.unwrap_or_else(|error| panic!("{name}: {error:?}\n{}", self.source));
            assert_eq!(result.last().expect("a buffer"), expected, "{name}\n{}", self.source);
        }
    }

    /// It is refused at this piece of the text, with these words.
    fn is_refused(&self, piece: &str, says: &str) {
        for (name, result) in self.everywhere() {
            let (message, span): (String, Option<Range<usize>>) = match result {
                Err(DeviceError::Shader { message, span, .. }) => (message, span),
                other => panic!("{name}: {other:?}\n{}", self.source),
            };
            assert!(message.contains(says), "{name}: {message}");
            let span = span.unwrap_or_else(|| panic!("{name}: no place: {message}"));
            assert!(self.source[span.clone()].starts_with(piece), "{name}: {}", &self.source[span]);
        }
    }
}

const OUT: &str = "@group(0) @binding(0) var<storage, read_write> res: array<u32>;\n";

#[test]
fn a_variable_may_begin_with_an_expression_of_overrides() {
    let source = format!(
        "override n: u32; override f: f32 = 0.5; override half = f * 0.5;
        {OUT}
        fn twice() -> u32 {{ var x = n * 2u; x += 1u; return x; }}
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) l: u32) {{
            var x = n;
            var v = vec2<f32>(half, f32(n));
            for (var i = 0u; i < 2u; i++) {{ var y = n + 1u; y += i; x += y; }}
            x += l;
            res[l] = x + twice() + u32(v.x * 8.0 + v.y);
        }}"
    );
    let kernel = Kernel::new(&source, vec![vec![0; 8]]).with(&[("n", 3.0)]);
    // 3 + (4 + 5) + l + 7 + (2 + 3)
    kernel.gives(&[24, 25, 26, 27, 28, 29, 30, 31]);
}

#[test]
fn workgroup_arrays_have_lengths_of_overrides_expressions_and_aliases() {
    let source = format!(
        "override n: u32; const c = 4u; alias Row = array<u32, n>;
        {OUT}
        var<workgroup> a: array<u32, n>; var<workgroup> b: array<u32, n * 2>; var<workgroup> d: Row;
        var<workgroup> e: array<vec2<u32>, n + c>; var<workgroup> fixed: array<u32, 3>;
        override wg: u32 = n + 5u;
        @compute @workgroup_size(wg) fn main(@builtin(local_invocation_index) l: u32) {{
            a[l % n] = 1u; b[l % (2u * n)] = 2u; d[l % n] = 3u; e[l % (n + c)] = vec2<u32>(4u, 5u); fixed[l % 3u] = 6u;
            workgroupBarrier();
            res[l] = a[l % n] + b[l % (2u * n)] + d[l % n] + e[l % (n + c)].y + fixed[l % 3u];
        }}"
    );
    let kernel = Kernel::new(&source, vec![vec![0; 8]]).with(&[("n", 3.0)]);
    kernel.gives(&[17; 8]);
}

#[test]
fn an_override_that_makes_no_length_is_refused_at_its_place() {
    let source = format!(
        "override n: u32; var<workgroup> a: array<u32, n>;
        {OUT}
        @compute @workgroup_size(1) fn main() {{ a[0] = 1u; res[0] = a[0]; }}"
    );
    let kernel = Kernel::new(&source, vec![vec![0; 1]]).with(&[("n", 0.0)]);
    kernel.is_refused("override n", "found 0 as an array's length");
}

#[test]
fn pointers_to_parts_and_to_structures_are_parameters_like_any_other() {
    let source = format!(
        "struct Inner {{ a: u32, t: array<u32, 4> }}
        struct Outer {{ first: u32, inner: Inner }}
        {OUT}
        var<private> p: Outer;
        fn third(t: ptr<function, array<u32, 4>>) -> u32 {{ return (*t)[2]; }}
        fn of_structure(i: ptr<function, Inner>) -> u32 {{ let t = (*i).t; return (*i).a + t[1]; }}
        fn add(to: ptr<function, u32>, by: u32) {{ *to += by; }}
        fn deeper(i: ptr<function, Inner>, k: u32) {{ add(&(*i).t[k], 100u); (*i).a += 1u; if k > 2u {{ return; }} (*i).a += 10u; }}
        fn private_part(i: ptr<private, Inner>) {{ (*i).t[3] = 7u; }}
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) l: u32) {{
            var o: Outer;
            var rows = array<array<u32, 4>, 2>(array<u32, 4>(1u, 2u, 3u, 4u), array<u32, 4>(5u, 6u, 7u, 8u));
            o.inner.t = rows[1];
            var sum = third(&o.inner.t) + 1000u * third(&rows[0]) + of_structure(&o.inner);
            deeper(&o.inner, l);
            add(&rows[l & 1u][l], 50u);
            var v = vec2<u32>(1u, 2u);
            private_part(&p.inner);
            sum += o.inner.a * 10000u + o.inner.t[l] + rows[l & 1u][l] + p.inner.t[3];
            res[l] = sum;
        }}"
    );
    let expected: Vec<u32> = (0..4)
        .map(|l: u32| {
            let row = [[1, 2, 3, 4], [5, 6, 7, 8]][(l & 1) as usize][l as usize];
            let a = if l > 2 { 1 } else { 11 };
            7 + 3000 + 6 + a * 10000 + [5, 6, 7, 8][l as usize] + 100 + row + 50 + 7
        })
        .collect();
    Kernel::new(&source, vec![vec![0; 4]]).gives(&expected);
}

#[test]
fn barriers_that_some_invocations_miss_are_refused_with_the_line() {
    let kernel = |body: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read> inp: array<u32>;
            @group(0) @binding(1) var<storage, read_write> res: array<u32>;
            var<workgroup> w: array<u32, 64>; var<workgroup> one: u32; var<private> mine: u32;
            fn wait() {{ workgroupBarrier(); }}
            fn early(l: u32) -> u32 {{ if l > 3u {{ return 1u; }} return 2u; }}
            fn keep(l: u32) {{ mine = l; }}
            @compute @workgroup_size(64) fn main(
                @builtin(local_invocation_index) l: u32, @builtin(workgroup_id) g: vec3<u32>) {{ {body} res[l] = w[l]; }}"
        )
    };
    for body in [
        "if l > 40u { return; } w[l] = l; workgroupBarrier();",
        "for (var i = 0u; i < l; i++) { w[l] = i; workgroupBarrier(); }",
        "if res[0] == 1u { workgroupBarrier(); }",
        "if w[0] == 1u { storageBarrier(); }",
        "var k = 0u; if l == 1u { k = 1u; } if k == 1u { workgroupBarrier(); }",
        "var k = 0u; loop { if k > 3u { break; } k += 1u; if l == k { continue; } workgroupBarrier(); }",
        "var k = 0u; loop { k += 1u; if k > l { break; } } if k == 3u { workgroupBarrier(); }",
        "switch l { case 1u: { workgroupBarrier(); } default: { } }",
        "if early(l) == 1u { workgroupBarrier(); }",
        "keep(l); if mine == 1u { workgroupBarrier(); }",
        "var t = array<u32, 4>(1u, 2u, 3u, 4u); if t[l & 3u] == 1u { workgroupBarrier(); }",
        // What is indexed at run time lies in memory, which no device's verdict follows.
        "var t = array<u32, 4>(1u, 2u, 3u, 4u); if t[inp[0] - 1u] == 1u { workgroupBarrier(); }",
    ] {
        let source = kernel(body);
        let piece = if body.contains("storage") {
            "storageBarrier"
        } else {
            "workgroupBarrier"
        };
        Kernel::new(&source, vec![vec![1; 64], vec![0; 64]]).is_refused(piece, "not all invocations");
    }
    let source = kernel("if l == 1u { wait(); }");
    Kernel::new(&source, vec![vec![1; 64], vec![0; 64]]).is_refused("workgroupBarrier", "not all invocations");
    let source = kernel("if l == 1u { one = workgroupUniformLoad(&one); }");
    Kernel::new(&source, vec![vec![1; 64], vec![0; 64]]).is_refused("workgroupUniformLoad", "not all invocations");
}

#[test]
fn barriers_under_conditions_that_all_share_run() {
    let kernel = |body: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read> inp: array<u32>;
            @group(0) @binding(1) var<storage, read_write> res: array<u32>;
            override n: u32 = 2u;
            var<workgroup> w: array<u32, 64>; var<workgroup> one: u32; var<private> mine: u32;
            fn wait(k: u32) {{ if k == 1u {{ workgroupBarrier(); }} }}
            fn same(k: u32) -> u32 {{ if k > 3u {{ return 1u; }} return 2u; }}
            @compute @workgroup_size(64) fn main(
                @builtin(local_invocation_index) l: u32, @builtin(workgroup_id) g: vec3<u32>) {{
                w[l] = l; {body} res[l] = w[63u - l]; }}"
        )
    };
    let expected: Vec<u32> = (0..64).map(|l| 63 - l).collect();
    for body in [
        "workgroupBarrier();",
        "if inp[g.x] == 1u { workgroupBarrier(); }",
        "for (var i = 0u; i < n; i++) { workgroupBarrier(); }",
        "var k = 0u; if inp[0] == 1u { k = 1u; } if k == 1u { workgroupBarrier(); }",
        "var k = l; k = 1u; if k == 1u { workgroupBarrier(); }",
        "if l == 1u { w[l] = 1u; } wait(inp[1]);",
        "if l < 70u { for (var i = 0u; i < l; i++) { if i == 2u { break; } } } workgroupBarrier();",
        "if same(inp[0]) == 2u { workgroupBarrier(); }",
        "mine = inp[2]; if mine == 1u { workgroupBarrier(); }",
        "switch inp[0] { case 1u: { workgroupBarrier(); } default: { } }",
        "if l == 0u { one = 1u; } if workgroupUniformLoad(&one) == 1u { workgroupBarrier(); }",
        "var t = array<u32, 4>(1u, 2u, 3u, 4u); if t[2] == 3u { workgroupBarrier(); }",
    ] {
        let source = kernel(body);
        Kernel::new(&source, vec![vec![1; 64], vec![0; 64]]).gives(&expected);
    }
}

#[test]
fn what_is_read_out_of_bounds_is_zero_and_what_is_written_there_is_lost() {
    let source = "
        struct Row { head: u32, tail: array<u32, 2> }
        @group(0) @binding(0) var<storage, read> inp: array<u32>;
        @group(0) @binding(1) var<storage, read_write> rows: array<Row>;
        @group(0) @binding(2) var<storage, read_write> sums: array<atomic<u32>>;
        @group(0) @binding(3) var<storage, read_write> vectors: array<vec4<u32>>;
        @group(0) @binding(4) var<storage, read_write> res: array<u32>;
        var<workgroup> w: array<u32, 5>;
        @compute @workgroup_size(8) fn main(@builtin(local_invocation_index) l: u32) {
            w[l] = 10u + l;
            workgroupBarrier();
            let far = inp[0] + l;
            rows[far].head = 99u;
            rows[l & 1u].tail[l] = 50u + l;
            rows[l].tail[i32(l) - 3] = 70u;
            atomicAdd(&sums[l], 1u);
            atomicMax(&sums[far], 7u);
            vectors[l >> 1u][l & 1u] = 30u;
            vectors[0u][far] = 31u;
            let row = rows[far];
            res[l] = w[l] + inp[l] + inp[far] * 1000u + row.head + row.tail[0] + atomicLoad(&sums[far]) + vectors[far].x + vectors[1][far];
            res[far] = 5u;
        }";
    let rows: Vec<u32> = vec![1, 2, 3, 4, 5, 6];
    let buffers = vec![vec![100, 1, 2, 3], rows, vec![0; 4], vec![9; 8], vec![0; 8]];
    let kernel = Kernel::new(source, buffers);
    let all = [100_u32, 1, 2, 3];
    let expected: Vec<u32> = (0..8)
        .map(|l: usize| if l < 5 { 10 + l as u32 } else { 0 } + all.get(l).copied().unwrap_or(0))
        .collect();
    for (name, result) in kernel.everywhere() {
        let result = result.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(result[4], expected, "{name}: loads");
        // Row 0: its tail is stored to by invocations 0 (element 0), row 1 by invocation 1 (element 1).
        assert_eq!(result[1], [1, 50, 3, 4, 5, 51], "{name}: structures");
        assert_eq!(result[2], [1, 1, 1, 1], "{name}: atomics");
        assert_eq!(result[3], [30, 30, 9, 9, 30, 30, 9, 9], "{name}: vectors");
    }
}

#[test]
fn an_index_into_what_is_an_invocations_own_is_clamped() {
    let source = format!(
        "{OUT}
        var<private> p = array<u32, 3>(7u, 8u, 9u);
        @compute @workgroup_size(4) fn main(@builtin(local_invocation_index) l: u32) {{
            var t = array<u32, 4>(1u, 2u, 3u, 4u);
            t[l + 2u] = 20u;
            let v = vec2<u32>(5u, 6u);
            res[l] = t[l + 3u] + 100u * p[l] + 1000u * v[l];
        }}"
    );
    let t = [[1, 2, 20, 4], [1, 2, 3, 20], [1, 2, 3, 20], [1, 2, 3, 20]];
    let p = [7, 8, 9, 9];
    let v = [5, 6, 6, 6];
    let expected: Vec<u32> = (0..4).map(|l| t[l][3] + 100 * p[l] + 1000 * v[l]).collect();
    Kernel::new(&source, vec![vec![0; 4]]).gives(&expected);
}

#[test]
fn sixteen_bit_floats_in_words_are_of_both_tiers() {
    let source = format!(
        "{OUT}
        @compute @workgroup_size(1) fn main() {{
            let pair = unpack2x16float(res[0]);
            res[1] = pack2x16float(pair * 2.0);
            res[2] = bitcast<u32>(quantizeToF16(0.1 * pair.x));
        }}"
    );
    let quantized = f32::from_bits(0x3dcc_c000).to_bits();
    Kernel::new(&source, vec![vec![0x4000_3c00, 0, 0]]).gives(&[0x4000_3c00, 0x4400_4000, quantized]);
}
