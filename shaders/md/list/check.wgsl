// Decides whether this step sorts the atoms again and whether it builds a new neighbor list, by writing how many
// workgroups those passes run: all of them, or none.
//
// `schedule` starts a segment as zero, which reads as "nothing built": the first step of a segment does both.
// `schedule`: [0..3) sort, [3..6) merge, [6..9) predict, [9..12) order, [12..15) candidates, [15..18) partners, [18..21) neighbors
// (workgroups in x, y, z each); [21] 1 once a list is there; [22] steps since the last sort; [23] not 0 when an atom moved too far;
// [24] lists built. `outer_needed`: [0] not 0 when an atom is so far from where the list takes it to be that the list's outer neighbors count, [1] the same of the next step.

override sort_groups: u32;
override merge_groups: u32;
override predict_groups: u32;
override order_groups: u32;
override candidate_groups: u32;
override partner_groups: u32;
override neighbor_groups: u32;
override sort_period: u32;

@group(0) @binding(0) var<storage, read_write> schedule: array<u32>;
@group(0) @binding(1) var<storage, read_write> outer_needed: array<u32>;

fn check_dispatch(at: u32, groups: u32) {
    schedule[at] = groups;
    schedule[at + 1u] = 1u;
    schedule[at + 2u] = 1u;
}

@compute @workgroup_size(1)
fn check() {
    let age = schedule[22];
    let build = schedule[21] == 0u || schedule[23] != 0u;
    let sort = schedule[21] == 0u || (build && age >= sort_period);
    check_dispatch(0u, select(0u, sort_groups, sort));
    check_dispatch(3u, select(0u, merge_groups, sort));
    check_dispatch(6u, select(0u, predict_groups, build));
    check_dispatch(9u, select(0u, order_groups, build));
    check_dispatch(12u, select(0u, candidate_groups, build));
    check_dispatch(15u, select(0u, partner_groups, build));
    check_dispatch(18u, select(0u, neighbor_groups, build));
    schedule[21] = 1u;
    schedule[22] = select(age + 1u, 1u, sort);
    schedule[23] = 0u;
    schedule[24] = schedule[24] + u32(build);
    outer_needed[0] = select(outer_needed[1], 0u, build);
    outer_needed[1] = 0u;
}
