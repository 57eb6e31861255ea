// A list whose near neighbors are those that some of the cluster's atoms exclude. A word of the list is a slot and, in its upper 4 bits, which of the
// cluster's atoms exclude it. The first number of `counts` holds in its upper 6 bits which pairs inside the cluster are excluded, in the order
// 01, 02, 03, 12, 13, 23. `exclusions`: by tag, where its row begins (and the last row ends), then the rows: tags.

@group(0) @binding(7) var<storage, read> exclusions: array<u32>;

// Which of four tags the atom with this tag excludes.
fn list_excluded(tag: u32, tags: vec4<u32>) -> u32 {
    var mask = 0u;
    let end = exclusions[tag + 1u];
    for (var k = exclusions[tag]; k < end; k++) {
        let other = vec4<u32>(exclusions[k]);
        let bits = select(vec4<u32>(), vec4<u32>(1u, 2u, 4u, 8u), other == tags);
        mask |= bits.x | bits.y | bits.z | bits.w;
    }
    return mask;
}

fn list_word(slot: u32, tags: vec4<u32>, within: bool) -> u32 {
    var mask = 0u;
    if within {
        mask = list_excluded(origin[slot].w, tags);
    }
    return slot | (mask << 28u);
}

fn list_near_of(square: f32, word: u32) -> bool {
    return (word >> 28u) != 0u;
}

fn list_own(cluster: u32) {
    let first = 4u * cluster;
    let tags = vec4<u32>(origin[first].w, origin[first + 1u].w, origin[first + 2u].w, origin[first + 3u].w);
    var own = 0u;
    if first + 1u < atoms {
        own = list_excluded(tags.x, tags) >> 1u;
    }
    if first + 2u < atoms {
        own |= (list_excluded(tags.y, tags) >> 2u) << 3u;
    }
    if first + 3u < atoms {
        own |= (list_excluded(tags.z, tags) >> 3u) << 5u;
    }
    counts[cluster].x |= own << 26u;
}
