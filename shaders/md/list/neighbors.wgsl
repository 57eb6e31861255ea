// The neighbor list: for each cluster of four atoms, every atom of another cluster that is within reach (`reach2`, nm^2: cutoff and
// skin together) of any of the four, near ones (`near2`) apart from far ones. Atoms are taken to be where predict.wgsl expects them (`origin`). The list does not hold a pair
// twice, whatever the box: each atom is looked at once, at its nearest image. Four invocations serve a cluster, each looks at one atom
// of every partner and notes whom it found (`hits`: a column for each, near ones from its front, far ones from its end). Once they know how many
// the others found, each copies its own behind theirs. `counts`: near and far neighbors. `fault` 1: `neighbors_max` or more, or `hits_max`
// or more for one invocation. Needs list.wgsl, and pair_cube.wgsl or pair_box.wgsl.

override atoms: u32;
override clusters: u32;
override slots: u32;
override groups_8: u32;
override reach2: f32;
override near2: f32;
override hits_max: u32;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> candidates: array<u32>;
@group(0) @binding(2) var<storage, read> candidate_counts: array<u32>;
@group(0) @binding(3) var<storage, read> partners: array<u32>;
@group(0) @binding(4) var<storage, read_write> hits: array<u32>;
@group(0) @binding(5) var<storage, read_write> list: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> fault: array<atomic<u32>>;

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
        count = candidate_counts[group];
        let x0 = origin[4u * cluster].xyz;
        let x1 = origin[4u * cluster + 1u].xyz;
        let x2 = origin[4u * cluster + 2u].xyz;
        let x3 = origin[4u * cluster + 3u].xyz;
        for (var first = 0u; first < count; first += 32u) {
            var bits = partners[first / 32u * clusters + cluster];
            while bits != 0u {
                let bit = firstTrailingBit(bits);
                bits &= bits - 1u;
                let slot = 4u * candidates[(first + bit) * groups_8 + group] + lane;
                let x = origin[slot].xyz;
                let to_01 = min(pair_square(x, x0), pair_square(x, x1));
                let to_23 = min(pair_square(x, x2), pair_square(x, x3));
                let square = min(to_01, to_23);
                // Slots past the last atom are nobody's neighbors.
                let within = (square < reach2) & (slot < atoms);
                let near = within & (square < near2);
                // Whoever is not within is overwritten by the next.
                let last = hits_max - 1u;
                hits[select(last - min(found.y, last), min(found.x, last), near) * slots + id.x] = slot;
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
        counts[cluster] = select(vec2<u32>(), all, fits);
        if !fits {
            atomicMax(&fault[0], 1u);
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
