// Energies of exceptions and excluded pairs, kJ/mol, summed over the 64 pairs of a workgroup.
// Needs cell.wgsl, exception.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `exception_atoms`: tags. `exception_parameters`, `ewald_series`: see exception.wgsl. `exception_sums`: one for each workgroup.

override exceptions: u32;

@group(0) @binding(0) var<storage, read> exception_atoms: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> exception_parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> ewald_series: array<f32>;
@group(0) @binding(3) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> exception_sums: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn exception_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < exceptions {
        let atoms = exception_atoms[id.x];
        let r = cell_nm(positions[atoms.y].xyz - positions[atoms.x].xyz);
        energy = exception_energy(exception_at(r, id.x));
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        exception_sums[group.x] = sum;
    }
}
