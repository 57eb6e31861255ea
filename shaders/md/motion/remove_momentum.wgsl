// Takes the motion of the centre of mass out of all velocities: v -= sum m v / sum m, as OpenMM's CMMotionRemover. An atom of infinite mass keeps
// its velocity. Every workgroup adds up all sums of momentum_sum.wgsl: integers, so that all find the same. Needs canonical.wgsl.
// `masses`: u, by tag. `momentum_sums`: 2^-14 u nm/ps. `velocities`: nm/ps. `momentum_share`: 2^-14 / sum m, 1/u.

override atoms: u32;
override momentum_groups: u32;
override momentum_share: f32;

@group(0) @binding(0) var<storage, read> masses: array<f32>;
@group(0) @binding(1) var<storage, read> momentum_sums: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4<f32>>;

var<workgroup> remove_momentum_tree: array<vec4<i32>, 256>;

// 1024 atoms a workgroup, as in momentum_sum.wgsl: so what each adds up is a thousandth of a sum over the atoms.
@compute @workgroup_size(256)
fn remove_momentum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var sum = vec4<i32>();
    for (var other = local; other < momentum_groups; other += 256u) {
        sum += momentum_sums[other];
    }
    remove_momentum_tree[local] = sum;
    workgroupBarrier();
    for (var reach = 128u; reach > 0u; reach >>= 1u) {
        if local < reach {
            remove_momentum_tree[local] += remove_momentum_tree[local + reach];
        }
        workgroupBarrier();
    }
    let drift = vec3<f32>(remove_momentum_tree[0].xyz) * momentum_share;
    for (var part = 0u; part < 4u; part++) {
        let tag = 1024u * group.x + 256u * part + local;
        if tag < atoms && masses[tag] > 0.0 {
            velocities[tag] = vec4<f32>(canonical3(velocities[tag].xyz - drift), 0.0);
        }
    }
}
