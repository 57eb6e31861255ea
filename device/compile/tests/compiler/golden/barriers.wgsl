var<workgroup> part: array<u32, 64>;
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read_write> b: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    let mine = a[group.x * 64u + l];
    part[l] = mine;
    workgroupBarrier();
    for (var step = 32u; step > 0u; step >>= 1u) {
        if (l < step) { part[l] += part[l + step]; }
        workgroupBarrier();
    }
    b[group.x * 64u + l] = mine - part[0];
}
