// A harmonic angle, E = k (theta - theta0)^2 / 2, with theta = atan2(|u x v|, u . v) between the vectors u, v from the middle atom (atom 1) to the
// outer ones (0 and 2). Bindings: none. Needs cell.wgsl and arc.wgsl.
// An angle's parameters: k, kJ/mol/rad^2; theta0, rad.

struct Angle {
    u: vec3<f32>,
    v: vec3<f32>,
    // u x v, and its length.
    normal: vec3<f32>,
    area: f32,
    // theta - theta0, rad.
    bend: f32,
}

fn angle_of(x0: vec3<u32>, x1: vec3<u32>, x2: vec3<u32>, parameters: vec2<f32>) -> Angle {
    let u = cell_nm(x0 - x1);
    let v = cell_nm(x2 - x1);
    let normal = cross(u, v);
    let area = sqrt(dot(normal, normal));
    return Angle(u, v, normal, area, arc_of(area, dot(u, v)) - parameters.y);
}
