// Signed 64-bit fixed point with 2^-32 to the unit, as (low word, high word): sums are exact, so their order cannot matter.

// Whether fixed64_of can hold x: false for NaN too.
fn fixed64_fits(x: f32) -> bool {
    return abs(x) < 524288.0;
}

// x, cut (not rounded) below 2^-32. Every step is exact: powers of two, and differences that fit 24 bits.
fn fixed64_of(x: f32) -> vec2<u32> {
    let scaled = select(0.0, x, fixed64_fits(x)) * 4096.0;
    let whole = i32(scaled);
    let rest = i32((scaled - f32(whole)) * 1048576.0);
    let high = vec2<u32>(bitcast<u32>(whole) << 20u, bitcast<u32>(whole >> 12u));
    return fixed64_add(high, vec2<u32>(bitcast<u32>(rest), bitcast<u32>(rest >> 31u)));
}

fn fixed64_add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + u32(low < a.x));
}

fn fixed64_sub(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}
