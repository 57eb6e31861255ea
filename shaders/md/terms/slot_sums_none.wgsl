// slot_sums.wgsl where no term adds by slot.

fn slot_sums(tag: u32) -> vec3<i32> {
    return vec3<i32>();
}
