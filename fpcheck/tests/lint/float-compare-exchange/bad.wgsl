// The total of all weights: each invocation tries until its addition is the one that counts.

@group(0) @binding(0) var<storage, read> weights: array<f32>;
@group(0) @binding(1) var<storage, read_write> total: array<atomic<u32>>;

@compute @workgroup_size(64)
fn sum(@builtin(global_invocation_id) id: vec3<u32>) {
    var seen = 0u;
    loop {
        let sum = bitcast<u32>(bitcast<f32>(seen) + weights[id.x]);
        let ended = atomicCompareExchangeWeak(&total[0], seen, sum); // bad
        if ended.exchanged {
            break;
        }
        seen = ended.old_value;
    }
}
