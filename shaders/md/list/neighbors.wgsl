// The neighbor list: for each cluster of four atoms, every atom of another cluster that is within reach (`reach2`, nm^2: cutoff and
// skin together) of any of the four, near ones apart from far ones. What is near, and what a word of the list holds beside the slot, is said by
// list_by_distance.wgsl or list_by_exclusion.wgsl. Atoms are taken to be where predict.wgsl expects them (`origin`). The list does not hold a pair
// twice, whatever the box: each atom is looked at once, at its nearest image. Four invocations serve a cluster, each looks at one atom
// of every partner and stores the slots it found (`hits`: a column for each invocation, near ones from its front, far ones from its end). After a barrier
// each copies its own to the list behind those of the invocations before it. `counts`: near and far neighbors. `fault` 101: `neighbors_max` or more, or `hits_max`
// or more for one invocation. Needs list.wgsl, one of these two, and a file with `pair_square`.

override atoms: u32;
override clusters: u32;
override slots: u32;
override groups_8: u32;
override reach2: f32;
override hits_max: u32;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> candidates: array<u32>;
@group(0) @binding(2) var<storage, read> partners: array<u32>;
@group(0) @binding(3) var<storage, read_write> hits: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

// Near and far neighbors that each invocation found.
var<workgroup> neighbors_found: array<vec2<u32>, 64>;

@compute @workgroup_size(64)
fn neighbors(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let cluster = id.x / 4u;
    let lane = id.x % 4u;
    let group = cluster / 8u;
    let present = cluster < clusters;
    var count = 0u;
    var found = vec2<u32>();
    if present {
        count = candidates[group];
        let x0 = origin[4u * cluster].xyz;
        let x1 = origin[4u * cluster + 1u].xyz;
        let x2 = origin[4u * cluster + 2u].xyz;
        let x3 = origin[4u * cluster + 3u].xyz;
        let tags = vec4<u32>(
            origin[4u * cluster].w,
            origin[4u * cluster + 1u].w,
            origin[4u * cluster + 2u].w,
            origin[4u * cluster + 3u].w,
        );
        for (var first = 0u; first < count; first += 32u) {
            var bits = partners[first / 32u * clusters + cluster];
            while bits != 0u {
                let bit = firstTrailingBit(bits);
                bits &= bits - 1u;
                let slot = 4u * candidates[(first + bit + 1u) * groups_8 + group] + lane;
                let x = origin[slot].xyz;
                let to_01 = min(pair_square(x, x0), pair_square(x, x1));
                let to_23 = min(pair_square(x, x2), pair_square(x, x3));
                let square = min(to_01, to_23);
                // Slots past the last atom are no neighbors.
                let within = (square < reach2) & (slot < atoms);
                let word = list_word(slot, tags, within);
                let near = within & list_near_of(square, word);
                // What is not within reach does not advance `found`, so the next store overwrites it.
                let last = hits_max - 1u;
                hits[select(last - min(found.y, last), min(found.x, last), near) * slots + id.x] = word;
                found += vec2<u32>(u32(near), u32(within) - u32(near));
            }
        }
        if found.x + found.y >= hits_max {
            found = vec2<u32>(neighbors_max, 0u);
        }
    }
    neighbors_found[local] = found;
    workgroupBarrier();
    let mate = local - lane;
    var before = vec2<u32>();
    var all = vec2<u32>();
    for (var m = 0u; m < 4u; m++) {
        let theirs = neighbors_found[mate + m];
        before += select(vec2<u32>(), theirs, m < lane);
        all += theirs;
    }
    if !present {
        return;
    }
    let fits = all.x + all.y < neighbors_max;
    if lane == 0u {
        let kept = select(vec2<u32>(), all, fits);
        counts[cluster] = kept;
        // The words behind the last ones: forces fetch them ahead, and use them for nothing.
        list[list_near(cluster, kept.x)] = 4u * cluster;
        list[list_far(cluster, kept.y)] = 4u * cluster;
        list_own(cluster);
        if !fits {
            atomicMax(&fault[0], 101u);
        }
    }
    if fits {
        for (var k = 0u; k < found.x; k++) {
            list[list_near(cluster, before.x + k)] = hits[k * slots + id.x];
        }
        for (var k = 0u; k < found.y; k++) {
            list[list_far(cluster, before.y + k)] = hits[(hits_max - 1u - k) * slots + id.x];
        }
    }
}
