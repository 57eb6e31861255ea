// Transforms of 2, 3, 4, 5 and 7 complex numbers, each input read once, each output written once: the small factors of fft.wgsl. Input r is multiplied
// by r times a power of the root of unity first, by which the parts of a longer transform are put together (Cooley and Tukey, Math. Comput. 19, 297, 1965).
// Where p is odd, inputs r and p - r share their products: sums and differences of the two, times cosines and sines of 2 pi k / p.
// Needs fft.wgsl, of which it is a part.

// Where a transform of p elements reads and writes: places in the memory. All but three of these are constants.
struct FftPart {
    // Input 0 and output 0, from where their halves of the memory begin.
    source: u32,
    result: u32,
    // Where the halves begin.
    inputs: u32,
    outputs: u32,
    // From one input to the next, and from one output to the next.
    apart: u32,
    done: u32,
    // What input r is turned by: r times this power of the root.
    power: u32,
}

fn fft_input(part: FftPart, r: u32) -> vec2<f32> {
    return fft_load(part.source + (part.inputs + r * part.apart));
}

fn fft_turned(z: vec2<f32>, power: u32) -> vec2<f32> {
    let root = fft_root(power);
    return vec2<f32>(z.x * root.x - z.y * root.y, z.x * root.y + z.y * root.x);
}

fn fft_output(part: FftPart, k: u32, z: vec2<f32>) {
    fft_store(part.result + (part.outputs + k * part.done), z);
}

// Outputs k and p - k: m -+ i n.
fn fft_outputs(part: FftPart, k: u32, mirrored: u32, m: vec2<f32>, n: vec2<f32>) {
    fft_output(part, k, vec2<f32>(m.x + n.y, m.y - n.x));
    fft_output(part, mirrored, vec2<f32>(m.x - n.y, m.y + n.x));
}

fn fft_of_2(part: FftPart) {
    let a = fft_input(part, 0u);
    var b = fft_input(part, 1u);
    if part.power > 0u {
        b = fft_turned(b, part.power);
    }
    fft_output(part, 0u, a + b);
    fft_output(part, 1u, a - b);
}

fn fft_of_3(part: FftPart) {
    let a = fft_input(part, 0u);
    var b = fft_input(part, 1u);
    var c = fft_input(part, 2u);
    if part.power > 0u {
        b = fft_turned(b, part.power);
        c = fft_turned(c, 2u * part.power);
    }
    let sum = b + c;
    fft_output(part, 0u, a + sum);
    fft_outputs(part, 1u, 2u, a - sum * 0.5, (b - c) * 0.8660254);
}

fn fft_of_4(part: FftPart) {
    let a = fft_input(part, 0u);
    var b = fft_input(part, 1u);
    var c = fft_input(part, 2u);
    var d = fft_input(part, 3u);
    if part.power > 0u {
        b = fft_turned(b, part.power);
        c = fft_turned(c, 2u * part.power);
        d = fft_turned(d, 3u * part.power);
    }
    let even = a + c;
    let odd = b + d;
    fft_output(part, 0u, even + odd);
    fft_output(part, 2u, even - odd);
    fft_outputs(part, 1u, 3u, a - c, b - d);
}

fn fft_of_5(part: FftPart) {
    let a = fft_input(part, 0u);
    var b = fft_input(part, 1u);
    var c = fft_input(part, 2u);
    var d = fft_input(part, 3u);
    var e = fft_input(part, 4u);
    if part.power > 0u {
        b = fft_turned(b, part.power);
        c = fft_turned(c, 2u * part.power);
        d = fft_turned(d, 3u * part.power);
        e = fft_turned(e, 4u * part.power);
    }
    let s1 = b + e;
    let s2 = c + d;
    let d1 = b - e;
    let d2 = c - d;
    fft_output(part, 0u, a + (s1 + s2));
    fft_outputs(part, 1u, 4u, a + (s1 * 0.309017 - s2 * 0.809017), d1 * 0.95105654 + d2 * 0.58778524);
    fft_outputs(part, 2u, 3u, a + (s2 * 0.309017 - s1 * 0.809017), d1 * 0.58778524 - d2 * 0.95105654);
}

fn fft_of_7(part: FftPart) {
    let a = fft_input(part, 0u);
    var b = fft_input(part, 1u);
    var c = fft_input(part, 2u);
    var d = fft_input(part, 3u);
    var e = fft_input(part, 4u);
    var f = fft_input(part, 5u);
    var g = fft_input(part, 6u);
    if part.power > 0u {
        b = fft_turned(b, part.power);
        c = fft_turned(c, 2u * part.power);
        d = fft_turned(d, 3u * part.power);
        e = fft_turned(e, 4u * part.power);
        f = fft_turned(f, 5u * part.power);
        g = fft_turned(g, 6u * part.power);
    }
    let s1 = b + g;
    let s2 = c + f;
    let s3 = d + e;
    let d1 = b - g;
    let d2 = c - f;
    let d3 = d - e;
    let m1 = a + (s1 * 0.6234898 - (s2 * 0.22252093 + s3 * 0.90096885));
    let m2 = a + (s3 * 0.6234898 - (s1 * 0.22252093 + s2 * 0.90096885));
    let m3 = a + (s2 * 0.6234898 - (s3 * 0.22252093 + s1 * 0.90096885));
    fft_output(part, 0u, a + (s1 + (s2 + s3)));
    fft_outputs(part, 1u, 6u, m1, d1 * 0.7818315 + (d2 * 0.9749279 + d3 * 0.43388373));
    fft_outputs(part, 2u, 5u, m2, d1 * 0.9749279 - (d2 * 0.43388373 + d3 * 0.7818315));
    fft_outputs(part, 3u, 4u, m3, d1 * 0.43388373 - (d2 * 0.7818315 - d3 * 0.9749279));
}
