// Adds up the workgroups' partial sums of a kernel, 64-bit fixed point: one workgroup for each of its quantities. `partial_sums`: for each of
// `partial_groups` workgroups, `partial_quantities` sums. `energy_slots`: the kernel's sums stand from `first_slot` on. Needs fixed64.wgsl.

override partial_groups: u32;
override partial_quantities: u32;
override first_slot: u32;

@group(0) @binding(0) var<storage, read> partial_sums: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> energy_slots: array<vec2<u32>>;

var<workgroup> sum_tree: array<vec2<u32>, 64>;

@compute @workgroup_size(64)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    var all = vec2<u32>();
    for (var part = local; part < partial_groups; part += 64u) {
        all = fixed64_add(all, partial_sums[part * partial_quantities + group.x]);
    }
    sum_tree[local] = all;
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            sum_tree[local] = fixed64_add(sum_tree[local], sum_tree[local + reach]);
        }
        workgroupBarrier();
    }
    if local == 0u {
        energy_slots[first_slot + group.x] = sum_tree[0];
    }
}
