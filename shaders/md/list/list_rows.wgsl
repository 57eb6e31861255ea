// Where the list of half_neighbors.wgsl holds what. The rows of 16 clusters, those that one workgroup makes, share a block of `16 row_words` words: first where each
// row begins, then the rows one behind the other, so that what is read one after the other lies together and is fetched ahead. A row holds the words from its
// front, filled up to a multiple of four, then those with charges alone, filled up likewise: four invocations read four words side by side, and what fills
// up are words whose pairs do not count. `counts`: words from the front and with charges alone; of those from the front, how many are near, and how many are near
// or not far beyond. Bindings: `list`.

override row_words: u32;

// Clusters that share a block.
const LIST_CLUSTERS: u32 = 16u;

// Where a block begins.
fn list_block(block: u32) -> u32 {
    return block * (LIST_CLUSTERS * row_words);
}

// The word that says where a cluster's row begins.
fn list_head(cluster: u32) -> u32 {
    return list_block(cluster / LIST_CLUSTERS) + cluster % LIST_CLUSTERS;
}

fn list_filled(count: u32) -> u32 {
    return (count + 3u) & 0xfffffffcu;
}

// Where the words with charges alone begin, in a row with `front` words before them.
fn list_charges(row: u32, front: u32) -> u32 {
    return row + list_filled(front);
}
