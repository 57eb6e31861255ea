//! Every WGSL file of the project, as text. No logic: a pass joins the files that it needs.
//!
//! Text stays byte for byte as its author wrote it, so that it can be digested.

/// Path below `shaders/`, and text: one line a file, in alphabetical order.
#[rustfmt::skip]
pub const FILES: &[(&str, &str)] = &[
    ("md/box.wgsl", include_str!("../md/box.wgsl")),
    ("md/candidates.wgsl", include_str!("../md/candidates.wgsl")),
    ("md/canonical.wgsl", include_str!("../md/canonical.wgsl")),
    ("md/check.wgsl", include_str!("../md/check.wgsl")),
    ("md/fixed64.wgsl", include_str!("../md/fixed64.wgsl")),
    ("md/hilbert.wgsl", include_str!("../md/hilbert.wgsl")),
    ("md/integrate.wgsl", include_str!("../md/integrate.wgsl")),
    ("md/kinetic.wgsl", include_str!("../md/kinetic.wgsl")),
    ("md/list.wgsl", include_str!("../md/list.wgsl")),
    ("md/lj_energies.wgsl", include_str!("../md/lj_energies.wgsl")),
    ("md/lj_energy_one.wgsl", include_str!("../md/lj_energy_one.wgsl")),
    ("md/lj_energy_table.wgsl", include_str!("../md/lj_energy_table.wgsl")),
    ("md/lj_force_one.wgsl", include_str!("../md/lj_force_one.wgsl")),
    ("md/lj_force_table.wgsl", include_str!("../md/lj_force_table.wgsl")),
    ("md/lj_forces.wgsl", include_str!("../md/lj_forces.wgsl")),
    ("md/merge.wgsl", include_str!("../md/merge.wgsl")),
    ("md/neighbors.wgsl", include_str!("../md/neighbors.wgsl")),
    ("md/order.wgsl", include_str!("../md/order.wgsl")),
    ("md/pair_box.wgsl", include_str!("../md/pair_box.wgsl")),
    ("md/pair_cube.wgsl", include_str!("../md/pair_cube.wgsl")),
    ("md/reciprocal.wgsl", include_str!("../md/reciprocal.wgsl")),
    ("md/sort.wgsl", include_str!("../md/sort.wgsl")),
    ("md/totals.wgsl", include_str!("../md/totals.wgsl")),
    ("random/threefry.wgsl", include_str!("../random/threefry.wgsl")),
];

/// The text of a file, by its path below `shaders/`.
///
/// # Panics
/// There is no such file: paths are the program's own, never a user's.
pub fn text(path: &str) -> &'static str {
    let file = FILES.iter().find(|(name, _)| *name == path);
    file.unwrap_or_else(|| panic!("no WGSL file '{path}' in the table of the shaders crate"))
        .1
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_table_is_sorted_and_holds_every_file() {
        assert!(
            super::FILES.is_sorted_by(|a, b| a.0 < b.0),
            "files are in alphabetical order, each once"
        );
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut on_disk = 0;
        for folder in std::fs::read_dir(root)
            .expect("the crate's folder")
            .flatten()
            .filter(|entry| entry.path().is_dir())
        {
            for file in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
                on_disk += usize::from(file.path().extension().is_some_and(|end| end == "wgsl"));
            }
        }
        assert_eq!(super::FILES.len(), on_disk, "a WGSL file is missing in the table");
    }
}
