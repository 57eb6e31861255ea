// Lays the atoms out in sorted order, in clusters of four, and puts boxes around clusters, around groups of 8 clusters and
// around groups of 64, for the search for neighbors. One workgroup makes one group of 64 clusters. Needs box.wgsl and gap_box.wgsl.
// `ahead`: where the list takes the atom to be, type, by tag; see predict.wgsl. `sorted`: position (fixed point), type. `origin`: where the list
// takes it to be, tag, plus 2^31 if it has more than a charge (2^32 - 1 in slots past the last atom, which repeat its place). Boxes go around those places.
// `slots_by_tag`: each atom's slot.
// `boxes`: those of all clusters, then of all groups of 8, then of all groups of 64; `halves`: half of their edges, nm.

override atoms: u32;
override clusters: u32;
override groups_8: u32;

@group(0) @binding(0) var<storage, read> runs_in: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> ahead: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> sorted: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> origin: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> boxes: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> halves: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> slots_by_tag: array<u32>;

// The workgroup's 64 clusters, then its 8 groups of 8.
var<workgroup> order_boxes: array<vec4<u32>, 72>;

// The box around boxes [first, first + count) of the workgroup's memory.
fn order_around(first: u32, count: u32) -> vec4<u32> {
    let reference = order_boxes[first].xyz;
    var lo = vec3<i32>();
    var hi = vec3<i32>();
    var wide = vec3<bool>();
    for (var k = first; k < first + count; k++) {
        let d = bitcast<vec3<i32>>(order_boxes[k].xyz - reference);
        let half = box_half(order_boxes[k]);
        // Past a quarter of the box, sums of halves and offsets could wrap: then the box reaches everywhere.
        wide |= (half > vec3<u32>(255u)) | (d > vec3<i32>(0x3fffffff)) | (d < vec3<i32>(-0x3fffffff));
        let reach = bitcast<vec3<i32>>(min(half, vec3<u32>(255u)) << vec3<u32>(22u));
        let inside = clamp(d, vec3<i32>(-0x3fffffff), vec3<i32>(0x3fffffff));
        lo = min(lo, inside - reach);
        hi = max(hi, inside + reach);
    }
    let bounds = box_of(reference, lo, hi);
    return box_pack(bounds.xyz, select(box_half(bounds), vec3<u32>(BOX_ALL), wide));
}

fn order_keep(index: u32, bounds: vec4<u32>) {
    boxes[index] = bounds;
    halves[index] = vec4<f32>(box_half_nm(bounds), 0.0);
}

@compute @workgroup_size(64)
fn order(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let cluster = group.x * 64u + local;
    let present = min(64u, clusters - group.x * 64u);
    if cluster < clusters {
        let reference = ahead[runs_in[4u * cluster].y].xyz;
        var lo = vec3<i32>();
        var hi = vec3<i32>();
        for (var m = 0u; m < 4u; m++) {
            let slot = 4u * cluster + m;
            let tag = runs_in[min(slot, atoms - 1u)].y;
            let position = positions[tag].xyz;
            let place = ahead[tag];
            let d = bitcast<vec3<i32>>(place.xyz - reference);
            // Slots past the last atom must not lie on top of anything: distances 0 are never computed.
            let aside = select(m * 0x20000000u, 0u, slot < atoms);
            sorted[slot] = vec4<u32>(position.x + aside, position.yz, place.w & 0x7fffffffu);
            origin[slot] = vec4<u32>(place.xyz, select(0xffffffffu, tag | (place.w & 0x80000000u), slot < atoms));
            if slot < atoms {
                slots_by_tag[tag] = slot;
            }
            lo = min(lo, d);
            hi = max(hi, d);
        }
        let bounds = box_of(reference, lo, hi);
        order_keep(cluster, bounds);
        order_boxes[local] = bounds;
    }
    workgroupBarrier();
    let eight = 8u * local;
    if local < 8u && eight < present {
        let bounds = order_around(eight, min(8u, present - eight));
        order_keep(clusters + group.x * 8u + local, bounds);
        order_boxes[64u + local] = bounds;
    }
    workgroupBarrier();
    if local == 0u {
        order_keep(clusters + groups_8 + group.x, order_around(64u, (present + 7u) / 8u));
    }
}
