// Forces of correction maps. One invocation a pair of torsions.
// Needs cell.wgsl, torsion.wgsl, force_round.wgsl, force_sums.wgsl, torsion_add.wgsl, arc.wgsl and cmap.wgsl.
// `cmap_atoms`: tags of the first torsion, of the second one, then first patch of the map, n, 0, 0. `cmap_patches`: see cmap.wgsl.

override cmaps: u32;

@group(0) @binding(9) var<storage, read> cmap_atoms: array<vec4<u32>>;
@group(0) @binding(10) var<storage, read> cmap_patches: array<vec4<f32>>;

fn cmap_forces_of(id: vec3<u32>) {
    if id.x >= cmaps {
        return;
    }
    let first = cmap_atoms[3u * id.x];
    let second = cmap_atoms[3u * id.x + 1u];
    let phi = cmap_torsion(first);
    let psi = cmap_torsion(second);
    let value = cmap_of(phi, psi, cmap_atoms[3u * id.x + 2u].xy);
    torsion_add(first, phi, value.slopes.x);
    torsion_add(second, psi, value.slopes.y);
}

@compute @workgroup_size(64)
fn cmap_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    cmap_forces_of(id);
}
