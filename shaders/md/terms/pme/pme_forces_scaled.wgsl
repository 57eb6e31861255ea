// As pme_forces.wgsl, in a box whose size is part of the state.
// Forces of the reciprocal sum: F = -q sum_g phi_g grad W_g over an atom's 125 grid points, gathered in one order, rounded once and added.
// One invocation an atom, and no other adds to that atom in this pass. Needs cell_scaled.wgsl, pme_spline.wgsl and force_sums.wgsl.
// `pme_charges`: by tag, in units of 2^-26 e. `pme_potential`: [nx, ny, pme_row], kJ/mol/e, see pme_inverse_z.wgsl.

override atoms: u32;
override pme_row: u32;
override pme_grid_points: u32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> pme_charges: array<f32>;
@group(0) @binding(2) var<storage, read> pme_potential: array<f32>;
@group(0) @binding(3) var<storage, read_write> force_sums: array<atomic<i32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn pme_forces_scaled(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let charge = pme_charges[tag] * 1.4901161e-8;
    if charge == 0.0 {
        return;
    }
    let position = positions[tag].xyz;
    var x = pme_spline(position.x, pme_nx);
    var y = pme_spline(position.y, pme_ny);
    let z = pme_spline(position.z, pme_nz);
    var slope = vec3<f32>();
    for (var i = 0u; i < 5u; i++) {
        let plane = pme_point(x.first, i, pme_nx) * pme_ny;
        // Sums over y and z: of phi, of its slope along y, of its slope along z.
        var sums = vec3<f32>();
        for (var j = 0u; j < 5u; j++) {
            let row = (plane + pme_point(y.first, j, pme_ny)) * pme_row;
            let point = min(row + z.first, pme_grid_points - 5u);
            let p0 = pme_potential[point];
            let p1 = pme_potential[point + 1u];
            let p2 = pme_potential[point + 2u];
            let p3 = pme_potential[point + 3u];
            let p4 = pme_potential[point + 4u];
            let sum = ((p0 * z.w[0] + p4 * z.w[4]) + (p1 * z.w[1] + p3 * z.w[3])) + p2 * z.w[2];
            let sum_z = ((p0 * z.slope[0] + p4 * z.slope[4]) + (p1 * z.slope[1] + p3 * z.slope[3])) + p2 * z.slope[2];
            sums += vec3<f32>(sum * y.w[j], sum * y.slope[j], sum_z * y.w[j]);
        }
        slope += sums * vec3<f32>(x.slope[i], x.w[i], x.w[i]);
    }
    // By nm: the rows of the inverse cell, a grid's points to each.
    let one = 2.3283064e-10;
    let g = slope * (-charge * one / box_scale[0]) * vec3<f32>(vec3<i32>(i32(pme_nx), i32(pme_ny), i32(pme_nz)));
    let force = vec3<f32>(g.x * units_xx, g.x * units_xy + g.y * units_yy, g.x * units_xz + (g.y * units_yz + g.z * units_zz));
    force_add(tag, force_round(force));
}
