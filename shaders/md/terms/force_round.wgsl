// A force in units of an integer sum, rounded to the nearest by itself. `force_scale`: units for each kJ/mol/nm. Needs a binding `fault: array<atomic<u32>>`.
// `fault` 6: a contribution does not fit 31 bits, or is not a number.

override force_scale: f32;

fn force_round(force: vec3<f32>) -> vec3<i32> {
    let scaled = force * force_scale;
    if !all(abs(scaled) < vec3<f32>(2147483520.0)) {
        atomicMax(&fault[0], 6u);
        return vec3<i32>();
    }
    return vec3<i32>(scaled + select(vec3<f32>(-0.5), vec3<f32>(0.5), scaled >= vec3<f32>()));
}
