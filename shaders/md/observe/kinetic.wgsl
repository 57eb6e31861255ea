// Kinetic energy m v^2 / 2, kJ/mol, summed over the 64 atoms of a workgroup. Velocities are half a step behind the positions; here
// they are brought to the positions' time with half of the next kick, v + F dt / (2 m), as OpenMM's Verlet integrator reports it.
// `kinds`: by type, (dt / m, m), ps/u and u. `kinetic_sums`: one for each workgroup. `fault` 3: an atom's energy is out of range.
// Needs fixed64.wgsl and canonical.wgsl.

override atoms: u32;

@group(0) @binding(0) var<storage, read> velocities: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> forces: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> types: array<u32>;
@group(0) @binding(3) var<storage, read> kinds: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> kinetic_sums: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> fault: array<atomic<u32>>;

var<workgroup> kinetic_tree: array<vec2<u32>, 64>;

@compute @workgroup_size(64)
fn kinetic(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tag = id.x;
    kinetic_tree[local] = vec2<u32>();
    if tag < atoms {
        let kind = kinds[types[tag]];
        let v = canonical3(velocities[tag].xyz + canonical3(forces[tag].xyz) * (0.5 * kind.x));
        let energy = 0.5 * kind.y * (v.x * v.x + v.y * v.y + v.z * v.z);
        if !fixed64_fits(energy) {
            atomicMax(&fault[0], 3u);
        }
        kinetic_tree[local] = fixed64_of(energy);
    }
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            kinetic_tree[local] = fixed64_add(kinetic_tree[local], kinetic_tree[local + reach]);
        }
        workgroupBarrier();
    }
    if local == 0u {
        kinetic_sums[group.x] = kinetic_tree[0];
    }
}
