//! The temperature of what is computed, for people: the newest number of the column of that name, where a package has one.

use kernels::package::Package;
use kernels::package::manifest::Column;
use kernels::package::table::Table;

use crate::console::progress::figures;

/// That at the end of the segment that ends at this step, out of its outputs.
pub(crate) fn of(package: &Package, step: u64, outputs: &[Vec<u8>]) -> Option<String> {
    let is_it = |column: &Column| column.name == "temperature";
    let mut columns = package.manifest().outputs.iter().flat_map(|output| &output.columns);
    // Most packages have none: nothing is read for them.
    columns.any(is_it).then_some(())?;
    let table = Table::of(package)?;
    let (at, column) = table.columns().enumerate().find(|(_, column)| is_it(column))?;
    let rows = table.rows(step, outputs);
    let value = rows.iter().rev().find_map(|row| row.cells.get(at).copied().flatten())?;
    Some(match &column.unit {
        Some(unit) => format!("{} {unit}", figures(value)),
        None => figures(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_number_of_the_column_is_shown_with_its_unit_and_packages_without_one_show_none() {
        let ising = kernels::examples::load("ising").expect("a shipped example");
        let rows = |words: [i32; 4]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let outputs = [rows([0, 0, 250, 0]), Vec::new()];
        assert_eq!(of(&ising, 1000, &outputs), None);
        let mut manifest = ising.manifest().clone();
        let column = &mut manifest.outputs[0].columns[0];
        (column.name, column.unit, column.scale) = ("temperature".into(), Some("K".into()), 0.5);
        let hot = ising.with_manifest(manifest).expect("still a good package");
        assert_eq!(of(&hot, 1000, &outputs).as_deref(), Some("125 K"));
        assert_eq!(of(&hot, 1000, &[Vec::new(), Vec::new()]), None);
    }
}
