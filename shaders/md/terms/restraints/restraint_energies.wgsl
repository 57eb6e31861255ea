// Energies of springs to points, kJ/mol, summed over the 64 springs of a workgroup. Needs cell.wgsl, restraint.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `restraint_points`, `restraint_springs`: see restraint.wgsl. `restraint_sums`: one for each workgroup.

override restraints: u32;

@group(0) @binding(0) var<storage, read> restraint_points: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> restraint_springs: array<f32>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> restraint_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn restraint_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < restraints {
        let d = restraint_of(id.x);
        energy = restraint_springs[id.x] * (d.x * d.x + d.y * d.y + d.z * d.z);
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        restraint_sums[group.x] = sum;
    }
}
