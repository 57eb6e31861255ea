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

@compute @workgroup_size(64)
fn neighbors(@builtin(global_invocation_id) id: vec3<u32>) {
    let own = id.x;
    if own >= clusters {
        return;
    }
    let scale = vec3<f32>(scale_x, scale_y, scale_z);
    let box = boxes[own];
    let x0 = sorted[4u * own].xyz;
    let x1 = sorted[4u * own + 1u].xyz;
    let x2 = sorted[4u * own + 2u].xyz;
    let x3 = sorted[4u * own + 3u].xyz;
    let group = own / 8u;
    let candidate_count = candidate_counts[group];
    var found = 0u;
    for (var k = 0u; k < candidate_count; k++) {
        let c = candidates[k * groups_8 + group];
        if c == own || box_gap_square(box, boxes[c], scale) >= reach2 {
            continue;
        }
        let slot_end = min(4u * c + 4u, atoms);
        for (var slot = 4u * c; slot < slot_end; slot++) {
            let x = sorted[slot].xyz;
            if neighbors_near(x, x0) | neighbors_near(x, x1) | neighbors_near(x, x2) | neighbors_near(x, x3) {
                if found < neighbors_max {
                    list[found * clusters + own] = slot;
                }
                found += 1u;
            }
        }
    }
    counts[own] = min(found, neighbors_max);
    if found > neighbors_max {
        atomicMax(&fault[0], 1u);
    }
}
