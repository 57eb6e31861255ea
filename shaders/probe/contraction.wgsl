// Products that feed sums, in the shapes that compilers like to fuse into one rounding.
// Bindings: 0 x (four operands a case), 1 y (nine words a case).

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

fn contraction_product(a: f32, b: f32) -> f32 {
    return a * b;
}

@compute @workgroup_size(64)
fn contraction(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = x[4u * id.x];
    let b = x[4u * id.x + 1u];
    let c = x[4u * id.x + 2u];
    let d = x[4u * id.x + 3u];
    let at = 9u * id.x;
    y[at] = bitcast<u32>(a * b + c);
    y[at + 1u] = bitcast<u32>(a * b - c);
    y[at + 2u] = bitcast<u32>(c - a * b);
    y[at + 3u] = bitcast<u32>(a * b + c * d);
    y[at + 4u] = bitcast<u32>((a * a + b * b) + c * c);
    var left = array<f32, 3>(a, b, c);
    var right = array<f32, 3>(b, c, d);
    var sum = 0.0;
    for (var k = 0u; k < 3u; k++) {
        sum += left[k] * right[k];
    }
    y[at + 5u] = bitcast<u32>(sum);
    y[at + 6u] = bitcast<u32>((vec2<f32>(a, b) * vec2<f32>(c, d) + vec2<f32>(d, a)).x);
    y[at + 7u] = bitcast<u32>(contraction_product(a, b) + d);
    let product = a * b;
    y[at + 8u] = bitcast<u32>(product + product * c);
}
