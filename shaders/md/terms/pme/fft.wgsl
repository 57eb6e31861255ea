// Discrete Fourier transforms of several lines of N complex numbers in a workgroup's memory, for any N up to 256: the self-sorting algorithm of
// Stockham (Cochran et al., IEEE Trans. Audio Electroacoust. 15, 45, 1967), one stage for each factor p of N: N / p transforms of p elements. Exponents are
// -2 pi i; for the others, real and imaginary parts change places before and after. Not normalised.
// Factors 2, 3, 4, 5 and 7 are written out (fft_factors.wgsl); a larger one is a sum over its inputs in order. Where that is the first stage, half of the products
// serve two outputs. Factors are constants (kernels/src/md/terms/pme/fft.rs), and with them all distances in the memory.
// Element e of line l lies at place `(e << fft_lines_log) + l`, real and imaginary parts apart, in one of two halves of the memory. Invocations that follow
// each other work on the same element of lines that follow each other: what they do and the roots they read are the same for four of them at least.
// `fft_roots`: (cos, -sin) of 2 pi t / N.
// Needs a binding `fft_roots: array<vec2<f32>>`, and fft_factors.wgsl.

override fft_size: u32;
// Lines of a workgroup, 4 or 8, as a power of two.
override fft_lines_log: u32;
// The factors of the stages, 1 behind the last one.
override fft_factor_0: u32;
override fft_factor_1: u32;
override fft_factor_2: u32;
override fft_factor_3: u32;
override fft_factor_4: u32;
// Room for all lines twice.
override fft_numbers: u32;

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

// (cos, -sin) of 2 pi t / N.
fn fft_root(t: u32) -> vec2<f32> {
    return fft_roots[min(t, fft_size - 1u)];
}

fn fft_at(element: u32, line: u32) -> u32 {
    return (element << fft_lines_log) + line;
}

fn fft_load(at: u32) -> vec2<f32> {
    let within = min(at, fft_numbers - 1u);
    return vec2<f32>(fft_real[within], fft_imaginary[within]);
}

fn fft_store(at: u32, z: vec2<f32>) {
    let within = min(at, fft_numbers - 1u);
    fft_real[within] = z.x;
    fft_imaginary[within] = z.y;
}

// An element of both halves of the memory.
fn fft_get(element: u32, line: u32) -> vec2<f32> {
    return fft_load(fft_at(min(element, 2u * fft_size - 1u), line));
}

fn fft_put(element: u32, line: u32, z: vec2<f32>) {
    fft_store(fft_at(min(element, 2u * fft_size - 1u), line), z);
}

// The first stage for an odd factor p: no powers of roots but those of the sum itself, and those of inputs r and p - r are conjugates. So outputs k and p - k
// of N / p sums over pairs of inputs come from the same products:
//   sum_r (x_r + x_(p-r)) cos(2 pi r k / p) -+ i (x_r - x_(p-r)) sin(2 pi r k / p).
fn fft_first_stage(local: u32, origin: u32, other: u32, p: u32) {
    let line = fft_line(local);
    let pairs = p / 2u;
    let apart = fft_size / p;
    for (var item = fft_first(local); item < apart * (pairs + 1u); item += fft_step()) {
        let block = item / (pairs + 1u);
        let k = item - block * (pairs + 1u);
        let first = origin + block;
        var z = fft_get(first, line);
        var turned = vec2<f32>();
        var power = 0u;
        for (var r = 1u; r <= pairs; r++) {
            power += k;
            power = select(power, power - p, power >= p);
            let root = fft_root(power * apart);
            let a = fft_get(first + r * apart, line);
            let b = fft_get(first + (p - r) * apart, line);
            z += (a + b) * root.x;
            turned += vec2<f32>((b.y - a.y) * root.y, (a.x - b.x) * root.y);
        }
        let output = other + block * p;
        fft_put(output + k, line, z + turned);
        if k > 0u {
            fft_put(output + (p - k), line, z - turned);
        }
    }
}

// A transform of p elements for any p, output by output. An output's inputs are turned by powers of the root that are `turn` apart.
fn fft_of_any(part: FftPart, p: u32, turn: u32) {
    for (var k = 0u; k < p; k++) {
        var z = fft_input(part, 0u);
        let step = part.power + k * turn;
        var power = 0u;
        for (var r = 1u; r < p; r++) {
            power += step;
            power = select(power, power - fft_size, power >= fft_size);
            let x = fft_input(part, r);
            let root = fft_root(power);
            z += vec2<f32>(x.x * root.x - x.y * root.y, x.x * root.y + x.y * root.x);
        }
        fft_output(part, k, z);
    }
}

// The stage of factor p, from the half of the memory that begins at element `origin` to the other one. `done`: the product of the factors before. Gives where the
// result begins.
fn fft_stage(local: u32, origin: u32, p: u32, done: u32) -> u32 {
    var result = origin;
    if p > 1u {
        workgroupBarrier();
        let other = fft_size - origin;
        if (p > 7u) & (done == 1u) {
            fft_first_stage(local, origin, other, p);
        } else {
            let line = fft_line(local);
            let apart = fft_size / p;
            for (var item = fft_first(local); item < apart; item += fft_step()) {
                let i = min(item, apart - 1u);
                let within = i % done;
                let part = FftPart(
                    fft_at(i, line),
                    fft_at(i / done * (done * p) + within, line),
                    origin << fft_lines_log,
                    other << fft_lines_log,
                    apart << fft_lines_log,
                    done << fft_lines_log,
                    within * (apart / done),
                );
                if p == 2u {
                    fft_of_2(part);
                } else if p == 3u {
                    fft_of_3(part);
                } else if p == 4u {
                    fft_of_4(part);
                } else if p == 5u {
                    fft_of_5(part);
                } else if p == 7u {
                    fft_of_7(part);
                } else {
                    fft_of_any(part, p, apart);
                }
            }
        }
        result = other;
    }
    return result;
}

// Transforms the lines in the half of the memory that begins at element `start`, 0 or N. Gives where the result begins. In uniform control flow.
fn fft_transform(local: u32, start: u32) -> u32 {
    let done_2 = fft_factor_0 * fft_factor_1;
    let done_3 = done_2 * fft_factor_2;
    var origin = fft_stage(local, start, fft_factor_0, 1u);
    origin = fft_stage(local, origin, fft_factor_1, fft_factor_0);
    origin = fft_stage(local, origin, fft_factor_2, done_2);
    origin = fft_stage(local, origin, fft_factor_3, done_3);
    origin = fft_stage(local, origin, fft_factor_4, done_3 * fft_factor_3);
    workgroupBarrier();
    return origin;
}
