// The sum of the walkers' squared distances from their start.
//
// Every sum must have an order that does not depend on the device: integers have none to depend on, and floats would need a
// fixed tree such as this one. 32 bits are enough for 4096 walkers over several hundred thousand steps.
// Bindings: 0 positions (i32, [walkers, 2]), 1 spread (u32, [1]).

override walkers: u32;

@group(0) @binding(0) var<storage, read> positions: array<vec2<i32>>;
@group(0) @binding(1) var<storage, read_write> spread: array<u32>;

const lanes: u32 = 64u;
var<workgroup> sums: array<u32, lanes>;

@compute @workgroup_size(lanes)
fn measure(@builtin(local_invocation_index) lane: u32) {
    var sum = 0u;
    for (var walker = lane; walker < walkers; walker += lanes) {
        let place = positions[walker];
        sum += u32(place.x * place.x + place.y * place.y);
    }
    sums[lane] = sum;
    for (var reach = lanes / 2u; reach > 0u; reach /= 2u) {
        workgroupBarrier();
        if lane < reach {
            sums[lane] += sums[lane + reach];
        }
    }
    if lane == 0u {
        spread[0] = sums[0];
    }
}
