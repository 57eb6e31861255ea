// Expressions that real numbers would simplify, and floating point may not.
// Bindings: 0 x (three operands a case), 1 y (nine words a case).

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn folding(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[3u * id.x];
    let b = x[3u * id.x + 1u];
    let c = x[3u * id.x + 2u];
    let at = 9u * id.x;
    y[at] = bitcast<u32>((a + b) - a);
    y[at + 1u] = bitcast<u32>((a - b) + b);
    // Knuth's TwoSum: the error of a + b.
    let s = a + b;
    let t = s - a;
    y[at + 2u] = bitcast<u32>((a - (s - t)) + (b - t));
    // Dekker's split: the upper half of a's digits.
    let wide = 4097.0 * a;
    y[at + 3u] = bitcast<u32>(wide - (wide - a));
    y[at + 4u] = bitcast<u32>((a * 0.1) * 10.0);
    y[at + 5u] = bitcast<u32>((a + 0.1) + 0.2);
    y[at + 6u] = bitcast<u32>(a * c + b * c);
    y[at + 7u] = bitcast<u32>((a + b) + c);
    y[at + 8u] = bitcast<u32>((c * 1e-38) * 0.01);
}
