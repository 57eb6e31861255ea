// Forces on atoms, kJ/mol/nm, from integer sums in units of `force_unit`, rounded to f32 once.

override atoms: u32;
override force_unit: f32;

@group(0) @binding(0) var<storage, read> force_sums: array<i32>;
@group(0) @binding(1) var<storage, read_write> forces: array<vec4<f32>>;

@compute @workgroup_size(64)
fn sum_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let tag = id.x;
    if tag >= atoms {
        return;
    }
    let sums = vec3<i32>(force_sums[3u * tag], force_sums[3u * tag + 1u], force_sums[3u * tag + 2u]);
    forces[tag] = vec4<f32>(vec3<f32>(sums) * force_unit, 0.0);
}
