// Sorts blocks of 1024 atoms by (place on Hilbert's curve, tag), each block in one workgroup's memory: a bitonic network,
// so the work does not depend on the data. Tags are unique, so there is one right order and no scheduling can show in it.
// `runs_out`: pairs (key, tag), sorted within each block; slots past the last atom hold key 2^32 - 1 and sort to the end.
// Needs hilbert.wgsl.

override atoms: u32;

const SORT_BLOCK: u32 = 1024u;
const SORT_THREADS: u32 = 256u;

@group(0) @binding(0) var<storage, read> positions: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> runs_out: array<vec2<u32>>;

var<workgroup> sort_pairs: array<vec2<u32>, SORT_BLOCK>;

@compute @workgroup_size(SORT_THREADS)
fn sort(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    // Always SORT_BLOCK; but no compiler knows, and so none unrolls the rounds of a bitonic network.
    let block = min(SORT_BLOCK, arrayLength(&runs_out));
    let start = group.x * block;
    for (var at = local; at < block; at += SORT_THREADS) {
        let tag = start + at;
        var key = 0xffffffffu;
        if tag < atoms {
            key = hilbert_key(positions[tag].xyz);
        }
        sort_pairs[at] = vec2<u32>(key, tag);
    }
    workgroupBarrier();
    for (var width = 2u; width <= block; width <<= 1u) {
        for (var reach = width >> 1u; reach > 0u; reach >>= 1u) {
            for (var pair = local; pair < block / 2u; pair += SORT_THREADS) {
                let low = 2u * pair - (pair & (reach - 1u));
                let a = sort_pairs[low];
                let b = sort_pairs[low + reach];
                let descending = (low & width) != 0u;
                let after = a.x > b.x || (a.x == b.x && a.y > b.y);
                if after != descending {
                    sort_pairs[low] = b;
                    sort_pairs[low + reach] = a;
                }
            }
            workgroupBarrier();
        }
    }
    for (var at = local; at < block; at += SORT_THREADS) {
        runs_out[start + at] = sort_pairs[at];
    }
}
