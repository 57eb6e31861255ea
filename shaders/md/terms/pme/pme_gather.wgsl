// The slope of the potential at an atom: sum_g phi_g grad W_g over its 125 grid points in grid units, gathered in one order. Needs pme_spline.wgsl and
// a binding `pme_potential: array<f32>`: [nx, ny, pme_row], kJ/mol/e, see pme_inverse_z.wgsl.

override pme_row: u32;
override pme_grid_points: u32;

// Sums over the five points of a row that begins at `first`, times the row's weight and its slope along y: of phi, of its slope along y, of its slope along z.
fn pme_row_sums(first: u32, z: PmeSpline, w: f32, slope: f32) -> vec3<f32> {
    let point = min(first, pme_grid_points - 5u);
    let p0 = pme_potential[point];
    let p1 = pme_potential[point + 1u];
    let p2 = pme_potential[point + 2u];
    let p3 = pme_potential[point + 3u];
    let p4 = pme_potential[point + 4u];
    let sum = ((p0 * z.w[0] + p4 * z.w[4]) + (p1 * z.w[1] + p3 * z.w[3])) + p2 * z.w[2];
    let sum_z = ((p0 * z.slope[0] + p4 * z.slope[4]) + (p1 * z.slope[1] + p3 * z.slope[3])) + p2 * z.slope[2];
    return vec3<f32>(sum * w, sum * slope, sum_z * w);
}

fn pme_slope(position: vec3<u32>) -> vec3<f32> {
    var x = pme_spline(position.x, pme_nx);
    let y = pme_spline(position.y, pme_ny);
    let z = pme_spline(position.z, pme_nz);
    let row_0 = pme_point(y.first, 0u, pme_ny) * pme_row + z.first;
    let row_1 = pme_point(y.first, 1u, pme_ny) * pme_row + z.first;
    let row_2 = pme_point(y.first, 2u, pme_ny) * pme_row + z.first;
    let row_3 = pme_point(y.first, 3u, pme_ny) * pme_row + z.first;
    let row_4 = pme_point(y.first, 4u, pme_ny) * pme_row + z.first;
    var slope = vec3<f32>();
    for (var i = 0u; i < 5u; i++) {
        let plane = pme_point(x.first, i, pme_nx) * (pme_ny * pme_row);
        var sums = pme_row_sums(plane + row_0, z, y.w[0], y.slope[0]);
        sums += pme_row_sums(plane + row_1, z, y.w[1], y.slope[1]);
        sums += pme_row_sums(plane + row_2, z, y.w[2], y.slope[2]);
        sums += pme_row_sums(plane + row_3, z, y.w[3], y.slope[3]);
        sums += pme_row_sums(plane + row_4, z, y.w[4], y.slope[4]);
        slope += sums * vec3<f32>(x.slope[i], x.w[i], x.w[i]);
    }
    return slope;
}
