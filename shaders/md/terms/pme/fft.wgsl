// Discrete Fourier transforms of several lines of N complex numbers in a workgroup's memory, for any N up to 256: the self-sorting algorithm of
// Stockham (Cochran et al., IEEE Trans. Audio Electroacoust. 15, 45, 1967), one stage for each factor p of N, in which every output is a sum of p inputs
// times powers of a root of unity, in order. An odd factor comes first, where half of the products serve two outputs. Not normalised.
// Element e of line l lies at `origin + (e << fft_lines_log) + l`, real and imaginary parts
// apart. Invocations that follow each other work on the same element of lines that follow each other: what they do and what they read of the
// tables is the same for four of them at least.
// What a stage reads is a table made by the host (kernels/src/md/terms/pme/fft.rs): `fft_plan`: for each stage (p, N / p), then for each stage and
// output (first input, power of the root); input r is N / p further, with r times the power. `fft_roots`: (cos, -sin) of 2 pi t / N.
// Needs bindings `fft_plan: array<vec2<u32>>` and `fft_roots: array<vec2<f32>>`.

override fft_size: u32;
override fft_stages: u32;
// Lines of a workgroup, 4 or 8, as a power of two.
override fft_lines_log: u32;
// Numbers of a workgroup's lines: N lines.
override fft_numbers: u32;

const FFT_INVOCATIONS: u32 = 64u;

var<workgroup> fft_real: array<f32, 2u * fft_numbers>;
var<workgroup> fft_imaginary: array<f32, 2u * fft_numbers>;

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

// The first stage for an odd factor p: no powers of roots but those of the sum itself, and those of inputs r and p - r are conjugates. So outputs k and p - k
// of N / p sums over pairs of inputs come from the same products:
//   sum_r (x_r + x_(p-r)) cos(2 pi r k / p) -+ i (x_r - x_(p-r)) sin(2 pi r k / p).
fn fft_odd_stage(local: u32, origin: u32, factor: vec2<u32>, sign: f32) {
    let line = fft_line(local);
    let into = fft_numbers - origin + line;
    let pairs = factor.x / 2u;
    for (var item = fft_first(local); item < factor.y * (pairs + 1u); item += fft_step()) {
        let block = item / (pairs + 1u);
        let k = item - block * (pairs + 1u);
        let first = origin + (block << fft_lines_log) + line;
        let stride = factor.y << fft_lines_log;
        var real = fft_real[first];
        var imaginary = fft_imaginary[first];
        var turned = vec2<f32>();
        var power = 0u;
        for (var r = 1u; r <= pairs; r++) {
            power += k;
            power = select(power, power - factor.x, power >= factor.x);
            let root = fft_roots[power * factor.y];
            let turn = sign * root.y;
            let a = first + r * stride;
            let b = first + (factor.x - r) * stride;
            let a_real = fft_real[a];
            let b_real = fft_real[b];
            let a_imaginary = fft_imaginary[a];
            let b_imaginary = fft_imaginary[b];
            real += (a_real + b_real) * root.x;
            imaginary += (a_imaginary + b_imaginary) * root.x;
            turned += vec2<f32>((b_imaginary - a_imaginary) * turn, (a_real - b_real) * turn);
        }
        let output = into + ((block * factor.x) << fft_lines_log);
        fft_real[output + (k << fft_lines_log)] = real + turned.x;
        fft_imaginary[output + (k << fft_lines_log)] = imaginary + turned.y;
        if k > 0u {
            fft_real[output + ((factor.x - k) << fft_lines_log)] = real - turned.x;
            fft_imaginary[output + ((factor.x - k) << fft_lines_log)] = imaginary - turned.y;
        }
    }
}

// Any stage.
fn fft_stage(local: u32, origin: u32, stage: u32, factor: vec2<u32>, sign: f32) {
    let line = fft_line(local);
    let into = fft_numbers - origin + line;
    let stride = factor.y << fft_lines_log;
    for (var element = fft_first(local); element < fft_size; element += fft_step()) {
        let entry = fft_plan[fft_stages + stage * fft_size + element];
        var source = origin + (entry.x << fft_lines_log) + line;
        var real = fft_real[source];
        var imaginary = fft_imaginary[source];
        var power = 0u;
        for (var r = 1u; r < factor.x; r++) {
            source += stride;
            power += entry.y;
            power = select(power, power - fft_size, power >= fft_size);
            let x = fft_real[source];
            let y = fft_imaginary[source];
            let root = fft_roots[power];
            let turn = sign * root.y;
            real += x * root.x - y * turn;
            imaginary += x * turn + y * root.x;
        }
        fft_real[into + (element << fft_lines_log)] = real;
        fft_imaginary[into + (element << fft_lines_log)] = imaginary;
    }
}

// Transforms the lines at offset `start`; `sign` 1 for exponents -2 pi i, -1 for +2 pi i. Gives the offset where the result lies. In uniform control flow.
fn fft_transform(local: u32, start: u32, sign: f32) -> u32 {
    var origin = start;
    for (var stage = 0u; stage < fft_stages; stage++) {
        workgroupBarrier();
        let factor = fft_plan[stage];
        if stage == 0u && (factor.x & 1u) == 1u {
            fft_odd_stage(local, origin, factor, sign);
        } else {
            fft_stage(local, origin, stage, factor, sign);
        }
        origin = fft_numbers - origin;
    }
    workgroupBarrier();
    return origin;
}
