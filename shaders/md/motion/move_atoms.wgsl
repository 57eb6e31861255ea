// Adds displacements to positions, rounded to the nearest unit of a position: they wrap by overflow.
// `displacements`: nm. `positions`: fixed point. `fault` 2: an atom would move a quarter of the box or more in one step, or its displacement is
// not a number. Needs cell.wgsl.

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
    let units = cell_units(displacements[tag].xyz);
    if !all(abs(units) < vec3<f32>(1073741824.0)) {
        atomicMax(&fault[0], 2u);
        return;
    }
    let rounded = vec3<i32>(units + select(vec3<f32>(-0.5), vec3<f32>(0.5), units >= vec3<f32>()));
    positions[tag] = vec4<u32>(positions[tag].xyz + bitcast<vec3<u32>>(rounded), 0u);
}
