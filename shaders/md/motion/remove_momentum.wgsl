// Takes the motion of the centre of mass out of all velocities: v -= sum m v / sum m, as OpenMM's CMMotionRemover. An atom of infinite mass keeps
// its velocity. Every workgroup adds up all sums of momentum_sum.wgsl: integers, so that all find the same. Needs canonical.wgsl.
// `masses`: u, by tag. `momentum_sums`: 2^-14 u nm/ps. `velocities`: nm/ps. `momentum_share`: 2^-14 / sum m, 1/u.

override atoms: u32;
override momentum_groups: u32;
override momentum_share: f32;

@group(0) @binding(0) var<storage, read> masses: array<f32>;
@group(0) @binding(1) var<storage, read> momentum_sums: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;

var<workgroup> remove_momentum_tree: array<vec4<i32>, 64>;

@compute @workgroup_size(64)
fn remove_momentum(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var sum = vec4<i32>();
    for (var group = local; group < momentum_groups; group += 64u) {
        sum += momentum_sums[group];
    }
    remove_momentum_tree[local] = sum;
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            remove_momentum_tree[local] += remove_momentum_tree[local + reach];
        }
        workgroupBarrier();
    }
    let tag = id.x;
    if tag < atoms && masses[tag] > 0.0 {
        let drift = vec3<f32>(remove_momentum_tree[0].xyz) * momentum_share;
        velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz - drift), 0.0);
    }
}
