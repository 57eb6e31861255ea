//! A class-bound checkpoint goes on where the same bits are computed. What the compiler makes of functions whose bits WGSL leaves open is held by a digest here,
//! together with the version that stands in the hardware class: the one changes with the other.

use device::Device;
use device::cpu::CpuDevice;
use protocol::Digest;

use crate::support::{Case, Random};

/// Functions of x and y, of which WGSL says how exact they are but not their bits.
const FUNCTIONS: [&str; 26] = [
    "exp(x)",
    "exp2(x)",
    "log(abs(x))",
    "log2(abs(x))",
    "pow(abs(x), y)",
    "sin(x)",
    "cos(x)",
    "tan(x)",
    "sin(x * 1e5)",
    "asin(x * 0.1)",
    "acos(x * 0.1)",
    "atan(x)",
    "atan2(x, y)",
    "sinh(x)",
    "cosh(x)",
    "tanh(x)",
    "asinh(x)",
    "acosh(abs(x) + 1.0)",
    "atanh(x * 0.1)",
    "inverseSqrt(abs(x))",
    "fma(x, y, x)",
    "x % y",
    "length(vec3(x, y, x))",
    "smoothstep(x, y, 0.3)",
    "mix(x, y, 0.3)",
    "table[u32(abs(x) * 10.0)]",
];

#[test]
fn bits_change_with_their_version_alone() {
    let all: String = FUNCTIONS
        .iter()
        .enumerate()
        .map(|(k, function)| format!("out[id.x * 32u + {k}u] = {function};\n"))
        .collect();
    let source = format!(
        "@group(0) @binding(0) var<storage, read_write> out: array<f32>;
        @group(0) @binding(1) var<storage, read> table: array<f32, 64>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
            let x = table[id.x % 64u]; let y = table[(id.x * 7u + 3u) % 64u];
            {all}
        }}"
    );
    let mut random = Random(11);
    let table = (0..64)
        .map(|_| (random.below(20_001) as f32 / 1000.0 - 10.0).to_bits())
        .collect();
    let out = Case::new(&source, vec![vec![0; 32 * 64], table], 1).run();
    let bytes: Vec<u8> = out[0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let digest = Digest::of(&bytes).to_string();
    assert_eq!(
        (compile::BITS_VERSION, digest.as_str()),
        (2, "1d7daafc86d260ce28f695616bc653beb8034f1987d92a708356fff06ffc1f1e"),
        "bits of class-bound kernels changed: raise `compile::BITS_VERSION`, and put it here with the digest"
    );
}

#[test]
fn the_version_of_the_bits_is_part_of_the_hardware_class() {
    let compiler = CpuDevice::default().info().compiler.clone();
    assert!(compiler.ends_with(&format!(", bits {}", compile::BITS_VERSION)), "{compiler}");
}
