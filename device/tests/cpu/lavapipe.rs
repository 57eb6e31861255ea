//! The same kernel on every Vulkan driver of this machine: the same bits, wherever WGSL or IEEE 754 defines them.

use device::{Device, DeviceKind, SessionOptions};
use protocol::Tier;

use crate::support::{Case, Random};

fn others() -> Vec<std::sync::Arc<dyn Device>> {
    let found: Vec<_> = device::list()
        .into_iter()
        .filter(|device| device.info().kind != DeviceKind::BuiltInCpu)
        .collect();
    if found.is_empty() {
        assert!(std::env::var_os("BATON_REQUIRE_GPU").is_none(), "no Vulkan driver here");
        println!("skipped: no Vulkan driver here");
    }
    found
}

fn agree(case: &Case) {
    let mine = case.run();
    for device in others() {
        if device.info().backend != "vulkan" {
            continue;
        }
        let theirs = case.run_on(device.as_ref(), &SessionOptions::default());
        let theirs = theirs.unwrap_or_else(|error| panic!("{}: {error}", device.info().name));
        assert_eq!(mine, theirs, "{}\n{}", device.info().name, case.source);
    }
}

#[test]
fn integer_and_float_operators_agree() {
    let source = "@group(0) @binding(0) var<storage, read> x: array<u32>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            let a = x[id.x * 2u]; let b = x[id.x * 2u + 1u];
            let i = bitcast<i32>(a); let j = bitcast<i32>(b);
            let f = f32(i) * 1e-4; let g = f32(j) * 1e-3 + 0.5;
            var r = array<u32, 16>();
            r[0] = a + b; r[1] = a * b; r[2] = a / b; r[3] = a % b; r[4] = bitcast<u32>(i / j); r[5] = bitcast<u32>(i % j);
            r[6] = (a << (b % 32u)) ^ (b >> (a % 32u)); r[7] = countOneBits(a) + firstLeadingBit(b);
            r[8] = bitcast<u32>(f + g); r[9] = bitcast<u32>(f * g); r[10] = bitcast<u32>(floor(f) - ceil(g));
            r[11] = bitcast<u32>(round(f) + trunc(g)); r[12] = u32(f < g) + u32(g); r[13] = bitcast<u32>(i32(f) + i32(g));
            r[14] = bitcast<u32>(min(f, g) - abs(max(f, g))); r[15] = pack4x8snorm(vec4(f, g, 0.1, -0.5) * 0.001);
            for (var k = 0u; k < 16u; k++) { out[id.x * 16u + k] = r[k]; }
        }";
    let mut random = Random(2);
    let words: Vec<u32> = (0..8192).map(|_| random.word() >> (random.word() % 20)).collect();
    let mut case = Case::new(source, vec![words, vec![0; 65536]], 64);
    case.tier = Tier::Portable;
    agree(&case);
}

#[test]
fn indices_out_of_bounds_land_in_the_same_place() {
    let source = "@group(0) @binding(0) var<storage, read> x: array<vec3<u32>>;
        @group(0) @binding(1) var<storage, read_write> out: array<u32>;
        @compute @workgroup_size(1) fn main() {
            var t: array<u32, 5>;
            for (var k = 0u; k < 9u; k++) { t[k * 977u] += x[k * 3000u].y; }
            for (var k = 0u; k < 9u; k++) { out[k] = t[k]; }
            out[x[1].x * 0x10000000u] = 77u;
        }";
    let mut case = Case::new(source, vec![(0..16).collect(), vec![0; 12]], 1);
    case.tier = Tier::Portable;
    agree(&case);
}
