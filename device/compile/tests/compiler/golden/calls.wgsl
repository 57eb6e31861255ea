@group(0) @binding(0) var<storage, read> a: array<i32>;
@group(0) @binding(1) var<storage, read_write> b: array<i32>;
fn clipped(x: i32, limit: ptr<function, i32>) -> i32 {
    if (x > *limit) { *limit += 1; return *limit; }
    if (x < 0) { return 0; }
    return x / (*limit - 7);
}
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var limit = a[0];
    let first = clipped(a[id.x], &limit);
    b[id.x] = first * clipped(first, &limit);
}
