// The list's copy of the positions, in sorted order, after a step moved them. `ahead`: where the list takes the atom to be, type (without its highest bit), by tag.
// Atoms are gone through by tag, so that what is read is read in order: a processor waits for reads, not for what it writes somewhere. `slots_by_tag`: see order.wgsl.
// An atom further than half the skin (`moved2`, nm^2) from there asks for a new list (`schedule[23]`, see check.wgsl). While none is further than `outer_moved2`, nm^2,
// the list's outer neighbors stay beyond the cutoff (`outer_needed[1]`). Needs cell_box.wgsl or cell.wgsl.

override atoms: u32;
override moved2: f32;
override outer_moved2: f32;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read> ahead: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> sorted: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> schedule: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> outer_needed: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read> slots_by_tag: array<u32>;

@compute @workgroup_size(64)
fn follow(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let expected = ahead[tag];
    let position = positions[tag].xyz;
    sorted[slots_by_tag[tag]] = vec4<u32>(position, expected.w & 0x7fffffffu);
    let d = cell_nm(position - expected.xyz);
    let square = d.x * d.x + d.y * d.y + d.z * d.z;
    if square > outer_moved2 {
        atomicMax(&outer_needed[1], 1u);
    }
    if square > moved2 {
        atomicMax(&schedule[23], 1u);
    }
}
