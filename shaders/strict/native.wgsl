// The same bits as strict_divide, strict_sqrt and the roundings, on a device whose own operations are IEEE 754's by construction (WebAssembly).
// These are ordinary operators on purpose: they are the one part of strict/ that is not lowered and not portable.
// Needs canonical.wgsl.

fn strict_native_divide(a: f32, b: f32) -> f32 {
    return strict_canonical(strict_canonical(a) / strict_canonical(b));
}

fn strict_native_sqrt(x: f32) -> f32 {
    return sqrt(strict_canonical(x));
}

fn strict_native_inverse_sqrt(x: f32) -> f32 {
    return 1.0 / sqrt(strict_canonical(x));
}

fn strict_native_round(x: f32) -> f32 {
    // What is next to nothing becomes 0, and -0 becomes +0.
    return round(x) + 0.0;
}

fn strict_native_trunc(x: f32) -> f32 {
    return strict_canonical(trunc(strict_canonical(x)));
}

fn strict_native_floor(x: f32) -> f32 {
    return strict_canonical(floor(strict_canonical(x)));
}

fn strict_native_ceil(x: f32) -> f32 {
    return strict_canonical(ceil(strict_canonical(x)));
}
