// Where the neighbor list holds what. The neighbors of 8 clusters lie side by side, the first of each, then the second of each and so on: near
// ones from the front of a cluster's room, far ones from its end backwards. One place between them is always free.

override neighbors_max: u32;

fn list_near(cluster: u32, k: u32) -> u32 {
    return (cluster / 8u * neighbors_max + k) * 8u + cluster % 8u;
}

fn list_far(cluster: u32, k: u32) -> u32 {
    return list_near(cluster, neighbors_max - 1u - k);
}
