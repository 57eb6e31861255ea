// As follow.wgsl, in a box whose size is part of the state. The list knows nothing of that size: it was built in the reference box, for all pairs within `reach_nm`
// there. In a box `s` times as large the cutoff is `cutoff_nm / s` of the reference box, so that the skin is reach_nm - cutoff_nm / s:
// it shrinks with the box, and half of it is what an atom may move in the reference box. Needs cell_box.wgsl or cell.wgsl, the reference box.

override atoms: u32;
override reach_nm: f32;
override cutoff_nm: f32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> ahead: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> box_scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> sorted: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> schedule: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read> slots_by_tag: array<u32>;

@compute @workgroup_size(64)
fn follow_scaled(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let expected = ahead[tag];
    let position = positions[tag].xyz;
    sorted[slots_by_tag[tag]] = vec4<u32>(position, expected.w & 0x7fffffffu);
    let d = cell_nm(position - expected.xyz);
    // A hair less, so that f32 cannot lose a pair.
    let moved = max(0.5 * (reach_nm - cutoff_nm / box_scale[0]) - 1e-5 * reach_nm, 0.0);
    if d.x * d.x + d.y * d.y + d.z * d.z > moved * moved {
        atomicMax(&schedule[23], 1u);
    }
}
