// 1 / x without a division, whose last bits devices may choose.

// 1 / (x + rest) to about one unit in the last place, for normal x and a rest below its last place: a guess from the bits, then Newton's
// iteration three times. Only products, differences and integers.
fn reciprocal(x: f32, rest: f32) -> f32 {
    var y = bitcast<f32>(0x7ef311c7u - bitcast<u32>(x));
    y = y * (2.0 - x * y);
    y = y * (2.0 - x * y);
    return y + y * ((1.0 - x * y) - rest * y);
}
