// Underflow is where devices may legally differ, so no result depends on it: magnitudes at or below 2^-126 are +0.
// At 2^-126 too: one device judges tininess before it rounds, another one after. -0 becomes +0; a NaN stays one. The sign of 0 is
// no one's either (compilers make 0 - x of -x, and back), so no function here tells -0 from +0.
//
// All of strict/ keeps to f32 + - *, comparisons, select, abs, integers, bit casts, and conversions of integers that f32 holds exactly
// or whose last bits do not matter, in one order: every device that rounds + - * to nearest computes the same bits.

fn strict_canonical(x: f32) -> f32 {
    return select(x, 0.0, abs(x) <= 0x1p-126f);
}

// By its bits: compilers take x != x for false.
fn strict_is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// `size` with the sign of y, canonical.
fn strict_signed(size: f32, y: f32) -> f32 {
    return bitcast<f32>(select(0u, bitcast<u32>(size) | (bitcast<u32>(y) & 0x80000000u), (bitcast<u32>(size) & 0x7fffffffu) > 0x00800000u));
}
