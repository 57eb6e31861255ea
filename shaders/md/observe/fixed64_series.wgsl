// Sums of many numbers in signed 64-bit fixed point, three at a time: in parts of 2^-32, 2^-12 and 2^4 to the unit, so that an addition costs no carry. Needs fixed64.wgsl.

// Three sums. A part has room for FIXED64_SERIES numbers.
struct Fixed64Series {
    low: vec3<i32>,
    middle: vec3<i32>,
    high: vec3<i32>,
}

const FIXED64_SERIES: u32 = 2048u;

// What fixed64_of makes of each of x is added to its series; what does not fit is a fault of its own.
fn fixed64_series_add(sums: ptr<function, Fixed64Series>, x: vec3<f32>) {
    let scaled = clamp(x, vec3<f32>(-524287.96875), vec3<f32>(524287.96875)) * 4096.0;
    let whole = vec3<i32>(scaled);
    (*sums).low += vec3<i32>((scaled - vec3<f32>(whole)) * 1048576.0);
    (*sums).middle += whole & vec3<i32>(0xffff);
    (*sums).high += whole >> vec3<u32>(16u);
}

// The sum of series q.
fn fixed64_series_sum(low: i32, middle: i32, high: i32) -> vec2<u32> {
    let parts = vec2<u32>(bitcast<u32>(middle) << 20u, bitcast<u32>((middle >> 12u) + (high << 4u)));
    return fixed64_add(parts, vec2<u32>(bitcast<u32>(low), bitcast<u32>(low >> 31u)));
}
