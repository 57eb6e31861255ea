// Energies of correction maps, kJ/mol, summed over the 64 pairs of torsions of a workgroup.
// Needs cell.wgsl, torsion.wgsl, arc.wgsl, cmap.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `cmap_atoms`: see cmap_forces.wgsl. `cmap_patches`: see cmap.wgsl. `cmap_sums`: one for each workgroup.

override cmaps: u32;

@group(0) @binding(0) var<storage, read> cmap_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> cmap_patches: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> cmap_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn cmap_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < cmaps {
        let phi = cmap_torsion(cmap_atoms[3u * id.x]);
        let psi = cmap_torsion(cmap_atoms[3u * id.x + 1u]);
        energy = cmap_of(phi, psi, cmap_atoms[3u * id.x + 2u].xy).energy;
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        cmap_sums[group.x] = sum;
    }
}
