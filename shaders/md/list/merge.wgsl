// Merges groups of eight sorted runs of `width` pairs (key, tag): each pair looks up, by bisection, how many pairs of the
// seven other runs go before it, and so knows its place. `padded` pairs in all, a multiple of the block that sort.wgsl sorts.

override padded: u32;
override width: u32;

@group(0) @binding(0) var<storage, read> runs_in: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> runs_out: array<vec2<u32>>;

// How many pairs of the sorted run [start, end) go before `pair`.
fn merge_before(pair: vec2<u32>, start: u32, end: u32) -> u32 {
    var low = start;
    var high = end;
    while low < high {
        let middle = (low + high) / 2u;
        let other = runs_in[middle];
        if other.x < pair.x || (other.x == pair.x && other.y < pair.y) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low - start;
}

@compute @workgroup_size(256)
fn merge(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.x;
    if at >= padded {
        return;
    }
    let pair = runs_in[at];
    let run = at / width;
    let first = run - run % 8u;
    var place = first * width + at % width;
    for (var other = first; other < first + 8u; other++) {
        if other != run {
            let start = min(other * width, padded);
            let end = min(start + width, padded);
            place += merge_before(pair, start, end);
        }
    }
    runs_out[place] = pair;
}
