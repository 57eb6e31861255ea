// Forces of single pairs. One invocation a pair. Needs cell.wgsl, pair_bond.wgsl, force_round.wgsl and force_sums.wgsl.
// `pair_bond_atoms`: tags. `pair_bond_parameters`: see pair_bond.wgsl.

override pair_bonds: u32;

@group(0) @binding(11) var<storage, read> pair_bond_atoms: array<vec2<u32>>;
@group(0) @binding(12) var<storage, read> pair_bond_parameters: array<vec4<f32>>;

fn pair_bond_forces_of(id: vec3<u32>) {
    if id.x >= pair_bonds {
        return;
    }
    let atoms = pair_bond_atoms[id.x];
    let pair = pair_bond_of(positions[atoms.y].xyz - positions[atoms.x].xyz, pair_bond_parameters[id.x]);
    let force = force_round(pair.r * pair.push);
    force_add(atoms.y, force);
    force_add(atoms.x, -force);
}

@compute @workgroup_size(64)
fn pair_bond_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    pair_bond_forces_of(id);
}
