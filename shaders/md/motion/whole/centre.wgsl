// The velocity of the centre of mass, nm/ps, from the sums of momentum_sum.wgsl: integers, so that all workgroups find the same. Called in uniform control flow by
// all invocations of a workgroup of 64. `momentum_sums`: 2^-14 u nm/ps. `momentum_share`: 2^-14 / sum m, 1/u.

override momentum_groups: u32;
override momentum_share: f32;

@group(0) @binding(7) var<storage, read> momentum_sums: array<vec4<i32>>;

var<workgroup> centre_tree: array<vec4<i32>, 64>;

const CENTRE_MOVES: bool = true;

fn centre_velocity(local: u32) -> vec3<f32> {
    var sum = vec4<i32>();
    for (var other = local; other < momentum_groups; other += 64u) {
        sum += momentum_sums[other];
    }
    centre_tree[local] = sum;
    workgroupBarrier();
    for (var reach = 32u; reach > 0u; reach >>= 1u) {
        if local < reach {
            centre_tree[local] += centre_tree[local + reach];
        }
        workgroupBarrier();
    }
    return vec3<f32>(centre_tree[0].xyz) * momentum_share;
}
