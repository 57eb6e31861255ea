// Adds displacements to positions. `displacements`: nm. `positions`: fixed point. Needs cell.wgsl and moved.wgsl.

override atoms: u32;

@group(0) @binding(0) var<storage, read> displacements: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> positions: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> fault: array<atomic<u32>>;

@compute @workgroup_size(64)
fn move_atoms(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    positions[tag] = vec4<u32>(moved(positions[tag].xyz, displacements[tag].xyz), 0u);
}
