// Conversions between f32 and integers, correctly rounded whatever a device does with integers above 2^24.
//
// Floats are cut towards zero; what lies outside becomes the f32 nearest to the integer type's end that it holds; NaN becomes 0.
// Needs canonical.wgsl.

fn strict_f32_of_u32(x: u32) -> f32 {
    return f32(x >> 16u) * 65536.0 + f32(x & 0xffffu);
}

fn strict_f32_of_i32(x: i32) -> f32 {
    return f32(x >> 16u) * 65536.0 + f32(x & 0xffff);
}

fn strict_i32_of(x: f32) -> i32 {
    let above = select(x, -2147483648.0, x < -2147483648.0);
    let within = select(above, 2147483520.0, above > 2147483520.0);
    return i32(select(within, 0.0, strict_is_nan(x)));
}

fn strict_u32_of(x: f32) -> u32 {
    let above = select(x, 0.0, x < 0.0);
    let within = select(above, 4294967040.0, above > 4294967040.0);
    return u32(select(within, 0.0, strict_is_nan(x)));
}
