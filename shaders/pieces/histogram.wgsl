// How many elements of an f32 buffer lie in each of a row of intervals of one length, in integers.
//
// Interval b holds the elements with b <= (x - histogram_low) histogram_per_unit < b + 1. There are two fewer intervals than `counts` has elements: its last two count what
// lies below the first interval, and what lies above the last one or is NaN. One workgroup: `workgroups = [1]`.
// Constants: histogram_low, histogram_per_unit (intervals in a unit). Bindings: 0 values (f32, any shape), 1 counts (u32, [3 or more]).

override histogram_low: f32;
override histogram_per_unit: f32;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;

const histogram_lanes: u32 = 64u;

@compute @workgroup_size(histogram_lanes)
fn histogram(@builtin(local_invocation_index) lane: u32) {
    let bins = max(arrayLength(&counts), 3u) - 2u;
    for (var bin = lane; bin < bins + 2u; bin += histogram_lanes) {
        atomicStore(&counts[bin], 0u);
    }
    storageBarrier();
    for (var i = lane; i < arrayLength(&values); i += histogram_lanes) {
        let at = (values[i] - histogram_low) * histogram_per_unit;
        // A comparison with NaN is false: it goes above.
        var bin = bins + 1u;
        if at < 0.0 {
            bin = bins;
        } else if at < f32(bins) {
            bin = u32(at);
        }
        atomicAdd(&counts[bin], 1u);
    }
}
