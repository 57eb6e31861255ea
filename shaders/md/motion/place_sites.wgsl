// Puts virtual sites where their atoms say. Sums of positions are taken in units of a position, relative to atom 0, so that they wrap.
//   average:      x = x_0 + w_1 (x_1 - x_0) + w_2 (x_2 - x_0)
//   out of plane: x = x_0 + w_1 v_1 + w_2 v_2 + w_c v_1 x v_2, with v_1 = x_1 - x_0, v_2 = x_2 - x_0
//   local:        origin and directions x, y as weighted sums, z = x x y, y = z x x, normalised; x = origin + l_x x + l_y y + l_z z
// One invocation a site; sites that hang on sites are placed by later passes. Needs cell.wgsl and site.wgsl.
// `site_atoms`: atoms 0, 1, 2, the site; then kind, 0, 0, 0. `site_weights`: see site.wgsl. `positions`: fixed point.

override sites_first: u32;
override sites_end: u32;

@group(0) @binding(0) var<storage, read> site_atoms: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> site_weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> positions: array<vec4<u32>>;

@compute @workgroup_size(64)
fn place_sites(@builtin(global_invocation_id) id: vec3<u32>) {
    let site = sites_first + id.x;
    if site >= sites_end {
        return;
    }
    let atoms = site_atoms[2u * site];
    let x0 = positions[atoms.x].xyz;
    let d1 = vec3<f32>(bitcast<vec3<i32>>(positions[atoms.y].xyz - x0));
    let d2 = vec3<f32>(bitcast<vec3<i32>>(positions[atoms.z].xyz - x0));
    let w = site_weights[3u * site];
    // The part that is linear in positions, in units; the rest in nm.
    var units = d1 * w.y + d2 * w.z;
    let kind = site_atoms[2u * site + 1u].x;
    if kind != SITE_AVERAGE {
        let v1 = cell_nm(positions[atoms.y].xyz - x0);
        let v2 = cell_nm(positions[atoms.z].xyz - x0);
        if kind == SITE_OUT_OF_PLANE {
            units += cell_units(cross(v1, v2) * w.w);
        } else {
            let frame = site_frame(v1, v2, site_weights[3u * site + 1u], site_weights[3u * site + 2u]);
            units += cell_units(frame.x * frame.place.x + frame.y * frame.place.y + frame.z * frame.place.z);
        }
    }
    let rounded = vec3<i32>(units + select(vec3<f32>(-0.5), vec3<f32>(0.5), units >= vec3<f32>()));
    positions[atoms.w] = vec4<u32>(x0 + bitcast<vec3<u32>>(rounded), 0u);
}
