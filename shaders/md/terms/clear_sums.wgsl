// Integer sums become 0: each invocation clears every `sums_step`-th word.

override sums_words: u32;
override sums_step: u32;

@group(0) @binding(0) var<storage, read_write> sums: array<i32>;

@compute @workgroup_size(64)
fn clear_sums(@builtin(global_invocation_id) id: vec3<u32>) {
    for (var at = id.x; at < sums_words; at += sums_step) {
        sums[at] = 0;
    }
}
