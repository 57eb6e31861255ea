// Kinds of virtual sites, and the frame of local coordinates. Bindings: none.
// A site's weights, three vectors: (0, w_1, w_2, w_c), where w are the origin's for local coordinates (w_0 = 1 - w_1 - w_2); then for local coordinates
// the x direction's weights of atoms 1 and 2, the y direction's (those of atom 0 are minus their sums: a direction's weights sum to 0); then the
// site's local coordinates, nm, 0.

const SITE_AVERAGE: u32 = 0u;
const SITE_OUT_OF_PLANE: u32 = 1u;
const SITE_LOCAL: u32 = 2u;

struct SiteFrame {
    x: vec3<f32>,
    y: vec3<f32>,
    z: vec3<f32>,
    place: vec3<f32>,
    // Lengths of the unnormalised x and z directions, nm and nm^2.
    length_x: f32,
    length_z: f32,
    // The unnormalised y direction.
    raw_y: vec3<f32>,
}

// v1, v2: atoms 1 and 2 from atom 0, nm.
fn site_frame(v1: vec3<f32>, v2: vec3<f32>, directions: vec4<f32>, place: vec4<f32>) -> SiteFrame {
    let raw_x = v1 * directions.x + v2 * directions.y;
    let raw_y = v1 * directions.z + v2 * directions.w;
    let raw_z = cross(raw_x, raw_y);
    let length_x = sqrt(dot(raw_x, raw_x));
    let length_z = sqrt(dot(raw_z, raw_z));
    let x = raw_x / length_x;
    let z = raw_z / length_z;
    return SiteFrame(x, cross(z, x), z, place.xyz, length_x, length_z, raw_y);
}
