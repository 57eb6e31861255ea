// Numbers so small that their products could underflow, where devices may differ, become +0: below 2^-60.

fn canonical3(v: vec3<f32>) -> vec3<f32> {
    return select(vec3<f32>(), v, abs(v) > vec3<f32>(8.6736174e-19));
}
