// Forces of harmonic bonds: F on atom 1 is -k (r - r0) r / |r|, on atom 0 the opposite. One invocation a bond. Where both atoms are at one
// place the force has no direction, and is 0, as in OpenMM.
// Needs cell.wgsl, exact.wgsl, bond.wgsl, force_round.wgsl and force_sums.wgsl.
// `bond_atoms`: tags. `bond_parameters`: see bond.wgsl.

override bonds: u32;

@group(0) @binding(3) var<storage, read> bond_atoms: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> bond_parameters: array<vec4<f32>>;

fn bond_forces_of(id: vec3<u32>) {
    if id.x >= bonds {
        return;
    }
    exact_zero = id.y;
    let atoms = bond_atoms[id.x];
    let parameters = bond_parameters[id.x];
    let bond = bond_of(positions[atoms.y].xyz - positions[atoms.x].xyz, parameters);
    let pull = -parameters.x * bond.stretch / max(bond.length, 1e-12);
    let force = force_round(bond.r * pull);
    force_add(atoms.y, force);
    force_add(atoms.x, -force);
}

@compute @workgroup_size(64)
fn bond_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    bond_forces_of(id);
}
