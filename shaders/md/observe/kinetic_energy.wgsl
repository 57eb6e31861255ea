// Kinetic energy m v^2 / 2, kJ/mol, of velocities as they are, summed over the 64 atoms of a workgroup.
// `velocities`: nm/ps. `masses`: u, by tag. `kinetic_sums`: one for each workgroup. `fault` 3: an atom's energy is out of range.
// Needs fixed64.wgsl and canonical.wgsl.

override atoms: u32;

@group(0) @binding(0) var<storage, read> velocities: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> masses: array<f32>;
@group(0) @binding(2) var<storage, read_write> kinetic_sums: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> fault: array<atomic<u32>>;

var<workgroup> kinetic_energy_tree: array<vec2<u32>, 64>;

@compute @workgroup_size(64)
fn kinetic_energy(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tag = id.x;
    kinetic_energy_tree[local] = vec2<u32>();
    if tag < atoms {
        let v = canonical3(velocities[tag].xyz);
        let energy = 0.5 * masses[tag] * (v.x * v.x + v.y * v.y + v.z * v.z);
        if !fixed64_fits(energy) {
            atomicMax(&fault[0], 3u);
        }
        kinetic_energy_tree[local] = fixed64_of(energy);
    }
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            kinetic_energy_tree[local] = fixed64_add(kinetic_energy_tree[local], kinetic_energy_tree[local + reach]);
        }
        workgroupBarrier();
    }
    if local == 0u {
        kinetic_sums[group.x] = kinetic_energy_tree[0];
    }
}
