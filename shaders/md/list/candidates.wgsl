// For each group of 8 clusters, the clusters that may hold neighbors: those up to the group's last one whose box is within reach (`reach2`, nm^2) of the group's
// box, in sorted order. Groups of 64 and of 8 clusters are passed over by their boxes. The group's own clusters are among them.
// Each pair of clusters stands on the list of the later one: so a pass over the clusters in order meets each one's atoms first in order, as its own, where a processor
// fetches them ahead, and comes back to those that lie near on the curve while they are in its caches.
// A workgroup makes the rows of 32 groups, four groups of 64: groups of 64 that are not within reach of one of those four are passed over for all of them at once.
// A group whose box is wide is split: a cluster is its candidate if it is within reach of one of the group's own clusters, too.
// `candidates_out`: for each group a row of 32 `candidate_words` words: how many it has, then these. `fault` 102: more than a row holds. Needs box.wgsl and gap_box.wgsl.

override clusters: u32;
override groups_8: u32;
override groups_64: u32;
override candidate_words: u32;
override reach2: f32;

@group(0) @binding(0) var<storage, read> boxes: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> halves: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> candidates_out: array<u32>;
@group(0) @binding(3) var<storage, read_write> fault: array<atomic<u32>>;

fn candidates_reach(own: vec3<u32>, half: vec3<f32>, box: u32) -> bool {
    return box_gap_square(own, half, boxes[box].xyz, halves[box].xyz) < reach2;
}

fn candidates_reach_split(first: u32, end: u32, box: u32) -> bool {
    var within = false;
    for (var c = first; c < end; c++) {
        within |= candidates_reach(boxes[c].xyz, halves[c].xyz, box);
    }
    return within;
}

// Which of 1024 groups of 64 are within reach of one of the workgroup's own: a bit for each.
var<workgroup> candidates_near: array<u32, 32>;

// Which groups of 64 from `first` on, 32 at most, are within reach of one of those from `own` on, four at most; none later than these.
fn candidates_near_word(first: u32, own: u32) -> u32 {
    var bits = 0u;
    let own_end = min(own + 4u, groups_64);
    let end = min(first + 32u, own_end);
    for (var g = first; g < end; g++) {
        var within = false;
        for (var o = own; o < own_end; o++) {
            let box = clusters + groups_8 + o;
            within |= candidates_reach(boxes[box].xyz, halves[box].xyz, clusters + groups_8 + g);
        }
        bits |= u32(within) << (g - first);
    }
    return bits;
}

@compute @workgroup_size(32)
fn candidates(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let group = id.x;
    let present = group < groups_8;
    let box = clusters + min(group, groups_8 - 1u);
    let own = boxes[box].xyz;
    let half = halves[box].xyz;
    let split = any(box_half(boxes[box]) > vec3<u32>(BOX_WIDE));
    let own_first = 8u * group;
    let own_end = min(own_first + 8u, clusters);
    let candidates_max = 32u * candidate_words - 1u;
    let row = group * (32u * candidate_words);
    let groups_end = min(4u * group_id.x + 4u, groups_64);
    var found = 0u;
    for (var start = 0u; start < groups_end; start += 1024u) {
        candidates_near[local] = candidates_near_word(start + 32u * local, 4u * group_id.x);
        let words = (min(groups_end - start, 1024u) + 31u) / 32u;
        for (var word = 0u; word < words; word++) {
            var bits = workgroupUniformLoad(&candidates_near[word]);
            while bits != 0u {
                let g = start + 32u * word + firstTrailingBit(bits);
                bits &= bits - 1u;
                if !(present & candidates_reach(own, half, clusters + groups_8 + g)) {
                    continue;
                }
                let eight_end = min(8u * g + 8u, group + 1u);
                for (var e = 8u * g; e < eight_end; e++) {
                    if !candidates_reach(own, half, clusters + e) {
                        continue;
                    }
                    let cluster_end = min(8u * e + 8u, clusters);
                    for (var c = 8u * e; c < cluster_end; c++) {
                        var within = candidates_reach(own, half, c);
                        if within & split {
                            within = candidates_reach_split(own_first, own_end, c);
                        }
                        if within {
                            if found < candidates_max {
                                candidates_out[row + 1u + found] = c;
                            }
                            found += 1u;
                        }
                    }
                }
            }
        }
        workgroupBarrier();
    }
    if !present {
        return;
    }
    candidates_out[row] = min(found, candidates_max);
    if found > candidates_max {
        atomicMax(&fault[0], 102u);
    }
}
