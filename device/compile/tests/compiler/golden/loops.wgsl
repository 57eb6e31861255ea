@group(0) @binding(0) var<storage, read> count: array<u32>;
@group(0) @binding(1) var<storage, read_write> sum: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    var total = 0u;
    for (var i = 0u; i < 16u; i++) { total += count[i] * id.x; }
    for (var i = 0u; i < count[id.x]; i++) {
        if ((i & 3u) == 1u) { continue; }
        if (total > 1000u) { break; }
        total += i;
    }
    sum[id.x] = total;
}
