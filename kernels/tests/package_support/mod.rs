//! A tiny package that uses most of the manifest, as a folder whose files a test can change.

#![allow(dead_code, unreachable_pub, reason = "each test file uses what it needs of this")]

use std::path::Path;

use kernels::package::{Package, PackageError};

/// `kernel.toml` of the tiny package.
pub const MANIFEST: &str = r#"format = 1
name = "tiny"
version = "1.0"
description = "Points that move in a straight line."
tier = "portable"

[run]
steps_per_segment = 10
segments = 2
time_per_step = 0.5
time_unit = "ps"

[constants]
n = 4
dt = 0.5

[[buffer]]
name = "positions"
type = "f32"
shape = ["n", 3]
role = "state"
layout = "vec4"
init = "positions.npy"
unit = "nm"

[[buffer]]
name = "velocities"
type = "f32"
shape = ["n", 3]
role = "constant"
layout = "vec4"
fill = 0.25

[[buffer]]
name = "total"
type = "u32"
shape = [2]
role = "observable"

[[pass]]
name = "drift"
shader = ["drift.wgsl"]
invocations = ["n"]

[[pass]]
name = "count"
shader = ["common.wgsl", "count.wgsl"]
entry = "count"
workgroups = [1]
every = 5
bindings = { sum = "total" }

[[output]]
name = "trajectory"
buffer = "positions"
every = 5

[[output]]
name = "counts"
buffer = "total"
every = 5
after = "count"
[[output.column]]
name = "counted"
element = 0
read = "i64"
scale = 0.5
"#;

/// `drift.wgsl` of the tiny package.
pub const DRIFT: &str = "\
override n: u32;
override dt: f32;
@group(0) @binding(0) var<storage, read_write> positions: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> velocities: array<vec4<f32>>;

@compute @workgroup_size(64)
fn drift(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= n { return; }
    positions[id.x] += dt * velocities[id.x];
}
";

/// `common.wgsl` of the tiny package; without a line feed at its end.
pub const COMMON: &str = "fn common_one() -> u32 { return 1u; }";

/// `count.wgsl` of the tiny package.
pub const COUNT: &str = "\
@group(0) @binding(0) var<storage, read_write> sum: array<u32>;
@group(0) @binding(1) var<uniform> clock: vec4<u32>;

@compute @workgroup_size(1)
fn count() {
    sum[0] = clock.x + common_one();
    sum[1] = 0u;
}
";

/// An `.npy` file.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend_from_slice(&u16::try_from(header.len()).expect("short").to_le_bytes());
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(data);
    file
}

/// The positions that the tiny package starts from, as standard bytes.
pub fn positions() -> Vec<u8> {
    (0..12u8).flat_map(|k| f32::from(k).to_le_bytes()).collect()
}

/// Write the tiny package into a folder.
pub fn write(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("a temporary file");
    put("kernel.toml", MANIFEST.as_bytes());
    put("drift.wgsl", DRIFT.as_bytes());
    put("common.wgsl", COMMON.as_bytes());
    put("count.wgsl", COUNT.as_bytes());
    put("positions.npy", &npy("<f4", "(4, 3)", &positions()));
}

/// Load the tiny package after `change` did something to its folder.
pub fn load_changed(change: impl FnOnce(&Path)) -> Result<Package, PackageError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path());
    change(folder.path());
    Package::load(folder.path())
}

/// Load the tiny package with one text of its manifest replaced.
pub fn load_manifest(from: &str, to: &str) -> Result<Package, PackageError> {
    assert!(MANIFEST.contains(from), "{from:?} is not in the manifest");
    load_changed(|folder| std::fs::write(folder.join("kernel.toml"), MANIFEST.replacen(from, to, 1)).expect("a temporary file"))
}

/// Load the tiny package with one text of a WGSL file replaced.
pub fn load_shader(file: &str, from: &str, to: &str) -> Result<Package, PackageError> {
    load_changed(|folder| {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).expect("a temporary file");
        assert!(text.contains(from), "{from:?} is not in {file}");
        std::fs::write(path, text.replacen(from, to, 1)).expect("a temporary file");
    })
}
