// Discrete Fourier transforms of several lines of N complex numbers in a workgroup's memory, for any N up to 256: the self-sorting algorithm of
// Stockham (Cochran et al., IEEE Trans. Audio Electroacoust. 15, 45, 1967), one stage for each factor p of N, in which every output is a sum of p inputs
// times powers of a root of unity, in order. Not normalised. Element e of line l lies at `origin + (e << fft_lines_log) + l`.
// What a stage reads is a table made by the host (kernels/src/md/terms/pme/fft.rs): `fft_plan`: for each stage (p, N / p), then for each stage and
// output (first input, power of the root); input r is N / p further, with r times the power. `fft_roots`: (cos, -sin) of 2 pi t / N.
// Needs bindings `fft_plan: array<vec2<u32>>` and `fft_roots: array<vec2<f32>>`.

override fft_size: u32;
override fft_stages: u32;
// Lines of a workgroup: a power of two.
override fft_lines_log: u32;

// More would take minutes to compile where a driver writes zeros to a workgroup's memory one by one (llvmpipe).
const FFT_HALF: u32 = 256u;
const FFT_INVOCATIONS: u32 = 64u;

var<workgroup> fft_memory: array<vec2<f32>, 512>;

// Transforms the lines at offset `start`; `sign` 1 for exponents -2 pi i, -1 for +2 pi i. Gives the offset where the result lies. In uniform control flow.
fn fft_transform(local: u32, start: u32, sign: f32) -> u32 {
    var origin = start;
    for (var stage = 0u; stage < fft_stages; stage++) {
        workgroupBarrier();
        let factor = fft_plan[stage];
        let stride = factor.y << fft_lines_log;
        for (var at = local; at < (fft_size << fft_lines_log); at += FFT_INVOCATIONS) {
            let element = at >> fft_lines_log;
            let entry = fft_plan[fft_stages + stage * fft_size + element];
            var source = origin + (entry.x << fft_lines_log) + (at - (element << fft_lines_log));
            var sum = fft_memory[source];
            var power = 0u;
            for (var r = 1u; r < factor.x; r++) {
                source += stride;
                power += entry.y;
                power = select(power, power - fft_size, power >= fft_size);
                let x = fft_memory[source];
                let root = fft_roots[power];
                let y = sign * root.y;
                sum += vec2<f32>(x.x * root.x - x.y * y, x.x * y + x.y * root.x);
            }
            fft_memory[FFT_HALF - origin + at] = sum;
        }
        origin = FFT_HALF - origin;
    }
    workgroupBarrier();
    return origin;
}
