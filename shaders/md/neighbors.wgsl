// The neighbor list: for each cluster of four atoms, every atom of another cluster that is within `reach` (nm, cutoff and
// skin together) of any of the four, in sorted order, and no others but a few that are a hair further. The list does not hold a pair
// twice, whatever the box: each atom is looked at once, at its nearest image. `fault` 1: more neighbors than `neighbors_max`.
// Needs box.wgsl and list.wgsl.

override atoms: u32;
override clusters: u32;
override groups_8: u32;
override scale_x: f32;
override scale_y: f32;
override scale_z: f32;
override reach: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> boxes: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> shapes: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> candidates: array<u32>;
@group(0) @binding(4) var<storage, read> candidate_counts: array<u32>;
@group(0) @binding(5) var<storage, read_write> list: array<u32>;
@group(0) @binding(6) var<storage, read_write> counts: array<u32>;
@group(0) @binding(7) var<storage, read_write> fault: array<atomic<u32>>;

struct Four {
    x0: vec3<u32>,
    x1: vec3<u32>,
    x2: vec3<u32>,
    x3: vec3<u32>,
}

fn neighbors_own(cluster: u32) -> Four {
    let first = 4u * cluster;
    return Four(sorted[first].xyz, sorted[first + 1u].xyz, sorted[first + 2u].xyz, sorted[first + 3u].xyz);
}

fn neighbors_shape(box: vec4<u32>, shape: vec4<u32>) -> Four {
    return Four(box_place(box, shape.x), box_place(box, shape.y), box_place(box, shape.z), box_place(box, shape.w));
}

// Square of the reach, nm^2, for atoms that are known as well as a box's shape tells.
fn neighbors_reach(box: vec4<u32>) -> f32 {
    let vague = vec3<f32>(box_vague(box)) * vec3<f32>(scale_x, scale_y, scale_z);
    let further = reach + (vague.x + vague.y + vague.z);
    return further * further;
}

// Square of a distance, nm^2, as bits: those of numbers that are not negative are in the same order, and integers have one minimum.
fn neighbors_square(a: vec3<u32>, b: vec3<u32>) -> u32 {
    let r = vec3<f32>(bitcast<vec3<i32>>(a - b)) * vec3<f32>(scale_x, scale_y, scale_z);
    return bitcast<u32>(r.x * r.x + r.y * r.y + r.z * r.z);
}

fn neighbors_near(x: vec3<u32>, own: Four, square: u32) -> u32 {
    let near_01 = min(neighbors_square(x, own.x0), neighbors_square(x, own.x1));
    let near_23 = min(neighbors_square(x, own.x2), neighbors_square(x, own.x3));
    return u32(min(near_01, near_23) < square);
}

// Which of four atoms are near one of a cluster's own, a bit each.
fn neighbors_mask(x: Four, own: Four, square: u32) -> u32 {
    return neighbors_near(x.x0, own, square) | (neighbors_near(x.x1, own, square) << 1u)
        | (neighbors_near(x.x2, own, square) << 2u) | (neighbors_near(x.x3, own, square) << 3u);
}

// Eight candidates. Which one is asked for shows only in selections: those cost less than a read.
struct Eight {
    lower: vec4<u32>,
    upper: vec4<u32>,
}

fn neighbors_of(eight: Eight, index: u32) -> u32 {
    let four = select(eight.lower, eight.upper, (index & 4u) != 0u);
    let two = select(four.xy, four.zw, (index & 2u) != 0u);
    return select(two.x, two.y, (index & 1u) != 0u);
}

// Puts what eight candidates have near a cluster onto its list; how many it then holds.
fn neighbors_put(cluster: u32, near: u32, eight: Eight, found_before: u32) -> u32 {
    let start = list_first(cluster);
    var bits = near;
    var found = found_before;
    while bits != 0u {
        let bit = firstTrailingBit(bits);
        bits &= bits - 1u;
        list[start + 64u * min(found, neighbors_max - 1u)] = 4u * neighbors_of(eight, bit / 4u) + bit % 4u;
        found += 1u;
    }
    return found;
}

fn neighbors_close(cluster: u32, found: u32) {
    counts[cluster] = min(found, neighbors_max);
    if found > neighbors_max {
        atomicMax(&fault[0], 1u);
    }
}

// One invocation serves two clusters, which look at the same atoms. What it reads is dear on processors without a
// fast path for scattered reads, so a cluster's four atoms come in two reads, and what is found is written after eight candidates at once.
@compute @workgroup_size(64)
fn neighbors(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = 2u * id.x;
    if a >= clusters {
        return;
    }
    // The last cluster of an odd number is served twice, alike.
    let b = min(a + 1u, clusters - 1u);
    let own_a = neighbors_own(a);
    let own_b = neighbors_own(b);
    // Slots past the last atom are nobody's neighbors.
    let last = clusters - 1u;
    let last_mask = (1u << (atoms - 4u * last)) - 1u;
    let group = a / 8u;
    let candidate_count = candidate_counts[group];
    var found_a = 0u;
    var found_b = 0u;
    for (var first = 0u; first < candidate_count; first += 8u) {
        let end = min(first + 8u, candidate_count);
        var near_a = 0u;
        var near_b = 0u;
        var eight: Eight;
        for (var k = first; k < end; k++) {
            let c = candidates[k * groups_8 + group];
            let box = boxes[c];
            let x = neighbors_shape(box, shapes[c]);
            let square = bitcast<u32>(neighbors_reach(box));
            let present = select(15u, last_mask, c == last);
            let at = k - first;
            eight.lower = select(eight.lower, vec4<u32>(c), vec4<u32>(at) == vec4<u32>(0u, 1u, 2u, 3u));
            eight.upper = select(eight.upper, vec4<u32>(c), vec4<u32>(at) == vec4<u32>(4u, 5u, 6u, 7u));
            near_a |= select(neighbors_mask(x, own_a, square) & present, 0u, c == a) << (4u * at);
            near_b |= select(neighbors_mask(x, own_b, square) & present, 0u, c == b) << (4u * at);
        }
        found_a = neighbors_put(a, near_a, eight, found_a);
        found_b = neighbors_put(b, near_b, eight, found_b);
    }
    neighbors_close(a, found_a);
    neighbors_close(b, found_b);
}
