// Where the neighbor list holds what: the neighbors of 64 clusters side by side, the first of each, then the second of each and so on.

override neighbors_max: u32;

// The first neighbor of a cluster; the next is 64 further on.
fn list_first(cluster: u32) -> u32 {
    return cluster / 64u * (64u * neighbors_max) + cluster % 64u;
}
