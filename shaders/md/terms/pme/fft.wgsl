// Discrete Fourier transforms of several lines of N complex numbers in a workgroup's memory, for any N up to 256: the self-sorting algorithm of
// Stockham (Cochran et al., IEEE Trans. Audio Electroacoust. 15, 45, 1967), one stage for each factor p of N, in which every output is a sum of p inputs
// times powers of a root of unity, in order. Not normalised. Element e of line l lies at `origin + (e << fft_lines_log) + l`, real and imaginary parts
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

// Transforms the lines at offset `start`; `sign` 1 for exponents -2 pi i, -1 for +2 pi i. Gives the offset where the result lies. In uniform control flow.
fn fft_transform(local: u32, start: u32, sign: f32) -> u32 {
    let line = fft_line(local);
    var origin = start;
    for (var stage = 0u; stage < fft_stages; stage++) {
        workgroupBarrier();
        let factor = fft_plan[stage];
        let stride = factor.y << fft_lines_log;
        let into = fft_numbers - origin + line;
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
        origin = fft_numbers - origin;
    }
    workgroupBarrier();
    return origin;
}
