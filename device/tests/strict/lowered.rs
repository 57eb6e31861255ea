//! Ordinary WGSL, lowered: the same bits on every device, with inputs that make results underflow, overflow and be no number.

use device::{Device, SessionOptions, Underflow};
use protocol::Tier;

use crate::support::{BATCH, Evaluator, cpu, edges, mix, operand, program, result, vulkan, words};

/// Everything lowering replaces, each as (expression of a, b, c (f32), u and v (vectors of them), m (a matrix)); gives an f32.
pub(crate) const EXPRESSIONS: &[&str] = &[
    "a * b",
    "a + b",
    "a - b",
    "a * b + c",
    "a * b - c * a",
    "a / b",
    "a % b",
    "-a * b",
    "(a + b) * 1e-30",
    "(a * 1e-20) * 1e-20",
    "sqrt(a)",
    "inverseSqrt(a)",
    "fma(a, b, c)",
    "abs(a) + floor(b) + ceil(c)",
    "trunc(a) + round(b) + fract(c)",
    "ceil(a)",
    "min(a, b) + max(b, c)",
    "clamp(a, -1.0, c) + saturate(b)",
    "sign(a) + step(b, c)",
    "mix(a, b, c)",
    "smoothstep(a, b, c)",
    "radians(a) + degrees(b)",
    "dot(u, v)",
    "dot(u.xy, v.yz)",
    "length(u)",
    "length(a)",
    "distance(u, v)",
    "distance(a, b)",
    "normalize(u).y",
    "cross(u, v).z",
    "reflect(u, v).x",
    "refract(u, v, c).y",
    "faceForward(u, v, u).z",
    "(u / v).y",
    "(u / a).z",
    "(a / u).x",
    "(u % v).x",
    "(u * v + v.zxy).y",
    "(u * a).x",
    "sqrt(u).x + (-u).y",
    "(m * u).x",
    "(u * m).y",
    "(m * m)[1].z",
    "(m * a)[2].x",
    "(m + m)[0].y + (m - m * b)[2].z",
    "determinant(m)",
    "transpose(m)[0].z",
    "exp(a)",
    "exp2(a)",
    "log(a)",
    "log2(a)",
    "pow(a, b)",
    "sin(a)",
    "cos(a)",
    "tan(a)",
    "asin(a)",
    "acos(a)",
    "atan(a)",
    "atan2(a, b)",
    "sinh(a)",
    "cosh(a)",
    "tanh(a)",
    "asinh(a)",
    "acosh(a)",
    "atanh(a)",
    "exp(u).x + sin(v).y",
    "modf(a).fract + modf(b).whole",
    "modf(u).fract.y",
    "frexp(a).fract + f32(frexp(b).exp)",
    "f32(frexp(u).exp.z)",
    "ldexp(a, i32(clamp(b, -200.0, 200.0)))",
    "quantizeToF16(clamp(a, -6e4, 6e4))",
    "f32(bitcast<i32>(a)) * 1e-9 + f32(bitcast<u32>(b))",
    "f32(i32(a)) + f32(u32(b))",
    "unpack4x8snorm(bitcast<u32>(a)).y + unpack4x8unorm(bitcast<u32>(b)).z",
    "unpack2x16snorm(bitcast<u32>(a)).y + unpack2x16unorm(bitcast<u32>(b)).x",
    "unpack2x16float(bitcast<u32>(a)).y",
    "f32(pack4x8snorm(vec4(u, c))) + f32(pack4x8unorm(vec4(v, c)))",
    "f32(pack2x16snorm(u.xy)) + f32(pack2x16unorm(v.xy)) + f32(pack2x16float(u.yz))",
    "select(a, b, a < c)",
    "select(1.0, 2.0, a != c) + select(4.0, 8.0, log(a) != b) + select(16.0, 32.0, any(u != v))",
    "bitcast<f32>(bitcast<u32>(a) ^ bitcast<u32>(b))",
    "helper(a, helper(b, c))",
    "looped(a, b)",
    "(a + scale) * 1e20 + tiny",
    "a / edge + round(b / edge) * edge",
    "(u / edge).y + (u - edge * round(u / edge)).z",
    "min(edge, 2.0) * a + clamp(b, -edge, edge)",
    "select(1e-30, edge, turned) * 1e-20 + f32(count) * 1e-30 * a",
    "dot(u, vec3(edge, 1.0, 2.0)) + dot(v, axis) + cross(axis, u).y",
    "(u / vec3(edge)).z + (u / axis).x + normalize(axis * edge).y",
    "mix(a, b, 0.25) + smoothstep(0.0, 1e-35, c) + exp(edge) + pow(edge, 0.3)",
    "f32(bitcast<u32>(edge)) + bitcast<f32>(count) + f32(turned)",
];

const PREAMBLE: &str = "
    override scale: f32 = 3e-39;
    override edge: f32 = 3.7;
    override count: u32 = 7;
    override turned: bool = true;
    const axis = vec3<f32>(0.5, 0.6, -0.8);
    const tiny: f32 = 1e-40;
    fn helper(x: f32, y: f32) -> f32 { if (x < y) { return x / y; } var t = y; t *= x; return t * 0.5; }
    fn looped(x: f32, y: f32) -> f32 {
        var sum = 1.0;
        for (var i = 0u; i < 20u; i++) {
            if (i == 13u) { continue; }
            sum = sum * 1e-3 + f32(i) * y;
            switch i % 3u { case 0u: { sum /= x; } case 1u: { sum -= x; } default: { sum += 1e-35; } }
        }
        return sum;
    }";

/// A kernel that computes one expression. Inputs are words: subnormals, infinities and NaN among them.
fn kernel(expression: &str) -> String {
    format!(
        "{PREAMBLE}
        @group(0) @binding(0) var<storage, read> x: array<f32>;
        @group(0) @binding(1) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            let i = id.x;
            let a = x[i];
            let b = x[i * 5u + 1u];
            let c = x[i * 3u + 2u];
            let u = vec3(a, b, c);
            let v = vec3(x[i + 9u], a, x[i + 4u]);
            let m = mat3x3(u, v, vec3(c, x[i + 2u], b));
            out[i] = {expression};
        }}"
    )
}

const COUNT: usize = 1 << 14;

fn inputs() -> Vec<u32> {
    let mut words = edges();
    words.extend((0..).map(mix).take(COUNT / 2));
    // Like numbers that occur, from 2^-16 to 2^16, and small ones whose products underflow.
    words.extend((0..).map(|i| (mix(i ^ 77) & 0x87ff_ffff) | 0x3800_0000).take(COUNT / 4));
    words.extend((0..).map(|i| (mix(i ^ 99) & 0x83ff_ffff) | 0x1c00_0000).take(COUNT));
    words.truncate(COUNT);
    words
}

pub(crate) fn run(device: &dyn Device, source: &str, inputs: &[u32], underflow: Underflow) -> Vec<u32> {
    let program = program(source, &[COUNT, COUNT], Tier::Portable, underflow);
    let mut session = device
        .open(&program, &SessionOptions::default())
        .unwrap_or_else(|error| panic!("{}: {error}\n{source}", device.info().name));
    let bytes: Vec<u8> = inputs.iter().flat_map(|word| word.to_le_bytes()).collect();
    session.write(0, 0, &bytes).unwrap();
    session
        .submit(&[device::Command::Dispatch {
            pass: 0,
            workgroups: device::Workgroups::Direct([COUNT as u32 / 64, 1, 1]),
            step: 0,
        }])
        .unwrap();
    words(&session.read(&[1]).unwrap()[0])
}

#[test]
fn every_operation_has_the_same_bits_on_every_device() {
    let (mine, others) = (cpu(), vulkan());
    let inputs = inputs();
    let mut wrong = Vec::new();
    for expression in EXPRESSIONS {
        let source = kernel(expression);
        let expected = run(mine.as_ref(), &source, &inputs, Underflow::Canonical);
        for word in &expected {
            let value = f32::from_bits(*word);
            assert!(!value.is_subnormal() && *word != 0x8000_0000, "{expression} gives {value:e}");
            assert!(
                !value.is_nan() || *word == 0x7fc0_0000,
                "{expression} gives another NaN, {word:#x}"
            );
        }
        run(mine.as_ref(), &source, &inputs, Underflow::Checked);
        for device in &others {
            let found = run(device.as_ref(), &source, &inputs, Underflow::Canonical);
            let differing = found
                .iter()
                .zip(&expected)
                .filter(|(found, expected)| found != expected)
                .count();
            if let Some(i) = (0..COUNT).find(|i| found[*i] != expected[*i]) {
                let name = &device.info().name;
                let (found, expected) = (found[i], expected[i]);
                wrong.push(format!(
                    "{expression} on {name}: {differing} differ, first at {i}: {found:#x}, cpu {expected:#x}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sums_products_and_quotients_are_ieee_754_but_for_underflow() {
    let device = cpu();
    let pairs: Vec<(u32, u32)> = edges()
        .into_iter()
        .flat_map(|a| edges().into_iter().map(move |b| (a, b)))
        .chain((0..).map(|i| (mix(i), mix(mix(i)))))
        .take(BATCH)
        .collect();
    type Oracle = fn(f32, f32) -> f32;
    let cases: [(&str, Oracle); 4] = [
        ("a + b", |a, b| a + b),
        ("a - b", |a, b| a - b),
        ("a * b", |a, b| a * b),
        ("a / b", |a, b| a / (b + 0.0)),
    ];
    for (expression, oracle) in cases {
        let expression = format!("bitcast<u32>({expression})");
        let mut evaluator = Evaluator::new(device.as_ref(), "", &expression, Underflow::Canonical);
        for ((a, b), found) in pairs.iter().zip(evaluator.run(&pairs)) {
            let [x, y] = [*a, *b].map(|word| operand(f32::from_bits(word)));
            assert_eq!(found, result(oracle(x, y)), "{expression} of {a:#x} {b:#x}");
        }
    }
}

#[test]
fn structures_and_arrays_from_buffers_are_canonical_too() {
    let source = "
        struct Item { number: u32, place: vec3<f32>, table: array<f32, 3>, frame: mat2x2<f32> }
        @group(0) @binding(0) var<storage, read> x: array<Item>;
        @group(0) @binding(1) var<storage, read_write> out: array<Item>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            if (id.x >= arrayLength(&out)) { return; }
            var item = x[id.x];
            item.number += bitcast<u32>(item.table[id.x % 3u]);
            out[id.x] = item;
        }";
    let inputs: Vec<u32> = inputs().iter().map(|word| word & 0x80ff_ffff).collect();
    let expected = run(cpu().as_ref(), source, &inputs, Underflow::Canonical);
    assert!(expected.iter().any(|word| *word != 0));
    let floats = expected
        .chunks_exact(16)
        .flat_map(|item| item[4..7].iter().chain(&item[7..10]).chain(&item[10..14]));
    assert!(
        floats
            .clone()
            .all(|word| !f32::from_bits(*word).is_subnormal() && *word != 0x8000_0000)
    );
    for device in vulkan() {
        let found = run(device.as_ref(), source, &inputs, Underflow::Canonical);
        assert!(found == expected, "{}", device.info().name);
    }
}

#[test]
fn integers_fixed_point_and_constants_cost_no_canonical() {
    // Checked or not, these have the same instructions: nothing can underflow in them.
    for expression in [
        "f32(i32(id.x) - 7) * 0.25 + f32(id.y & 3u)",
        "(1.0 - f32(id.x) * 0.125) * 3.0",
        "floor(f32(id.x) * 0.5) - 0.5",
        "select(1.0, 2.5, id.x > 3u) * f32(id.x)",
    ] {
        let source = format!(
            "@group(0) @binding(0) var<storage, read_write> out: array<u32>;
             @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{ out[id.x] = u32({expression} > 1.5); }}"
        );
        assert_eq!(
            selects(&source, Underflow::Canonical),
            selects(&source, Underflow::Checked),
            "{expression}"
        );
    }
    let unknown = "
        @group(0) @binding(0) var<storage, read_write> out: array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { out[id.x] = out[id.x] * out[id.y]; }";
    assert!(selects(unknown, Underflow::Canonical) > selects(unknown, Underflow::Checked));
}

/// Choices outside the library: `canonical` is one.
fn selects(source: &str, underflow: Underflow) -> usize {
    let module = naga::front::wgsl::parse_str(source).unwrap();
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::empty());
    let info = validator.validate(&module).unwrap();
    let policy = device::strict::Policy {
        arithmetic: device::strict::Arithmetic::Exact { underflow, native: true },
        bounds: false,
        clamps: false,
        unfinished: None,
    };
    let lowered = device::strict::lower(&module, &info, policy).unwrap();
    validator.validate(&lowered).unwrap();
    let expressions = lowered.entry_points[0].function.expressions.iter();
    expressions
        .filter(|(_, expression)| matches!(expression, naga::Expression::Select { .. }))
        .count()
}

/// The kernels by their expressions, and their inputs: for `mutants`.
pub(crate) fn kernels() -> (Vec<(String, &'static str)>, Vec<u32>) {
    let sources = EXPRESSIONS.iter().map(|expression| (kernel(expression), *expression));
    (sources.collect(), inputs())
}
