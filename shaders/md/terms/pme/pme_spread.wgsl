// Spreads charges over the grid, each contribution rounded to the nearest by itself in units of 2^-26 e, so that sums are exact in any order.
// A grid point holds up to 32 e; partial sums may overflow. One invocation an atom. Needs pme_spline.wgsl.
// `pme_charges`: by tag, in units of 2^-26 e. `pme_grid`: [nx, ny, nz], zero before.

override atoms: u32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> pme_charges: array<f32>;
@group(0) @binding(2) var<storage, read_write> pme_grid: array<atomic<i32>>;

fn pme_spread_add(point: u32, share: f32) {
    atomicAdd(&pme_grid[point], i32(share + select(-0.5, 0.5, share >= 0.0)));
}

@compute @workgroup_size(64)
fn pme_spread(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let charge = pme_charges[tag];
    if charge == 0.0 {
        return;
    }
    let position = positions[tag].xyz;
    var x = pme_spline(position.x, pme_nx);
    var y = pme_spline(position.y, pme_ny);
    let z = pme_spline(position.z, pme_nz);
    let z1 = pme_point(z.first, 1u, pme_nz);
    let z2 = pme_point(z.first, 2u, pme_nz);
    let z3 = pme_point(z.first, 3u, pme_nz);
    let z4 = pme_point(z.first, 4u, pme_nz);
    for (var i = 0u; i < 5u; i++) {
        let plane = pme_point(x.first, i, pme_nx) * pme_ny;
        let share_x = charge * x.w[i];
        for (var j = 0u; j < 5u; j++) {
            let row = (plane + pme_point(y.first, j, pme_ny)) * pme_nz;
            let share_y = share_x * y.w[j];
            pme_spread_add(row + z.first, share_y * z.w[0]);
            pme_spread_add(row + z1, share_y * z.w[1]);
            pme_spread_add(row + z2, share_y * z.w[2]);
            pme_spread_add(row + z3, share_y * z.w[3]);
            pme_spread_add(row + z4, share_y * z.w[4]);
        }
    }
}
