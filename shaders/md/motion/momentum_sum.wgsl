// The momentum of the 1024 atoms of a workgroup as a sum of integers, each contribution rounded by itself in units of 2^-14 u nm/ps: sums over all
// atoms up to +-131,072 u nm/ps. `masses`: u, by tag. `velocities`: nm/ps. `momentum_sums`: x, y, z, 0 for each workgroup.
// `fault` 7: an atom's momentum is out of range, or is not a number.

override atoms: u32;

@group(0) @binding(0) var<storage, read> masses: array<f32>;
@group(0) @binding(1) var<storage, read> velocities: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> momentum_sums: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> fault: array<atomic<u32>>;

var<workgroup> momentum_tree: array<vec4<i32>, 256>;

@compute @workgroup_size(256)
fn momentum_sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var sum = vec4<i32>();
    for (var part = 0u; part < 4u; part++) {
        let tag = 1024u * group.x + 256u * part + local;
        if tag < atoms {
            let p = velocities[tag].xyz * (16384.0 * masses[tag]);
            if all(abs(p) < vec3<f32>(2147483520.0)) {
                sum += vec4<i32>(vec3<i32>(p + select(vec3<f32>(-0.5), vec3<f32>(0.5), p >= vec3<f32>())), 0);
            } else {
                atomicMax(&fault[0], 7u);
            }
        }
    }
    momentum_tree[local] = sum;
    workgroupBarrier();
    for (var reach = 128u; reach > 0u; reach >>= 1u) {
        if local < reach {
            momentum_tree[local] += momentum_tree[local + reach];
        }
        workgroupBarrier();
    }
    if local == 0u {
        momentum_sums[group.x] = momentum_tree[0];
    }
}
