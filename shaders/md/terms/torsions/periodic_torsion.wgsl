// Periodic torsions, E = k (1 + cos(n phi - phase)), by multiples of the angle: (c, s) <- (c c1 - s s1, s c1 + c s1). Needs torsion.wgsl, and a
// binding `torsion_parameters: array<vec4<f32>>`: k, kJ/mol; cosine and sine of the phase; n (0 is a constant energy without force).

fn torsion_value(index: u32, cosine: f32, sine: f32) -> TorsionValue {
    let parameters = torsion_parameters[index];
    var multiple = vec2<f32>(1.0, 0.0);
    for (var n = i32(parameters.w); n > 0; n--) {
        multiple = vec2<f32>(multiple.x * cosine - multiple.y * sine, multiple.y * cosine + multiple.x * sine);
    }
    let c = multiple.x * parameters.y + multiple.y * parameters.z;
    let s = multiple.y * parameters.y - multiple.x * parameters.z;
    return TorsionValue(parameters.x * (1.0 + c), -parameters.x * parameters.w * s);
}
