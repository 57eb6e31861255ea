// Forces on atoms by tag, kJ/mol/nm, from integer sums by slot alone, in units of `force_unit`, rounded to f32 once. Each tag has one slot. The sums become 0 for the
// next step; at the start of a segment all scratch is 0. `origin`: tag in w.

override atoms: u32;
override force_unit: f32;

@group(0) @binding(0) var<storage, read> origin: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> slot_force_sums: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read_write> forces: array<vec4<f32>>;

@compute @workgroup_size(64)
fn sum_slot_forces(@builtin(global_invocation_id) id: vec3<u32>) {
    let slot = id.x;
    if slot >= atoms {
        return;
    }
    forces[origin[slot].w & 0x7fffffffu] = vec4<f32>(vec3<f32>(slot_force_sums[slot].xyz) * force_unit, 0.0);
    slot_force_sums[slot] = vec4<i32>();
}
