// Which of its group's candidates a cluster may have neighbors in: the earlier ones whose box is within reach (`reach2`, nm^2) of its own.
// `partners`: a bit for each candidate, 32 to the word; `partners[word * clusters + cluster]`. Needs box.wgsl and gap_box.wgsl.

override clusters: u32;
override candidate_words: u32;
override reach2: f32;

@group(0) @binding(0) var<storage, read> boxes: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> halves: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read_write> partners_out: array<u32>;

@compute @workgroup_size(64)
fn partners(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x;
    if own >= clusters {
        return;
    }
    let box = boxes[own].xyz;
    let half = halves[own].xyz;
    let group = own / 8u;
    let row = group * (32u * candidate_words);
    let count = candidates[row];
    for (var first = 0u; first < count; first += 32u) {
        let end = min(first + 32u, count);
        var bits = 0u;
        for (var k = first; k < end; k++) {
            let c = candidates[row + 1u + k];
            let gap = box_gap_square(box, half, boxes[c].xyz, halves[c].xyz);
            bits |= u32((gap < reach2) & (c < own)) << (k - first);
        }
        partners_out[first / 32u * clusters + own] = bits;
    }
}
