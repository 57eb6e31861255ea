//! The neighbor list: which atoms a cluster of four may meet within the cutoff. One cluster of each pair lists the other's atoms; those with Lennard-Jones, or that some
//! atom of the cluster excludes, apart from those with a charge alone, and both apart from all that are beyond the cutoff when the list is built.
//!
//! | module | owns |
//! |---|---|
//! | [`order`] | the host's twin of the sort |
//! | [`capacity`] | how much room the device's list gets |
//!
//! Invariant: a list that exists holds every pair within the cutoff until an atom is half the skin from where the list takes it to be; then
//! it is built anew.
//!
//! # Buffers for force terms
//! | buffer | WGSL | what |
//! |---|---|---|
//! | `sorted` | `array<vec4<u32>>`, by slot | position, kind |
//! | `origin` | `array<vec4<u32>>`, by slot | where the list takes the atom to be, tag, plus 2³¹ if it has more than a charge (2³² - 1 past the last atom) |
//! | `list`, `counts` | see `half_neighbors.wgsl` and `list_rows.wgsl` | neighbors of a cluster |
//!
//! A slot is an atom's place in sorted order, its tag the place in the package's own order. Constants: `clusters`, `slots` (4 × clusters),
//! `row_words`.

pub mod capacity;
pub mod order;

use self::capacity::Capacity;
use self::order::CLUSTER;
use super::check::ATOMS_MAX;
use super::draft::{Draft, Kernel, Part, Phase};
use crate::package::manifest::{Element, Number};

/// Pairs that one workgroup of `sort.wgsl` sorts.
const SORT_BLOCK: u64 = 1024;
/// Runs that `merge.wgsl` merges into one.
const MERGE_WAYS: u64 = 8;

/// Clusters that share room in the list, see `list_rows.wgsl`.
const LIST_CLUSTERS: u64 = 16;

// `half_neighbors.wgsl` keeps two bits of its own above every slot.
const _: () = assert!(ATOMS_MAX + CLUSTER <= 1 << 24, "a slot fits 24 bits");

/// How far beyond the cutoff the list's inner neighbors reach, as a share of the skin: the outer ones count only while an atom is further than half of that from
/// where the list takes it to be.
const INNER_SHARE: f64 = 0.5;

/// The list as a part of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// Cutoff radius, nm: no interaction at or beyond it.
    pub cutoff_nm: f64,
    /// How much further the list reaches, nm.
    pub skin_nm: f64,
    /// Room.
    pub capacity: Capacity,
    /// Steps from one sort to the next at least; the next list then sorts.
    pub sort_period: u64,
    /// Steps that a new list looks ahead, see `predict.wgsl`.
    pub lead_steps: f64,
    /// Whether the last forces say where atoms will be then, or their velocities alone.
    pub lead_by_forces: bool,
    /// For each atom, the tags that it does not interact with (both ways).
    pub exclusions: Vec<Vec<u32>>,
    /// For each atom, whether it has more than a charge.
    pub lennard_jones: Vec<bool>,
}

/// Passes that `check.wgsl` starts, in the order of `schedule`, with the constants of their workgroup counts.
const SCHEDULED: [&str; 7] = [
    "sort_groups",
    "merge_groups",
    "predict_groups",
    "order_groups",
    "candidate_groups",
    "partner_groups",
    "neighbor_groups",
];

impl Part for List {
    fn contribute(&self, draft: &mut Draft) {
        self.constants(draft);
        self.buffers(draft);
        self.faults(draft);
        draft.kernel(Phase::List, Kernel::new("check", &["md/list/check.wgsl"]));
        let sorted = Self::sort(draft);
        self.build(draft, sorted);
        self.follow(draft);
    }
}

impl List {
    fn follow(&self, draft: &mut Draft) {
        let cell = BoxFiles::of(draft).cell;
        if draft.is_box_moving() {
            draft.float("reach_nm", self.cutoff_nm + self.skin_nm);
            draft.float("cutoff_nm", self.cutoff_nm);
            let files = [cell, "md/list/follow_scaled.wgsl"];
            draft.kernel(Phase::After, Kernel::new("follow", &files).over("atoms"));
        } else {
            let files = [cell, "md/list/follow.wgsl"];
            draft.kernel(Phase::After, Kernel::new("follow", &files).over("atoms"));
        }
    }

    fn constants(&self, draft: &mut Draft) {
        let atoms = draft.integer_of("atoms");
        let clusters = atoms.div_ceil(CLUSTER as u64);
        let groups_8 = clusters.div_ceil(8);
        let groups_64 = clusters.div_ceil(64);
        draft.integer("clusters", clusters);
        draft.integer("slots", clusters * CLUSTER as u64);
        draft.integer("groups_8", groups_8);
        draft.integer("groups_64", groups_64);
        draft.integer("boxes_count", clusters + groups_8 + groups_64);
        draft.integer("list_blocks", clusters.div_ceil(LIST_CLUSTERS));
        draft.integer("padded", atoms.div_ceil(SORT_BLOCK) * SORT_BLOCK);
        // A row holds more than neighbors: where it begins, the cluster's own atoms, and what fills up its two parts.
        draft.integer("row_words", self.capacity.neighbors + 11);
        draft.integer("hits_max", self.capacity.hits_max);
        draft.integer("candidate_words", self.capacity.candidate_words);
        draft.integer("sort_period", self.sort_period);
        // A hair wider, and a hair sooner, than exact arithmetic asks, so that f32 cannot lose a pair.
        draft.float("reach2", (self.cutoff_nm + self.skin_nm).powi(2) * (1.0 + 1e-5));
        draft.float("moved2", (0.5 * self.skin_nm).powi(2) * (1.0 - 1e-5));
        draft.float("lead", self.lead_steps);
        let dt_ps = draft.head().dt_ps;
        draft.float("lead_time", self.lead_steps * dt_ps);
        let push = 0.75 * (self.lead_steps + 1.0);
        draft.float("push", if self.lead_by_forces { push } else { 0.0 });
        draft.float("lead2", (0.5 * self.skin_nm).powi(2) * 0.95);
    }

    fn buffers(&self, draft: &mut Draft) {
        draft.scratch("schedule", Element::U32, &["25"]);
        draft.scratch("outer_needed", Element::U32, &["2"]);
        draft.scratch("runs_a", Element::U32, &["padded", "2"]);
        draft.scratch("ahead", Element::U32, &["atoms", "4"]);
        draft.scratch("sorted", Element::U32, &["slots", "4"]);
        draft.scratch("origin", Element::U32, &["slots", "4"]);
        draft.scratch("slots_by_tag", Element::U32, &["atoms"]);
        draft.scratch("boxes", Element::U32, &["boxes_count", "4"]);
        draft.scratch("halves", Element::F32, &["boxes_count", "4"]);
        draft.scratch("candidates", Element::U32, &["groups_8", "candidate_words", "32"]);
        draft.scratch("partners", Element::U32, &["candidate_words", "clusters"]);
        draft.scratch("hits", Element::U32, &["list_blocks", "hits_max", "64"]);
        draft.scratch("list", Element::U32, &["list_blocks", "row_words", "16"]);
        draft.scratch("counts", Element::U32, &["clusters", "4"]);
    }

    fn faults(&self, draft: &mut Draft) {
        draft.grow(
            101,
            &["row_words", "hits_max"],
            "clusters of atoms have more neighbors than the list has room for, though it grew: the system has become much denser somewhere than it was at the start, or has exploded; check the starting state, use a smaller time step, or raise the constants row_words and hits_max of the package, nothing else depends on them",
        );
        draft.grow(
            102,
            &["candidate_words"],
            "a group of atoms is near more clusters than there is room for, though it grew: the system has become much denser somewhere than it was at the start, or its atoms lie far apart; check the starting state, or raise the constant candidate_words of the package, nothing else depends on it",
        );
    }

    /// Sorting: blocks, then merges. Returns the buffer that holds the sorted runs.
    fn sort(draft: &mut Draft) -> &'static str {
        let padded = draft.integer_of("padded");
        let runs = |index: usize| if index.is_multiple_of(2) { "runs_a" } else { "runs_b" };
        let files = ["md/list/hilbert.wgsl", "md/list/sort.wgsl"];
        let kernel = Self::scheduled("sort", &files, 0).workgroups(&(padded / SORT_BLOCK).to_string());
        Self::start(draft, 0, kernel.bind("runs_out", runs(0)));
        let widths: Vec<u64> = std::iter::successors(Some(SORT_BLOCK), |width| Some(width * MERGE_WAYS))
            .take_while(|width| *width < padded)
            .collect();
        if widths.is_empty() {
            draft.integer(SCHEDULED[1], 0);
        } else {
            draft.scratch("runs_b", Element::U32, &["padded", "2"]);
        }
        for (index, width) in widths.iter().enumerate() {
            let kernel = Self::scheduled(&format!("merge_{width}"), &["md/list/merge.wgsl"], 1)
                .over("padded")
                .bind("runs_in", runs(index))
                .bind("runs_out", runs(index + 1))
                .set("width", Number::Integer(width.cast_signed()));
            Self::start(draft, 1, kernel);
        }
        runs(widths.len())
    }

    /// The list itself: from where atoms will be to the neighbors of each cluster.
    fn build(&self, draft: &mut Draft, sorted: &str) {
        let clusters = draft.integer_of("clusters");
        let files_of = BoxFiles::of(draft);
        let files = [
            "md/motion/canonical.wgsl",
            files_of.cell,
            files_of.lead,
            "md/list/predict.wgsl",
        ];
        Self::start(draft, 2, Self::scheduled("predict", &files, 2).over("atoms"));
        let files = files_of.gap("md/list/order.wgsl");
        let kernel = Self::scheduled("order", &files, 3).over("clusters");
        Self::start(draft, 3, kernel.bind("runs_in", sorted));
        let files = files_of.gap("md/list/candidates.wgsl");
        let kernel = Self::scheduled("candidates", &files, 4).over("groups_8");
        Self::start(draft, 4, kernel.bind("candidates_out", "candidates"));
        let files = files_of.gap("md/list/partners.wgsl");
        let kernel = Self::scheduled("partners", &files, 5).over("clusters");
        Self::start(draft, 5, kernel.bind("partners_out", "partners"));
        draft.float("near2", self.cutoff_nm.powi(2));
        // In a box that changes its size all far neighbors are inner ones.
        let inner = if draft.is_box_moving() { 1.0 } else { INNER_SHARE };
        draft.float("inner2", (self.cutoff_nm + inner * self.skin_nm).powi(2) * (1.0 + 1e-5));
        draft.float("outer_moved2", (0.5 * inner * self.skin_nm).powi(2) * (1.0 - 1e-5));
        let plain = self.exclusions.iter().all(Vec::is_empty) && self.lennard_jones.iter().all(|has| *has);
        let rows = exclusion_rows(&self.exclusions, &self.lennard_jones);
        draft.integer("exclusion_rows", rows.len() as u64);
        draft.constant_u32("exclusions", &["exclusion_rows", "4"], rows.into_iter().flatten());
        let distance = [Some(files_of.cell), files_of.square].into_iter().flatten();
        let files: Vec<&'static str> = ["md/list/list_rows.wgsl"]
            .into_iter()
            .chain(distance)
            .chain(["md/list/half_neighbors.wgsl"])
            .collect();
        let kernel = Self::scheduled("half_neighbors", &files, 6).set("list_plain", Number::Bool(plain));
        Self::start(draft, 6, kernel.over(&(4 * clusters).to_string()));
    }

    /// A kernel that `check.wgsl` starts: the `place`-th of `schedule`.
    fn scheduled(name: &str, files: &[&'static str], place: usize) -> Kernel {
        Kernel::new(name, files).indirect("schedule", 3 * place as u64)
    }

    fn start(draft: &mut Draft, place: usize, kernel: Kernel) {
        let groups = draft.kernel(Phase::List, kernel);
        draft.integer(SCHEDULED[place], groups);
    }
}

/// WGSL files for the draft's box; those of the list for the box as it was at the start.
pub(super) struct BoxFiles {
    /// `cell_nm` for terms of pairs.
    pub(super) pairs: &'static str,
    /// `cell_nm`.
    cell: &'static str,
    /// `pair_square`, behind `cell`; none where `cell` has it.
    square: Option<&'static str>,
    /// `lead_units`.
    lead: &'static str,
    /// `box_half_nm` and `box_gap_square`, behind `gap_needs`.
    gap: &'static str,
    gap_needs: Option<&'static str>,
}

impl BoxFiles {
    /// Files that take a rectangular box for granted where it is one.
    pub(super) fn of(draft: &mut Draft) -> Self {
        if draft.is_rectangular() {
            let moving = draft.is_box_moving();
            return Self {
                pairs: if moving {
                    "md/list/cell_box_scaled.wgsl"
                } else {
                    "md/list/cell_box.wgsl"
                },
                cell: "md/list/cell_box.wgsl",
                square: None,
                lead: "md/list/lead_box.wgsl",
                gap: "md/list/gap_box.wgsl",
                gap_needs: None,
            };
        }
        let cell = draft.first_cell_file();
        Self {
            pairs: draft.cell_file(),
            cell,
            square: Some("md/list/square_cell.wgsl"),
            lead: "md/list/lead_cell.wgsl",
            gap: "md/list/gap_cell.wgsl",
            gap_needs: Some(cell),
        }
    }

    fn gap<'a>(&self, last: &'a str) -> Vec<&'a str>
    where
        'static: 'a,
    {
        ["md/list/box.wgsl"]
            .into_iter()
            .chain(self.gap_needs)
            .chain([self.gap, last])
            .collect()
    }
}

/// What `half_neighbors.wgsl` reads: a head for each atom, then the rows, filled up with a tag that no atom has.
fn exclusion_rows(exclusions: &[Vec<u32>], lennard_jones: &[bool]) -> Vec<[u32; 4]> {
    const NONE: u32 = u32::MAX;
    let mut heads = Vec::with_capacity(exclusions.len());
    let mut rows = Vec::new();
    for (row, lennard_jones) in exclusions.iter().zip(lennard_jones) {
        let words: Vec<[u32; 4]> = row
            .chunks(4)
            .map(|chunk| [0, 1, 2, 3].map(|i| chunk.get(i).copied().unwrap_or(NONE)))
            .collect();
        let [lowest, highest] = [row.iter().min(), row.iter().max()].map(|tag| tag.copied().unwrap_or(NONE));
        let start = (exclusions.len() + rows.len()) as u32;
        heads.push([lowest, highest, start, words.len() as u32 | u32::from(*lennard_jones) << 31]);
        rows.extend(words);
    }
    heads.extend(rows);
    heads
}
