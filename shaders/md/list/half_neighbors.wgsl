// The neighbor list of pairs that are computed once: for each cluster of four atoms, every atom of its partners (partners.wgsl) that is within
// reach (`reach2`, nm^2: cutoff and skin together) of any of the four, taken to be where predict.wgsl expects them (`origin`).
// A word of the list is a slot. Neighbors that need more than Coulomb (Lennard-Jones, or some of the cluster's atoms exclude them) are listed from the row's
// front, with the cluster's atoms that do not count with them (slots past the last atom among them) in the upper 4 bits; the others from its end. The
// row begins with the cluster's own atoms: each counts with those before it. Behind the near neighbors from the front stand all that are beyond `near2` (nm^2, the square of the cutoff): most
// of their pairs are passed over as long as the list lives. `counts`: words from the front and from the end; see list_rows.wgsl.
// Four invocations serve a cluster, each looks at one atom of every partner and stores the words it found (`hits`: a column for each invocation; near ones in its
// first half, from both ends, far ones in its second). After a barrier each copies its own to the list behind those of the invocations before it.
// `exclusions`: by tag the lowest and the highest tag that it excludes, where its row begins, and how many vectors of four tags the row has, plus 2^31 if it has
// Lennard-Jones; then the rows. `list_plain`: no atom excludes any, and all have Lennard-Jones. `fault` 101: `neighbors_max` or `hits_max` words are too few.
// Needs list_rows.wgsl and a file with `pair_square`.

override atoms: u32;
override clusters: u32;
override slots: u32;
override groups_8: u32;
override reach2: f32;
override near2: f32;
override hits_max: u32;
override list_plain: bool;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> candidates: array<u32>;
@group(0) @binding(2) var<storage, read> partners: array<u32>;
@group(0) @binding(3) var<storage, read_write> hits: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> exclusions: array<vec4<u32>>;

// Words of a row that hold no neighbors at most: the cluster's own, those that fill up both ends, and the last.
const LIST_EXTRA: u32 = 11u;

// Words that each invocation found: near ones for the front and for the end, and far ones.
var<workgroup> neighbors_found: array<vec3<u32>, 64>;

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

@compute @workgroup_size(64)
fn half_neighbors(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let cluster = id.x / 4u;
    let lane = id.x % 4u;
    let group = cluster / 8u;
    let present = cluster < clusters;
    let first = 4u * cluster;
    var found = vec3<u32>();
    var tags = vec4<u32>();
    // The cluster's slots past the last atom.
    let past = min(first + 4u - min(first + 4u, atoms), 4u);
    let absent = (0xf0u >> past) & 0xfu;
    if present {
        let count = candidates[group];
        let x0 = origin[first];
        let x1 = origin[first + 1u];
        let x2 = origin[first + 2u];
        let x3 = origin[first + 3u];
        tags = vec4<u32>(x0.w, x1.w, x2.w, x3.w);
        for (var start = 0u; start < count; start += 32u) {
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
                var word = slot;
                var front = list_plain;
                if list_plain {
                    word = slot | (absent << 28u);
                } else if within {
                    let head = exclusions[x.w];
                    let mask = list_excluded(head, tags);
                    front = (mask != 0u) | (head.w >= 0x80000000u);
                    word = select(slot, slot | ((mask | absent) << 28u), front);
                }
                // What is not within reach does not advance `found`, so the next store overwrites it.
                let last = hits_max - 1u;
                let row_near = select(last - min(found.y, last), min(found.x, last), front);
                let row = select(hits_max + min(found.z, last), row_near, near);
                hits[min(row * slots + id.x, 2u * hits_max * slots - 1u)] = word;
                let near_front = u32(near & front);
                found += vec3<u32>(near_front, u32(near) - near_front, u32(within) - u32(near));
            }
        }
        if (found.x + found.y >= hits_max) | (found.z >= hits_max) {
            found = vec3<u32>(neighbors_max, 0u, 0u);
        }
    }
    neighbors_found[local] = found;
    workgroupBarrier();
    let mate = local - lane;
    var before = vec3<u32>();
    var all = vec3<u32>();
    for (var m = 0u; m < 4u; m++) {
        let theirs = neighbors_found[mate + m];
        before += select(vec3<u32>(), theirs, m < lane);
        all += theirs;
    }
    if !present {
        return;
    }
    if all.x + all.y + all.z + LIST_EXTRA < neighbors_max {
        for (var k = 0u; k < found.x; k++) {
            list[list_front(cluster, 4u + before.x + k)] = hits[k * slots + id.x];
        }
        for (var k = 0u; k < found.y; k++) {
            list[list_end(cluster, before.y + k)] = hits[(hits_max - 1u - k) * slots + id.x];
        }
        for (var k = 0u; k < found.z; k++) {
            list[list_front(cluster, 4u + all.x + before.z + k)] = hits[(hits_max + k) * slots + id.x];
        }
    } else {
        all = vec3<u32>();
        atomicMax(&fault[0], 101u);
    }
    // The own atoms, and what fills up both ends.
    let own = first + lane;
    var mask = 0xfu;
    if own < atoms {
        mask = list_excluded(exclusions[origin[own].w], tags) | (0xfu << lane);
    }
    list[list_front(cluster, lane)] = own | (mask << 28u);
    let front = 4u + all.x + all.z;
    if lane < (0u - front) % 4u {
        list[list_front(cluster, front + lane)] = first | 0xf0000000u;
    }
    if lane < (0u - all.y) % 4u {
        list[list_end(cluster, all.y + lane)] = first;
    }
    if lane == 0u {
        counts[cluster] = vec2<u32>(front, all.y);
        list[list_near_count(cluster)] = 4u + all.x;
    }
}
