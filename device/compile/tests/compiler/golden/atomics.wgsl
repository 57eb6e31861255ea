var<workgroup> least: atomic<u32>;
@group(0) @binding(0) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@compute @workgroup_size(6)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let old = atomicExchange(&bins[id.x & 7u], id.x);
    atomicMax(&bins[8], old);
    atomicMin(&least, old);
    let seen = atomicCompareExchangeWeak(&bins[9], 3u, id.x);
    if (seen.exchanged) { out[id.x] = seen.old_value; }
}
