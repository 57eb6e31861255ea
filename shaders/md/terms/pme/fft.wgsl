// Discrete Fourier transforms of several lines of N complex numbers in a workgroup's memory, for any N up to 256: the self-sorting algorithm of
// Stockham (Cochran et al., IEEE Trans. Audio Electroacoust. 15, 45, 1967), one stage for each factor p of N: N / p transforms of p elements. Exponents are
// -2 pi i; for the others, real and imaginary parts change places before and after. Not normalised.
// Factors 2, 3, 4, 5 and 7 are written out (fft_factors.wgsl); a larger one is a sum over its inputs in order. Where that is the first stage, half of the products
// serve two outputs. `fft_has_*`: which of these this N needs.
// Element e of line l lies at place `(e << fft_lines_log) + l`, real and imaginary parts apart, in one of two halves of the memory. Invocations that follow
// each other work on the same element of lines that follow each other: what they do and what they read of the tables is the same for four of them at least.
// What a stage reads is a table made by the host (kernels/src/md/terms/pme/fft.rs): `fft_plan`: for each stage (p, N / p), then for each stage and transform
// (first output, power of the root). `fft_roots`: (cos, -sin) of 2 pi t / N, filled up to half of `fft_places`.
// Needs bindings `fft_plan: array<vec2<u32>>` and `fft_roots: array<vec2<f32>>`, and fft_factors.wgsl.

override fft_size: u32;
override fft_stages: u32;
// Lines of a workgroup, 4 or 8, as a power of two.
override fft_lines_log: u32;
// Elements of a line that there is room for: a power of two, so that masked indices are within, and 2 N at least.
override fft_places: u32;
// Room for all lines.
override fft_numbers: u32;
override fft_has_2: bool;
override fft_has_3: bool;
override fft_has_4: bool;
override fft_has_5: bool;
override fft_has_7: bool;
override fft_has_first: bool;
override fft_has_other: bool;

const FFT_INVOCATIONS: u32 = 64u;

var<workgroup> fft_real: array<f32, fft_numbers>;
var<workgroup> fft_imaginary: array<f32, fft_numbers>;

// The line that an invocation works on, of its workgroup's.
fn fft_line(local: u32) -> u32 {
    return local & ((1u << fft_lines_log) - 1u);
}

// The first element that an invocation works on, and how far the next one is.
fn fft_first(local: u32) -> u32 {
    return local >> fft_lines_log;
}

fn fft_step() -> u32 {
    return FFT_INVOCATIONS >> fft_lines_log;
}

fn fft_at(element: u32, line: u32) -> u32 {
    return ((element & (fft_places - 1u)) << fft_lines_log) + line;
}

// (cos, -sin) of 2 pi t / N.
fn fft_root(t: u32) -> vec2<f32> {
    return fft_roots[t & (fft_places / 2u - 1u)];
}

fn fft_get(element: u32, line: u32) -> vec2<f32> {
    let at = fft_at(element, line);
    return vec2<f32>(fft_real[at], fft_imaginary[at]);
}

fn fft_put(element: u32, line: u32, z: vec2<f32>) {
    let at = fft_at(element, line);
    fft_real[at] = z.x;
    fft_imaginary[at] = z.y;
}

// The first stage for an odd factor p: no powers of roots but those of the sum itself, and those of inputs r and p - r are conjugates. So outputs k and p - k
// of N / p sums over pairs of inputs come from the same products:
//   sum_r (x_r + x_(p-r)) cos(2 pi r k / p) -+ i (x_r - x_(p-r)) sin(2 pi r k / p).
fn fft_first_stage(local: u32, origin: u32, other: u32, factor: vec2<u32>) {
    let line = fft_line(local);
    let pairs = factor.x / 2u;
    for (var item = fft_first(local); item < factor.y * (pairs + 1u); item += fft_step()) {
        let block = item / (pairs + 1u);
        let k = item - block * (pairs + 1u);
        let first = origin + block;
        var z = fft_get(first, line);
        var turned = vec2<f32>();
        var power = 0u;
        for (var r = 1u; r <= pairs; r++) {
            power += k;
            power = select(power, power - factor.x, power >= factor.x);
            let root = fft_root(power * factor.y);
            let a = fft_get(first + r * factor.y, line);
            let b = fft_get(first + (factor.x - r) * factor.y, line);
            z += (a + b) * root.x;
            turned += vec2<f32>((b.y - a.y) * root.y, (a.x - b.x) * root.y);
        }
        let output = other + block * factor.x;
        fft_put(output + k, line, z + turned);
        if k > 0u {
            fft_put(output + (factor.x - k), line, z - turned);
        }
    }
}

// A transform of p elements for any p, output by output.
fn fft_of_any(part: FftPart, p: u32) {
    for (var k = 0u; k < p; k++) {
        var z = fft_get(part.source, part.line);
        let step = part.power + k * part.apart;
        var power = 0u;
        for (var r = 1u; r < p; r++) {
            power += step;
            power = select(power, power - fft_size, power >= fft_size);
            let x = fft_get(part.source + r * part.apart, part.line);
            let root = fft_root(power);
            z += vec2<f32>(x.x * root.x - x.y * root.y, x.x * root.y + x.y * root.x);
        }
        fft_output(part, k, z);
    }
}

fn fft_of(part: FftPart, p: u32) {
    if fft_has_2 {
        if p == 2u {
            fft_of_2(part);
        }
    }
    if fft_has_3 {
        if p == 3u {
            fft_of_3(part);
        }
    }
    if fft_has_4 {
        if p == 4u {
            fft_of_4(part);
        }
    }
    if fft_has_5 {
        if p == 5u {
            fft_of_5(part);
        }
    }
    if fft_has_7 {
        if p == 7u {
            fft_of_7(part);
        }
    }
    if fft_has_other {
        if p > 7u {
            fft_of_any(part, p);
        }
    }
}

// Transforms the lines in the half of the memory that begins at element `start`, 0 or half of `fft_places`. Gives where the result begins. In uniform control flow.
fn fft_transform(local: u32, start: u32) -> u32 {
    let line = fft_line(local);
    var origin = start;
    var entries = fft_stages;
    var done = 1u;
    for (var stage = 0u; stage < fft_stages; stage++) {
        workgroupBarrier();
        let factor = fft_plan[stage];
        let other = fft_places / 2u - origin;
        var first = false;
        if fft_has_first {
            if stage == 0u {
                first = true;
                fft_first_stage(local, origin, other, factor);
            }
        }
        if !first {
            for (var item = fft_first(local); item < factor.y; item += fft_step()) {
                let entry = fft_plan[entries + item];
                fft_of(FftPart(line, origin + item, factor.y, other + entry.x, done, entry.y), factor.x);
            }
        }
        entries += factor.y;
        done *= factor.x;
        origin = other;
    }
    workgroupBarrier();
    return origin;
}
