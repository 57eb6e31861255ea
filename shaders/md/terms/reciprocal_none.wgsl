// pme_force.wgsl where there is no reciprocal sum.

fn reciprocal_force(tag: u32) -> vec3<i32> {
    return vec3<i32>();
}
