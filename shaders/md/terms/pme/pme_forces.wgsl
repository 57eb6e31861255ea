// Forces of the reciprocal sum: F = -q sum_g phi_g grad W_g over an atom's 125 grid points (pme_gather.wgsl), rounded once and added.
// One invocation an atom, and no other adds to that atom in this pass. Needs cell.wgsl, pme_spline.wgsl, pme_gather.wgsl and force_sums.wgsl.
// `pme_charges`: by tag, in units of 2^-26 e.

override atoms: u32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> pme_charges: array<f32>;
@group(0) @binding(2) var<storage, read> pme_potential: array<f32>;
@group(0) @binding(3) var<storage, read_write> force_sums: array<atomic<i32>>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn pme_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let charge = pme_charges[tag] * 1.4901161e-8;
    if charge == 0.0 {
        return;
    }
    let slope = pme_slope(positions[tag].xyz);
    // By nm: the rows of the inverse cell, a grid's points to each.
    let one = 2.3283064e-10;
    let g = slope * (-charge * one) * vec3<f32>(vec3<i32>(i32(pme_nx), i32(pme_ny), i32(pme_nz)));
    let force = vec3<f32>(g.x * units_xx, g.x * units_xy + g.y * units_yy, g.x * units_xz + (g.y * units_yz + g.z * units_zz));
    force_add(tag, force_round(force));
}
