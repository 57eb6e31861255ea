// Forces on atoms by tag, kJ/mol/nm, from integer sums in units of `force_unit`, rounded to f32 once. The sums become 0 for the next step; at the start of a segment
// all scratch is 0. One invocation an atom. `force_sums`: 3 words an atom. Needs slot_sums.wgsl and pme_force.wgsl, or those that stand for none.

override atoms: u32;
override force_unit: f32;

@group(0) @binding(3) var<storage, read_write> force_sums: array<i32>;
@group(0) @binding(7) var<storage, read_write> forces: array<vec4<f32>>;

@compute @workgroup_size(64)
fn sum_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let more = slot_sums(tag) + reciprocal_force(tag);
    let sums = vec3<i32>(force_sums[3u * tag], force_sums[3u * tag + 1u], force_sums[3u * tag + 2u]) + more;
    force_sums[3u * tag] = 0;
    force_sums[3u * tag + 1u] = 0;
    force_sums[3u * tag + 2u] = 0;
    forces[tag] = vec4<f32>(vec3<f32>(sums) * force_unit, 0.0);
}
