// The neighbor list of pairs that are computed once: for each cluster of four atoms, every atom of its partners (partners.wgsl) that is within
// reach (`reach2`, nm^2: cutoff and skin together) of any of the four, taken to be where predict.wgsl expects them (`origin`).
// A word of the list is a slot. Neighbors that need more than Coulomb (Lennard-Jones, or some of the cluster's atoms exclude them) are listed from the row's
// front, with the cluster's atoms that do not count with them (slots past the last atom among them) in the upper 4 bits; the others behind them. The
// row begins with the cluster's own atoms: each counts with those before it. Behind the near neighbors from the front stand all that are beyond `near2` (nm^2, the square of the cutoff): most
// of their pairs are passed over as long as the list lives; behind those all that are beyond `inner2`, too, the outer ones (follow.wgsl). `list`, `counts`: see list_rows.wgsl.
// Four invocations serve a cluster, each looks at one atom of every partner and stores the words it found, with which of the row's four parts they belong to in two of
// their bits (`hits`: for each workgroup `hits_max` rows of 64, a word of each invocation). Once all have told how many they found, each copies its own words to the cluster's row.
// `origin`: where the list takes the atom to be, and its tag, plus 2^31 if it has more than a charge.
// `exclusions`: by tag the lowest and the highest tag that it excludes, where its row begins, and how many vectors of four tags the row has, plus 2^31 if it has
// Lennard-Jones; then the rows. `list_plain`: no atom excludes any, and all have Lennard-Jones. `fault` 101: `row_words` or `hits_max` words are too few.
// Needs list_rows.wgsl and a file with `pair_square`.

override atoms: u32;
override clusters: u32;
override candidate_words: u32;
override reach2: f32;
override near2: f32;
override inner2: f32;
override hits_max: u32;
override list_blocks: u32;
override list_plain: bool;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> candidates: array<u32>;
@group(0) @binding(2) var<storage, read> partners: array<u32>;
@group(0) @binding(3) var<storage, read_write> hits: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> exclusions: array<vec4<u32>>;

// More words than an invocation finds: it had no room.
const LIST_LOST: u32 = 0x10000000u;
// Which part of the row a word belongs to, in `hits`: near ones for the front and for the end, inner and outer far ones. Above every slot, below the atoms that do not count.
const LIST_PART: u32 = 24u;
const LIST_PARTS: u32 = 3u << LIST_PART;
// The tag in `origin`.
const LIST_TAG: u32 = 0x7fffffffu;

// Words that each invocation found: near ones for the front and for the end, inner and outer far ones.
var<workgroup> neighbors_found: array<vec4<u32>, 64>;
// Where the row of each of the workgroup's clusters begins.
var<workgroup> neighbors_rows: array<u32, LIST_CLUSTERS>;

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

// What the four invocations of a cluster found.
fn list_found(cluster: u32) -> vec4<u32> {
    let first = 4u * cluster;
    return (neighbors_found[first] + neighbors_found[first + 1u]) + (neighbors_found[first + 2u] + neighbors_found[first + 3u]);
}

// Words of the row's two parts: the cluster's own atoms and all that stand behind them, and those with charges alone.
fn list_parts(found: vec4<u32>) -> vec2<u32> {
    return vec2<u32>(4u + found.x + found.z + found.w, found.y);
}

@compute @workgroup_size(64)
fn half_neighbors(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let cluster = id.x / 4u;
    let lane = id.x % 4u;
    let group = cluster / 8u;
    let present = cluster < clusters;
    let first = 4u * cluster;
    let hits_first = group_id.x * (64u * hits_max) + local;
    let hits_end = hits_first + 64u * hits_max;
    let hits_last = 64u * hits_max * list_blocks - 1u;
    var found = vec4<u32>();
    var tags = vec4<u32>();
    // The cluster's slots past the last atom.
    let past = min(first + 4u - min(first + 4u, atoms), 4u);
    let absent = ((0xf0u >> past) & 0xfu) << 28u;
    if present {
        let candidates_row = group * (32u * candidate_words);
        let count = candidates[candidates_row];
        let x0 = origin[first];
        let x1 = origin[first + 1u];
        let x2 = origin[first + 2u];
        let x3 = origin[first + 3u];
        tags = vec4<u32>(x0.w, x1.w, x2.w, x3.w) & vec4<u32>(LIST_TAG);
        var ranges = ListRanges();
        if !list_plain {
            ranges = list_ranges(tags);
        }
        var at = hits_first;
        var lost = false;
        for (var start = 0u; start < count; start += 32u) {
            var bits = partners[start / 32u * clusters + cluster];
            if (hits_end - at) / 64u < countOneBits(bits) {
                lost = true;
                break;
            }
            while bits != 0u {
                let bit = firstTrailingBit(bits);
                bits &= bits - 1u;
                let slot = 4u * candidates[candidates_row + (1u + start + bit)] + lane;
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
                // What is not within reach does not move on, so the next store overwrites it.
                let part = select(select(3u, 2u, inner), select(1u, 0u, front), near);
                hits[min(at, hits_last)] = word | (part << LIST_PART);
                at += select(0u, 64u, within);
                let near_front = u32(near & front);
                found += vec4<u32>(near_front, u32(near) - near_front, u32(inner) - u32(near), u32(within) - u32(inner));
            }
        }
        found.x = select(found.x, LIST_LOST, lost);
    }
    neighbors_found[local] = found;
    workgroupBarrier();
    if local == 0u {
        var words = list_block(group_id.x) + LIST_CLUSTERS;
        for (var c = 0u; c < LIST_CLUSTERS; c++) {
            neighbors_rows[c] = words;
            let parts = list_parts(list_found(c));
            let made = (LIST_CLUSTERS * group_id.x + c < clusters) & (parts.x < LIST_LOST);
            words += select(0u, list_filled(parts.x) + list_filled(parts.y), made);
        }
    }
    workgroupBarrier();
    if !present {
        return;
    }
    let mate = local - lane;
    let all = list_found(local / 4u);
    let parts = list_parts(all);
    let start = neighbors_rows[local / 4u];
    let charges = list_charges(start, parts.x);
    if (parts.x >= LIST_LOST) | (charges + list_filled(parts.y) > list_block(group_id.x + 1u)) {
        atomicMax(&fault[0], 101u);
        if lane == 0u {
            list[list_head(cluster)] = list_block(group_id.x);
            counts[cluster] = vec4<u32>();
        }
        return;
    }
    // Where the next word of each part goes.
    var next = vec4<u32>(start + 4u, charges, start + 4u + all.x, start + 4u + all.x + all.z);
    for (var m = 0u; m < lane; m++) {
        next += neighbors_found[mate + m];
    }
    let own_words = (found.x + found.y) + (found.z + found.w);
    for (var k = 0u; k < own_words; k++) {
        let word = hits[hits_first + 64u * k];
        let part = (word & LIST_PARTS) >> LIST_PART;
        let is = vec4<bool>(part == 0u, part == 1u, part == 2u, part == 3u);
        list[select(select(next.w, next.z, is.z), select(next.y, next.x, is.x), is.x | is.y)] = word & ~LIST_PARTS;
        next += vec4<u32>(is);
    }
    // The own atoms, and what fills up both parts.
    let own = first + lane;
    var mask = 0xfu;
    if own < atoms {
        mask = list_excluded(exclusions[origin[own].w & LIST_TAG], tags) | (0xfu << lane);
    }
    list[start + lane] = own | (mask << 28u);
    if parts.x + lane < list_filled(parts.x) {
        list[start + parts.x + lane] = first | 0xf0000000u;
    }
    if parts.y + lane < list_filled(parts.y) {
        list[charges + parts.y + lane] = first;
    }
    if lane == 0u {
        list[list_head(cluster)] = start;
        counts[cluster] = vec4<u32>(parts, 4u + all.x, 4u + all.x + all.z);
    }
}
