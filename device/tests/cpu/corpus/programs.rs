//! Kernels for control flow, memory, functions, barriers and atomics. Whatever the order of invocations, their results are the same.

use protocol::Tier;

use crate::support::{Case, Random};

const HEAD: &str = "@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
";

const CONTROL: &str = "
fn early(x: u32) -> u32 { if (x % 5u == 0u) { return 7u; } var y = x; while (y > 9u) { y = y / 2u; } return y; }
fn nothing() { return; }
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>) {
    let v = a[id.x]; var s = n.x;
    switch v % 7u { case 0u, 3u: { s += 1u; } case 5u { if (v > 9u) { break; } s += 100u; } default: { s += early(v); } }
    switch i32(v % 3u) { case 1: { s += 50u; } default: { } }
    for (var k = 0u; k < v % 40u; k++) { if (k % 3u == id.x % 3u) { continue; } if (k > 25u) { break; } s += k; }
    loop { s = s * 3u + 1u; if (s % 11u == 4u) { break; } continuing { s += 5u; break if s > 100000u; } }
    { nothing(); let t = s; s = t ^ v; }
    out[id.x] = s;
}";

const MEMORY: &str = "
struct Part { p: vec3<f32>, q: u32, m: mat2x3<f32>, t: array<u32, 3> }
const table = array<u32, 5>(3u, 1u, 4u, 1u, 5u);
override scale: u32 = 3u;
var<private> seen: array<u32, 6>;
var<private> last: u32 = 9u;
fn bump(p: ptr<function, u32>, by: u32) { *p += by; last = by; }
fn pick(p: ptr<function, array<u32, 4>>, at: u32) -> u32 { return (*p)[at % 4u]; }
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>,
    @builtin(workgroup_id) g: vec3<u32>) {
    let v = a[id.x];
    var part: Part; var copy = part; var four = array<u32, 4>(v, 2u, 3u, l.x); var s = g.x;
    part.p[v % 3u] = 2.0; part.m[v % 2u].y = f32(v % 100u); part.t[v % 3u] += 4u; part.q = table[v % 5u];
    copy = part; copy.p.x += 1.0;
    seen[v % 6u] += v; seen[id.x % 6u] ^= 5u;
    bump(&s, v); four[v % 4u] = 77u; s += pick(&four, id.x) * scale;
    let vector = vec4(v, 1u, 2u, 3u); var other = vector; other[v % 4u] = 8u; other.y = 4u;
    let matrix = mat3x3<f32>(copy.p, part.p, vec3(1.0)); var u = vec2<u32>();
    s += u32(matrix[v % 3u].x + copy.m[1].y) + vector[id.x % 4u] + other.z + u.x + copy.t[id.x % 3u] + copy.q;
    for (var k = 0u; k < 6u; k++) { s = s * 31u + seen[k]; }
    out[id.x] = s + last + arrayLength(&a);
}";

const GROUP: &str = "
var<workgroup> w: array<u32, 64>; var<workgroup> sum: atomic<u32>; var<workgroup> low: atomic<i32>; var<workgroup> flag: u32;
@group(0) @binding(2) var<storage, read_write> all: array<atomic<u32>, 8>;
@group(0) @binding(3) var<storage, read_write> both: array<atomic<i32>, 8>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32,
    @builtin(workgroup_id) g: vec3<u32>) {
    let v = a[id.x]; let s = bitcast<i32>(v);
    w[l] = v; atomicAdd(&sum, v % 1000u); atomicMin(&low, s); if (l == 9u) { flag = v % 3u; }
    workgroupBarrier();
    let turns = workgroupUniformLoad(&flag);
    var t = 0u;
    for (var k = 0u; k <= turns; k++) { t += w[(l + k + 7u) % 64u]; workgroupBarrier(); w[l] = t; workgroupBarrier(); }
    atomicAdd(&all[0], v); atomicSub(&all[1], v); atomicAnd(&all[2], v | 0xff00u); atomicOr(&all[3], v & 0x0ff0u);
    atomicXor(&all[4], v); atomicMin(&all[5], v); atomicMax(&all[6], v);
    atomicMin(&both[0], s); atomicMax(&both[1], s); atomicAdd(&both[2], s);
    if (id.x == 5u) {
        let old = atomicExchange(&all[7], 70u); let first = atomicCompareExchangeWeak(&both[7], 3, 9);
        let second = atomicCompareExchangeWeak(&both[7], 0, 11);
        t += old + u32(first.exchanged) * 10u + u32(second.exchanged) * 100u + u32(second.old_value); atomicStore(&both[6], 44);
    }
    storageBarrier();
    out[id.x] = t + atomicLoad(&sum) + bitcast<u32>(atomicLoad(&low)) + g.x;
}";

const UNIFORM: &str = "
struct Settings { by: vec4<u32>, at: array<vec4<u32>, 3> }
@group(0) @binding(2) var<uniform> settings: Settings;
@compute @workgroup_size(4, 4, 2) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) l: vec3<u32>,
    @builtin(local_invocation_index) k: u32, @builtin(workgroup_id) g: vec3<u32>) {
    let i = g.x * 32u + k;
    out[i] = a[i] * settings.by.y + settings.at[l.x % 3u].z + l.y * 100u + l.z * 10000u + id.x;
}";

const BOUNDS: &str = "
@compute @workgroup_size(1) fn main() {
    var t: array<u32, 5>;
    for (var k = 0u; k < 9u; k++) { t[k * 977u] += a[k * 3000u]; }
    for (var k = 0u; k < 9u; k++) { out[k] = t[k]; }
    out[a[1] * 0x10000000u] = 77u;
}";

/// All of them, by name.
pub(crate) fn all() -> Vec<(&'static str, Case)> {
    let mut random = Random(23);
    let mut words = |count: usize| (0..count).map(|_| random.word() >> random.below(30)).collect::<Vec<u32>>();
    let mut case = |text: &str, more: Vec<Vec<u32>>| {
        let mut buffers = vec![words(256), vec![0; 256]];
        buffers.extend(more);
        let mut case = Case::new(&format!("{HEAD}{text}"), buffers, 4);
        case.tier = Tier::Portable;
        case
    };
    let mut bounds = case(BOUNDS, Vec::new());
    bounds.groups = [1; 3];
    let mut uniform = case(UNIFORM, vec![(1..17).collect()]);
    uniform.groups = [8, 1, 1];
    vec![
        ("control", case(CONTROL, Vec::new())),
        ("memory", case(MEMORY, Vec::new())),
        ("group", case(GROUP, vec![vec![0; 8], vec![0; 8]])),
        ("uniform", uniform),
        ("bounds", bounds),
    ]
}
