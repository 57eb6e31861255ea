// Forces of torsions, from dE/dphi of their kind. One invocation a torsion.
// Needs cell.wgsl, torsion.wgsl, force_round.wgsl, force_sums.wgsl, torsion_add.wgsl and one of periodic_torsion.wgsl, rb_torsion.wgsl and harmonic_torsion.wgsl.
// `torsion_atoms`: tags. `torsion_parameters`: as the kind says.

override torsions: u32;

@group(0) @binding(0) var<storage, read> torsion_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> torsion_parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> force_sums: array<atomic<i32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn torsion_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= torsions {
        return;
    }
    let atoms = torsion_atoms[id.x];
    let torsion = torsion_of(positions[atoms.x].xyz, positions[atoms.y].xyz, positions[atoms.z].xyz, positions[atoms.w].xyz);
    torsion_add(atoms, torsion, torsion_value(id.x, torsion.cosine, torsion.sine).slope);
}
