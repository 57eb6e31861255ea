// For each group of 8 clusters, the clusters that may hold neighbors: those whose box is within reach (`reach2`, nm^2) of the group's
// box, in sorted order. Groups of 64 and of 8 clusters are passed over by their boxes. The group's own clusters are among them.
// `candidates_out[k * groups_8 + g]`: k-th of group g. `fault` 4: more than `candidates_max`. Needs box.wgsl.

override clusters: u32;
override groups_8: u32;
override groups_64: u32;
override candidates_max: u32;
override scale_x: f32;
override scale_y: f32;
override scale_z: f32;
override reach2: f32;

@group(0) @binding(0) var<storage, read> boxes: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> halves: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> candidates_out: array<u32>;
@group(0) @binding(3) var<storage, read_write> candidate_counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> fault: array<atomic<u32>>;

fn candidates_reach(own: vec3<u32>, half: vec3<f32>, box: u32) -> bool {
    return box_gap_square(own, half, boxes[box].xyz, halves[box].xyz, vec3<f32>(scale_x, scale_y, scale_z)) < reach2;
}

@compute @workgroup_size(32)
fn candidates(@builtin(global_invocation_id) id: vec3<u32>) {
    let group = id.x;
    if group >= groups_8 {
        return;
    }
    let own = boxes[clusters + group].xyz;
    let half = halves[clusters + group].xyz;
    var found = 0u;
    for (var g = 0u; g < groups_64; g++) {
        if !candidates_reach(own, half, clusters + groups_8 + g) {
            continue;
        }
        let eight_end = min(8u * g + 8u, groups_8);
        for (var e = 8u * g; e < eight_end; e++) {
            if !candidates_reach(own, half, clusters + e) {
                continue;
            }
            let cluster_end = min(8u * e + 8u, clusters);
            for (var c = 8u * e; c < cluster_end; c++) {
                if candidates_reach(own, half, c) {
                    if found < candidates_max {
                        candidates_out[found * groups_8 + group] = c;
                    }
                    found += 1u;
                }
            }
        }
    }
    candidate_counts[group] = min(found, candidates_max);
    if found > candidates_max {
        atomicMax(&fault[0], 4u);
    }
}
