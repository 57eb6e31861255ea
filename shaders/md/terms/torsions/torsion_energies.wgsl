// Energies of torsions, kJ/mol, summed over the 64 torsions of a workgroup. Needs cell.wgsl, torsion.wgsl, fixed64.wgsl, energy_sum.wgsl and one of
// periodic_torsion.wgsl, rb_torsion.wgsl and harmonic_torsion.wgsl.
// `torsion_atoms`: tags. `torsion_parameters`: as the kind says. `torsion_sums`: one for each workgroup.

override torsions: u32;

@group(0) @binding(0) var<storage, read> torsion_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> torsion_parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> torsion_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn torsion_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < torsions {
        let atoms = torsion_atoms[id.x];
        let torsion = torsion_of(positions[atoms.x].xyz, positions[atoms.y].xyz, positions[atoms.z].xyz, positions[atoms.w].xyz);
        energy = torsion_value(id.x, torsion.cosine, torsion.sine).energy;
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        torsion_sums[group.x] = sum;
    }
}
