// The neighbor list: for each cluster of four atoms, every atom of another cluster that is within `reach2` (nm^2, cutoff and
// skin together) of any of the four, in sorted order. The list does not hold a pair twice, whatever the box: each atom is looked at
// once, at its nearest image.
// `list[k * clusters + c]`: k-th neighbor of cluster c (index after sorting). `fault` 1: more neighbors than `neighbors_max`.
// Needs box.wgsl.

override atoms: u32;
override clusters: u32;
override groups_8: u32;
override neighbors_max: u32;
override scale_x: f32;
override scale_y: f32;
override scale_z: f32;
override reach2: f32;

@group(0) @binding(0) var<storage, read> sorted: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> boxes: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> candidates: array<u32>;
@group(0) @binding(3) var<storage, read> candidate_counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;
@group(0) @binding(6) var<storage, read_write> fault: array<atomic<u32>>;

fn neighbors_near(a: vec3<u32>, b: vec3<u32>) -> bool {
    let r = vec3<f32>(bitcast<vec3<i32>>(a - b)) * vec3<f32>(scale_x, scale_y, scale_z);
    return r.x * r.x + r.y * r.y + r.z * r.z < reach2;
}

// The next neighbor of a cluster that has `found` so far.
fn neighbors_add(cluster: u32, found: u32, slot: u32) {
    if found < neighbors_max {
        list[found * clusters + cluster] = slot;
    }
}

fn neighbors_close(cluster: u32, found: u32) {
    counts[cluster] = min(found, neighbors_max);
    if found > neighbors_max {
        atomicMax(&fault[0], 1u);
    }
}

// One invocation serves two clusters, which mostly look at the same atoms.
@compute @workgroup_size(64)
fn neighbors(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = 2u * id.x;
    if a >= clusters {
        return;
    }
    let b = a + 1u;
    let both = b < clusters;
    let scale = vec3<f32>(scale_x, scale_y, scale_z);
    let box_a = boxes[a];
    let box_b = boxes[select(a, b, both)];
    let first = 4u * a;
    let other = select(first, first + 4u, both);
    let a0 = sorted[first].xyz;
    let a1 = sorted[first + 1u].xyz;
    let a2 = sorted[first + 2u].xyz;
    let a3 = sorted[first + 3u].xyz;
    let b0 = sorted[other].xyz;
    let b1 = sorted[other + 1u].xyz;
    let b2 = sorted[other + 2u].xyz;
    let b3 = sorted[other + 3u].xyz;
    let group = a / 8u;
    let candidate_count = candidate_counts[group];
    var found_a = 0u;
    var found_b = 0u;
    for (var k = 0u; k < candidate_count; k++) {
        let c = candidates[k * groups_8 + group];
        let box = boxes[c];
        let may_a = c != a && box_gap_square(box_a, box, scale) < reach2;
        let may_b = both && c != b && box_gap_square(box_b, box, scale) < reach2;
        if !(may_a || may_b) {
            continue;
        }
        let slot_end = min(4u * c + 4u, atoms);
        for (var slot = 4u * c; slot < slot_end; slot++) {
            let x = sorted[slot].xyz;
            if may_a & (neighbors_near(x, a0) | neighbors_near(x, a1) | neighbors_near(x, a2) | neighbors_near(x, a3)) {
                neighbors_add(a, found_a, slot);
                found_a += 1u;
            }
            if may_b & (neighbors_near(x, b0) | neighbors_near(x, b1) | neighbors_near(x, b2) | neighbors_near(x, b3)) {
                neighbors_add(b, found_b, slot);
                found_b += 1u;
            }
        }
    }
    neighbors_close(a, found_a);
    if both {
        neighbors_close(b, found_b);
    }
}
