// The reciprocal sum's force on an atom: F = -q sum_g phi_g grad W_g over its 125 grid points (pme_gather.wgsl), rounded once.
// Needs cell.wgsl, pme_spline.wgsl, pme_gather.wgsl and force_round.wgsl. `pme_charges`: by tag, in units of 2^-26 e.

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> pme_charges: array<f32>;
@group(0) @binding(2) var<storage, read> pme_potential: array<f32>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

fn reciprocal_force(tag: u32) -> vec3<i32> {
    let charge = pme_charges[tag] * 1.4901161e-8;
    if charge == 0.0 {
        return vec3<i32>();
    }
    let slope = pme_slope(positions[tag].xyz);
    // By nm: the rows of the inverse cell, a grid's points to each.
    let one = 2.3283064e-10;
    let g = slope * (-charge * one) * vec3<f32>(vec3<i32>(i32(pme_nx), i32(pme_ny), i32(pme_nz)));
    let force = vec3<f32>(g.x * units_xx, g.x * units_xy + g.y * units_yy, g.x * units_xz + (g.y * units_yz + g.z * units_zz));
    return force_round(force);
}
