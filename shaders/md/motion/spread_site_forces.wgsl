// Hands the forces on virtual sites to their atoms and leaves none on the sites, before anything else reads forces. Forces of atoms 1 and 2 are rounded;
// atom 0 gets what is left, so that the sum is kept exactly.
//   average:      F_i = w_i F
//   out of plane: F_1 = w_1 F + w_c v_2 x F, F_2 = w_2 F - w_c v_1 x F
//   local:        by the derivative of the frame's directions
// One invocation a site; sites that hang on sites hand over in earlier passes. Needs cell.wgsl, site.wgsl, force_round.wgsl and force_sums.wgsl.
// `site_atoms`, `site_weights`: see place_sites.wgsl.

override sites_first: u32;
override sites_end: u32;

@group(0) @binding(0) var<storage, read> site_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> site_weights: array<vec4<f32>>;

@compute @workgroup_size(64)
fn spread_site_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let site = sites_first + id.x;
    if site >= sites_end {
        return;
    }
    let atoms = site_atoms[2u * site];
    let kind = site_atoms[2u * site + 1u].x;
    let all = vec3<i32>(
        atomicLoad(&force_sums[3u * atoms.w]),
        atomicLoad(&force_sums[3u * atoms.w + 1u]),
        atomicLoad(&force_sums[3u * atoms.w + 2u]),
    );
    let w = site_weights[3u * site];
    let force = vec3<f32>(all) / force_scale;
    var f1 = force * w.y;
    var f2 = force * w.z;
    if kind != SITE_AVERAGE {
        let x0 = positions[atoms.x].xyz;
        let v1 = cell_nm(positions[atoms.y].xyz - x0);
        let v2 = cell_nm(positions[atoms.z].xyz - x0);
        if kind == SITE_OUT_OF_PLANE {
            f1 += cross(v2, force) * w.w;
            f2 -= cross(v1, force) * w.w;
        } else {
            let directions = site_weights[3u * site + 1u];
            let frame = site_frame(v1, v2, directions, site_weights[3u * site + 2u]);
            // The gradient of F . x with respect to the unnormalised directions: through x = X / |X|, z = Z / |Z|, Z = X x Y, y = z x x.
            let by_x = frame.place.x * force + frame.place.y * cross(force, frame.z);
            let by_z = frame.place.z * force + frame.place.y * cross(frame.x, force);
            let through_x = (by_x - frame.x * dot(frame.x, by_x)) / frame.length_x;
            let through_z = (by_z - frame.z * dot(frame.z, by_z)) / frame.length_z;
            let raw_x = frame.x * frame.length_x;
            let g_x = through_x + cross(frame.raw_y, through_z);
            let g_y = cross(through_z, raw_x);
            f1 += g_x * directions.x + g_y * directions.z;
            f2 += g_x * directions.y + g_y * directions.w;
        }
    }
    let n1 = force_round(f1);
    let n2 = force_round(f2);
    force_add(atoms.y, n1);
    force_add(atoms.z, n2);
    force_add(atoms.x, all - (n1 + n2));
    atomicStore(&force_sums[3u * atoms.w], 0);
    atomicStore(&force_sums[3u * atoms.w + 1u], 0);
    atomicStore(&force_sums[3u * atoms.w + 2u], 0);
}
