// One function of the exact library over many operands. Needs a function `one(a: f32, b: f32) -> f32` that calls it.
// Bindings: 0 x (two operands a case, as bits), 1 y (a word a case).

@group(0) @binding(0) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn library(@builtin(global_invocation_id) id: vec3<u32>) {
    y[id.x] = one(x[id.x].x, x[id.x].y);
}
