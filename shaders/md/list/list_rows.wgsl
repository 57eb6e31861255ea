// Where the list of half_neighbors.wgsl holds what: a row of `neighbors_max` words for each cluster, filled from its front and from its end backwards. Four
// invocations read four words side by side; what fills up the last four are words whose pairs do not count. The last word of a row says how many of those from
// its front are near.

override neighbors_max: u32;

fn list_front(cluster: u32, k: u32) -> u32 {
    return cluster * neighbors_max + k;
}

fn list_end(cluster: u32, k: u32) -> u32 {
    return cluster * neighbors_max + (neighbors_max - 2u - k);
}

fn list_near_count(cluster: u32) -> u32 {
    return cluster * neighbors_max + (neighbors_max - 1u);
}
