// Integer sums become 0: each workgroup clears `sums_piece` words that follow each other.

override sums_words: u32;
override sums_piece: u32;

@group(0) @binding(0) var<storage, read_write> sums: array<i32>;

@compute @workgroup_size(64)
fn clear_sums(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let first = group.x * sums_piece;
    let end = min(first + sums_piece, sums_words);
    for (var at = first + local; at < end; at += 64u) {
        sums[at] = 0;
    }
}
