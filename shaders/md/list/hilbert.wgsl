// A point's place on Hilbert's curve through the box, 10 bits for each axis: atoms that follow each other in this order are
// near each other in space. J. Skilling, "Programming the Hilbert curve", AIP Conf. Proc. 707, 381 (2004).

const HILBERT_BITS: u32 = 10u;

fn hilbert_spread(x: u32) -> u32 {
    var v = x & 0x3ffu;
    v = (v | (v << 16u)) & 0x030000ffu;
    v = (v | (v << 8u)) & 0x0300f00fu;
    v = (v | (v << 4u)) & 0x030c30c3u;
    return (v | (v << 2u)) & 0x09249249u;
}

// `position`: fractions of the box, 2^32 to the edge. Below 2^30.
fn hilbert_key(position: vec3<u32>) -> u32 {
    var v = position >> vec3<u32>(32u - HILBERT_BITS);
    for (var bit = HILBERT_BITS - 1u; bit > 0u; bit--) {
        let q = 1u << bit;
        let low = q - 1u;
        v.x ^= select(0u, low, (v.x & q) != 0u);
        var swap = select((v.x ^ v.y) & low, 0u, (v.y & q) != 0u);
        v.x ^= select(0u, low, (v.y & q) != 0u) ^ swap;
        v.y ^= swap;
        swap = select((v.x ^ v.z) & low, 0u, (v.z & q) != 0u);
        v.x ^= select(0u, low, (v.z & q) != 0u) ^ swap;
        v.z ^= swap;
    }
    v.y ^= v.x;
    v.z ^= v.y;
    var turn = 0u;
    for (var bit = HILBERT_BITS - 1u; bit > 0u; bit--) {
        turn ^= select(0u, (1u << bit) - 1u, (v.z & (1u << bit)) != 0u);
    }
    v ^= vec3<u32>(turn);
    return (hilbert_spread(v.x) << 2u) | (hilbert_spread(v.y) << 1u) | hilbert_spread(v.z);
}
