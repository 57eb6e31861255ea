// A list whose near neighbors are those within `near2` (nm^2) of one of the cluster's atoms when the list is built. A word of the list is a slot.

override near2: f32;

fn list_word(slot: u32, tags: vec4<u32>, within: bool) -> u32 {
    return slot;
}

fn list_near_of(square: f32, word: u32) -> bool {
    return square < near2;
}

fn list_own(cluster: u32) {}
