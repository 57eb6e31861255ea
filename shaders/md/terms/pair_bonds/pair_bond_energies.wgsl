// Energies of single pairs, kJ/mol, summed over the 64 pairs of a workgroup. Needs cell.wgsl, pair_bond.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `pair_bond_atoms`: tags. `pair_bond_parameters`: see pair_bond.wgsl. `pair_bond_sums`: one for each workgroup.

override pair_bonds: u32;

@group(0) @binding(0) var<storage, read> pair_bond_atoms: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> pair_bond_parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> pair_bond_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn pair_bond_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < pair_bonds {
        let atoms = pair_bond_atoms[id.x];
        energy = pair_bond_of(positions[atoms.y].xyz - positions[atoms.x].xyz, pair_bond_parameters[id.x]).energy;
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        pair_bond_sums[group.x] = sum;
    }
}
