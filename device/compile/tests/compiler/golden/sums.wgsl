@group(0) @binding(0) var<storage, read> key: array<u32>;
@group(0) @binding(1) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> total: atomic<i32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) l: u32) {
    let k = key[id.x];
    atomicAdd(&bins[l], k);
    if (k > 5u) { atomicAdd(&bins[k], 1u); }
    atomicSub(&total, i32(k));
}
