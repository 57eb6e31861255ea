// Integer force sums become 0 at the start of a step's forces: one word an invocation.

override sums_words: u32;

@group(0) @binding(0) var<storage, read_write> sums: array<i32>;

@compute @workgroup_size(64)
fn clear_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x < sums_words {
        sums[id.x] = 0;
    }
}
