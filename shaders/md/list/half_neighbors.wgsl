// The neighbor list of pairs that are computed once: for each cluster of four atoms, every atom of its partners (partners.wgsl) that is within
// reach (`reach2`, nm^2: cutoff and skin together) of any of the four, taken to be where predict.wgsl expects them (`origin`).
// A word of the list is a slot. Neighbors that need more than Coulomb (Lennard-Jones, or some of the cluster's atoms exclude them) are listed from the row's
// front, with the cluster's atoms that do not count with them (slots past the last atom among them) in the upper 4 bits; the others from its end. The
// row begins with the cluster's own atoms: each counts with those before it. Behind the near neighbors from the front stand all that are beyond `near2` (nm^2, the square of the cutoff): most
// of their pairs are passed over as long as the list lives; behind those all that are beyond `inner2`, too, the outer ones (follow.wgsl). `counts`: see list_rows.wgsl.
// Four invocations serve a cluster, each looks at one atom of every partner and stores the words it found (`hits`: a row for each invocation; near ones in its
// first half, from both ends, far ones in its second, the outer ones of them from the end). After a barrier the four copy each other's rows to the list, one row after the other.
// `origin`: where the list takes the atom to be, and its tag, plus 2^31 if it has more than a charge.
// `exclusions`: by tag the lowest and the highest tag that it excludes, where its row begins, and how many vectors of four tags the row has, plus 2^31 if it has
// Lennard-Jones; then the rows. `list_plain`: no atom excludes any, and all have Lennard-Jones. `fault` 101: `neighbors_max` or `hits_max` words are too few.
// Needs list_rows.wgsl and a file with `pair_square`.

override atoms: u32;
override clusters: u32;
override slots: u32;
override groups_8: u32;
override reach2: f32;
override near2: f32;
override inner2: f32;
override hits_max: u32;
override list_plain: bool;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> candidates: array<u32>;
@group(0) @binding(2) var<storage, read> partners: array<u32>;
@group(0) @binding(3) var<storage, read_write> hits: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> exclusions: array<vec4<u32>>;

// Words of a row that hold no neighbors at most: the cluster's own, and those that fill up both ends.
const LIST_EXTRA: u32 = 10u;
// The tag in `origin`.
const LIST_TAG: u32 = 0x7fffffffu;

// Words that each invocation found: near ones for the front and for the end, inner and outer far ones.
var<workgroup> neighbors_found: array<vec4<u32>, 64>;

// Which of four tags an atom excludes.
fn list_excluded(head: vec4<u32>, tags: vec4<u32>) -> u32 {
    var mask = 0u;
    if any(tags - vec4<u32>(head.x) <= vec4<u32>(head.y - head.x)) {
        let end = head.z + (head.w & 0x7fffffffu);
        for (var k = head.z; k < end; k++) {
            let row = exclusions[k];
            let same = (vec4<u32>(row.x) == tags) | (vec4<u32>(row.y) == tags) | (vec4<u32>(row.z) == tags) | (vec4<u32>(row.w) == tags);
            let bits = select(vec4<u32>(), vec4<u32>(1u, 2u, 4u, 8u), same);
            mask |= bits.x | bits.y | bits.z | bits.w;
        }
    }
    return mask;
}

// For each of four atoms, the first tag that it may exclude, and the last one's distance from it.
struct ListRanges {
    first: vec4<u32>,
    length: vec4<u32>,
}

fn list_ranges(tags: vec4<u32>) -> ListRanges {
    let h0 = exclusions[min(tags.x, atoms - 1u)];
    let h1 = exclusions[min(tags.y, atoms - 1u)];
    let h2 = exclusions[min(tags.z, atoms - 1u)];
    let h3 = exclusions[min(tags.w, atoms - 1u)];
    let first = vec4<u32>(h0.x, h1.x, h2.x, h3.x);
    return ListRanges(first, vec4<u32>(h0.y, h1.y, h2.y, h3.y) - first);
}

@compute @workgroup_size(64)
fn half_neighbors(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let cluster = id.x / 4u;
    let lane = id.x % 4u;
    let group = cluster / 8u;
    let present = cluster < clusters;
    let first = 4u * cluster;
    let row_words = 2u * hits_max;
    var found = vec4<u32>();
    var tags = vec4<u32>();
    // The cluster's slots past the last atom.
    let past = min(first + 4u - min(first + 4u, atoms), 4u);
    let absent = ((0xf0u >> past) & 0xfu) << 28u;
    if present {
        let count = candidates[group];
        let x0 = origin[first];
        let x1 = origin[first + 1u];
        let x2 = origin[first + 2u];
        let x3 = origin[first + 3u];
        tags = vec4<u32>(x0.w, x1.w, x2.w, x3.w) & vec4<u32>(LIST_TAG);
        var ranges = ListRanges();
        if !list_plain {
            ranges = list_ranges(tags);
        }
        // Where the next word goes: near ones for the front and for the end, inner and outer far ones.
        let row = id.x * row_words;
        var front_at = row;
        var end_at = row + (hits_max - 1u);
        var inner_at = row + hits_max;
        var outer_at = row + (row_words - 1u);
        for (var start = 0u; start < count; start += 32u) {
            // What is found among 32 candidates fits, or the row has no room.
            if (end_at - front_at < 32u) | (outer_at - inner_at < 32u) {
                inner_at = row + (hits_max + neighbors_max);
                break;
            }
            var bits = partners[start / 32u * clusters + cluster];
            while bits != 0u {
                let bit = firstTrailingBit(bits);
                bits &= bits - 1u;
                let slot = 4u * candidates[(start + bit + 1u) * groups_8 + group] + lane;
                let x = origin[slot];
                let to_01 = min(pair_square(x.xyz, x0.xyz), pair_square(x.xyz, x1.xyz));
                let to_23 = min(pair_square(x.xyz, x2.xyz), pair_square(x.xyz, x3.xyz));
                let square = min(to_01, to_23);
                // Slots past the last atom are no neighbors.
                let within = (square < reach2) & (slot < atoms);
                let near = within & (square < near2);
                let inner = near | (within & (square < inner2));
                var word = slot | absent;
                var front = true;
                if !list_plain {
                    let tag = x.w & LIST_TAG;
                    front = x.w > LIST_TAG;
                    var mask = 0u;
                    if within & any(vec4<u32>(tag) - ranges.first <= ranges.length) {
                        mask = list_excluded(exclusions[tag], tags);
                        front |= mask != 0u;
                    }
                    word = select(slot, slot | absent | (mask << 28u), front);
                }
                // What is not within reach does not move its place, so the next store overwrites it.
                let at = select(select(outer_at, inner_at, inner), select(end_at, front_at, front), near);
                hits[min(at, 2u * hits_max * slots - 1u)] = word;
                let near_front = u32(near & front);
                front_at += near_front;
                end_at -= u32(near) - near_front;
                inner_at += u32(inner) - u32(near);
                outer_at -= u32(within) - u32(inner);
            }
        }
        found = vec4<u32>(front_at - row, row + (hits_max - 1u) - end_at, inner_at - (row + hits_max), row + (row_words - 1u) - outer_at);
    }
    neighbors_found[local] = found;
    storageBarrier();
    workgroupBarrier();
    if !present {
        return;
    }
    let mate = local - lane;
    var all = vec4<u32>();
    for (var m = 0u; m < 4u; m++) {
        all += neighbors_found[mate + m];
    }
    if all.x + all.y + all.z + all.w + LIST_EXTRA < neighbors_max {
        let row_front = list_front(cluster, 4u);
        let row_end = list_end(cluster, 0u);
        var before = vec4<u32>(0u, 0u, all.x, all.x + all.z);
        for (var m = 0u; m < 4u; m++) {
            let theirs = neighbors_found[mate + m];
            let row = (first + m) * row_words;
            for (var k = 0u; k < theirs.x; k += 4u) {
                if k + lane < theirs.x {
                    list[row_front + before.x + k + lane] = hits[row + k + lane];
                }
            }
            // Both are filled backwards, and copied in the order of memory.
            for (var k = 0u; k < theirs.y; k += 4u) {
                if k + (3u - lane) < theirs.y {
                    list[row_end - 3u - (before.y + k) + lane] = hits[row + (hits_max - 4u) - k + lane];
                }
            }
            for (var k = 0u; k < theirs.z; k += 4u) {
                if k + lane < theirs.z {
                    list[row_front + before.z + k + lane] = hits[row + hits_max + k + lane];
                }
            }
            for (var k = 0u; k < theirs.w; k += 4u) {
                if k + lane < theirs.w {
                    list[row_front + before.w + k + lane] = hits[row + (row_words - theirs.w) + k + lane];
                }
            }
            before += theirs;
        }
    } else {
        all = vec4<u32>();
        atomicMax(&fault[0], 101u);
    }
    // The own atoms, and what fills up both ends.
    let own = first + lane;
    var mask = 0xfu;
    if own < atoms {
        mask = list_excluded(exclusions[origin[own].w & LIST_TAG], tags) | (0xfu << lane);
    }
    list[list_front(cluster, lane)] = own | (mask << 28u);
    let front = 4u + all.x + all.z + all.w;
    if lane < (0u - front) % 4u {
        list[list_front(cluster, front + lane)] = first | 0xf0000000u;
    }
    if lane < (0u - all.y) % 4u {
        list[list_end(cluster, all.y + lane)] = first;
    }
    if lane == 0u {
        counts[cluster] = vec4<u32>(front, all.y, 4u + all.x, 4u + all.x + all.z);
    }
}
