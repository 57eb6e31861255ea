// One fixed tree over 256 values, by workgroups of any size: sums of floats and of integers.
// Bindings: 0 x (one word a value), 1 y (two words a tree, then the same for the next size).

override size: u32 = 64;
override slot: u32 = 0;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

var<workgroup> floats: array<f32, 256>;
var<workgroup> integers: array<u32, 256>;

@compute @workgroup_size(size)
fn barriers(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var k = lane; k < 256u; k += size) {
        let word = x[256u * group.x + k];
        integers[k] = word;
        floats[k] = f32(word >> 8u) * 1.1920929e-7;
    }
    workgroupBarrier();
    for (var stride = 128u; stride > 0u; stride /= 2u) {
        for (var k = lane; k < stride; k += size) {
            integers[k] += integers[k + stride];
            floats[k] += floats[k + stride];
        }
        workgroupBarrier();
    }
    if lane == 0u {
        let at = 2u * (slot * (arrayLength(&x) / 256u) + group.x);
        y[at] = integers[0];
        y[at + 1u] = bitcast<u32>(floats[0]);
    }
}
