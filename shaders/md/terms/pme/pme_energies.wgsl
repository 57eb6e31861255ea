// The reciprocal sum's energy by atoms: q / 2 sum_g phi_g W_g, kJ/mol, summed over the 64 atoms of a workgroup. Self energy and the
// energy of a net charge are constants that the host adds. Needs pme_spline.wgsl, fixed64.wgsl and energy_sum.wgsl.
// `pme_charges`: by tag, in units of 2^-26 e. `pme_potential`: [nx, ny, pme_row], kJ/mol/e, see pme_inverse_z.wgsl. `pme_sums`: one for each workgroup.

override atoms: u32;
override pme_row: u32;
override pme_grid_points: u32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> pme_charges: array<f32>;
@group(0) @binding(2) var<storage, read> pme_potential: array<f32>;
@group(0) @binding(3) var<storage, read_write> pme_sums: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn pme_energies(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let tag = id.x;
    var energy = 0.0;
    if tag < atoms {
        let charge = pme_charges[tag] * 1.4901161e-8;
        let position = positions[tag].xyz;
        var x = pme_spline(position.x, pme_nx);
        var y = pme_spline(position.y, pme_ny);
        let z = pme_spline(position.z, pme_nz);
        var phi = 0.0;
        for (var i = 0u; i < 5u; i++) {
            let plane = pme_point(x.first, i, pme_nx) * pme_ny;
            var sum_x = 0.0;
            for (var j = 0u; j < 5u; j++) {
                let row = (plane + pme_point(y.first, j, pme_ny)) * pme_row;
                let point = min(row + z.first, pme_grid_points - 5u);
                let outer = pme_potential[point] * z.w[0] + pme_potential[point + 4u] * z.w[4];
                let inner = pme_potential[point + 1u] * z.w[1] + pme_potential[point + 3u] * z.w[3];
                sum_x += ((outer + inner) + pme_potential[point + 2u] * z.w[2]) * y.w[j];
            }
            phi += sum_x * x.w[i];
        }
        energy = 0.5 * charge * phi;
    }
    let sum = energy_sum(local, energy);
    if local == 0u {
        pme_sums[group.x] = sum;
    }
}
