//! Every WGSL file of the project, as text. No logic: a pass joins the files that it needs.
//!
//! Text stays byte for byte as its author wrote it, so that it can be digested.

/// Path below `shaders/`, and text: one line a file, in alphabetical order.
#[rustfmt::skip]
pub const FILES: &[(&str, &str)] = &[
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
