// Energies of harmonic angles, k (theta - theta0)^2 / 2, kJ/mol, summed over the 64 angles of a workgroup.
// Needs cell.wgsl, arc.wgsl, angle.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `angle_atoms`: tags of the three atoms, 0. `angle_parameters`: see angle.wgsl. `angle_sums`: one for each workgroup.

override angles: u32;

@group(0) @binding(0) var<storage, read> angle_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> angle_parameters: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> angle_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn angle_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < angles {
        let atoms = angle_atoms[id.x];
        let parameters = angle_parameters[id.x];
        let bend = angle_of(positions[atoms.x].xyz, positions[atoms.y].xyz, positions[atoms.z].xyz, parameters).bend;
        energy = 0.5 * parameters.x * (bend * bend);
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        angle_sums[group.x] = sum;
    }
}
