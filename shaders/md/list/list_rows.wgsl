// Where the list of half_neighbors.wgsl holds what: a row of `neighbors_max` words for each cluster, filled from its front and from its end backwards. Four
// invocations read four words side by side; what fills up the last four are words whose pairs do not count. `counts`: words from the front and from the end;
// of those from the front, how many are near, and how many are near or not far beyond.

override neighbors_max: u32;

fn list_front(cluster: u32, k: u32) -> u32 {
    return cluster * neighbors_max + k;
}

fn list_end(cluster: u32, k: u32) -> u32 {
    return cluster * neighbors_max + (neighbors_max - 1u - k);
}
