// Forces as sums of integers (force_round.wgsl): sums are exact, so their order cannot matter, and partial sums may overflow. `force_sums`: 3 an atom.
// Terms of given particles share these bindings, whose numbers leave room for their own: several may be in one pass (kernels/src/md/draft/bonded.rs).

@group(0) @binding(20) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(21) var<storage, read_write> force_sums: array<atomic<i32>>;
@group(0) @binding(22) var<storage, read_write> fault: array<atomic<u32>>;

fn force_add(tag: u32, force: vec3<i32>) {
    atomicAdd(&force_sums[3u * tag], force.x);
    atomicAdd(&force_sums[3u * tag + 1u], force.y);
    atomicAdd(&force_sums[3u * tag + 2u], force.z);
}
