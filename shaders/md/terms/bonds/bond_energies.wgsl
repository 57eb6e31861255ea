// Energies of harmonic bonds, k (r - r0)^2 / 2, kJ/mol, summed over the 64 bonds of a workgroup.
// Needs cell.wgsl, exact.wgsl, bond.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `bond_atoms`: tags. `bond_parameters`: see bond.wgsl. `bond_sums`: one for each workgroup.

override bonds: u32;

@group(0) @binding(0) var<storage, read> bond_atoms: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> bond_parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> bond_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn bond_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var energy = 0.0;
    if id.x < bonds {
        exact_zero = id.y;
        let atoms = bond_atoms[id.x];
        let parameters = bond_parameters[id.x];
        let bond = bond_of(positions[atoms.y].xyz - positions[atoms.x].xyz, parameters);
        energy = 0.5 * parameters.x * (bond.stretch * bond.stretch);
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        bond_sums[group.x] = sum;
    }
}
