// Forces of torsions, from dE/dphi of their kind. One invocation a torsion.
// Needs cell.wgsl, torsion.wgsl, force_round.wgsl, force_sums.wgsl, torsion_add.wgsl and one of periodic_torsion.wgsl, rb_torsion.wgsl and harmonic_torsion.wgsl.
// `torsion_atoms`: tags. `torsion_parameters`: as the kind says.

override torsions: u32;

@group(0) @binding(7) var<storage, read> torsion_atoms: array<vec4<u32>>;
@group(0) @binding(8) var<storage, read> torsion_parameters: array<vec4<f32>>;

fn torsion_forces_of(id: vec3<u32>) {
    if id.x >= torsions {
        return;
    }
    let atoms = torsion_atoms[id.x];
    let torsion = torsion_of(positions[atoms.x].xyz, positions[atoms.y].xyz, positions[atoms.z].xyz, positions[atoms.w].xyz);
    torsion_add(atoms, torsion, torsion_value(id.x, torsion.cosine, torsion.sine).slope);
}

@compute @workgroup_size(64)
fn torsion_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    torsion_forces_of(id);
}
