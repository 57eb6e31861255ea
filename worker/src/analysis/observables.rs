//! `observables.csv` as numbers: what a run's tables say, column by column.

use std::io::Read;

use anyhow::{Context, bail};
use kernels::run::{RunDir, TABLE};

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Name.
    pub(crate) name: String,
    /// Physical unit.
    pub(crate) unit: Option<String>,
    /// Time (step where the package has no unit of time) and value, for each row that has one.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Column {
    /// The points at `from` and later.
    pub(crate) fn since(&self, from: f64) -> Vec<(f64, f64)> {
        self.points.iter().copied().filter(|point| point.0 >= from).collect()
    }

    /// Mean and standard deviation of the points at `from` and later.
    pub(crate) fn mean_and_deviation(&self, from: f64) -> (f64, f64) {
        let points = self.since(from);
        let count = points.len().max(1) as f64;
        let mean = points.iter().map(|point| point.1).sum::<f64>() / count;
        let variance = points.iter().map(|point| (point.1 - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    }
}

/// All columns but `step` and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// Name of the horizontal axis: `Time (ps)` or `Step`.
    pub(crate) axis: String,
    /// Columns, as in the file.
    pub(crate) columns: Vec<Column>,
}

impl Table {
    /// The column of that name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The table's text as far as the chain has committed it; nothing for a package without tables.
///
/// # Errors
/// The file cannot be read, or is shorter than the chain says.
pub(crate) fn text(dir: &RunDir) -> anyhow::Result<Option<String>> {
    let chain = dir.chain()?;
    let Some(&length) = chain.last().and_then(|line| line.files.get(TABLE)) else {
        return Ok(None);
    };
    let path = dir.path().join(TABLE);
    let mut text = String::new();
    let file = std::fs::File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(length)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if (text.len() as u64) < length {
        bail!("{} has {} bytes, the chain says {length}", path.display(), text.len());
    }
    Ok(Some(text))
}

/// Numbers out of the text.
///
/// # Errors
/// A line that is no row of numbers, with its number.
pub(crate) fn parse(text: &str) -> anyhow::Result<Table> {
    let mut lines = text.lines();
    let header: Vec<(String, Option<String>)> = lines.next().unwrap_or_default().split(',').map(name_and_unit).collect();
    let has_time = header.get(1).is_some_and(|(name, _)| name == "time");
    let first = if has_time { 2 } else { 1 };
    let axis = match (has_time, header.get(1)) {
        (true, Some((_, Some(unit)))) => format!("Time ({unit})"),
        _ => "Step".into(),
    };
    let empty = |(name, unit): &(String, Option<String>)| Column {
        name: name.clone(),
        unit: unit.clone(),
        points: Vec::new(),
    };
    let mut columns: Vec<Column> = header.iter().skip(first).map(empty).collect();
    for (index, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let wrong = || format!("{TABLE}: line {} is no row of {} numbers", index + 2, header.len());
        if cells.len() != header.len() {
            bail!(wrong());
        }
        let at: f64 = cells[first - 1].parse().with_context(wrong)?;
        for (column, cell) in columns.iter_mut().zip(&cells[first..]).filter(|(_, cell)| !cell.is_empty()) {
            column.points.push((at, cell.parse().with_context(wrong)?));
        }
    }
    Ok(Table { axis, columns })
}

/// `kinetic energy (kJ/mol)` is a name and a unit.
pub(crate) fn name_and_unit(cell: &str) -> (String, Option<String>) {
    match cell.strip_suffix(')').and_then(|cell| cell.rsplit_once(" (")) {
        Some((name, unit)) => (name.to_owned(), Some(unit.to_owned())),
        None => (cell.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_with_other_periods_keep_their_own_rows() {
        let table = parse("step,time (ps),temperature (K),sites\n0,0,94.5,\n5,0.01,95.5,7\n").unwrap();
        assert_eq!(table.axis, "Time (ps)");
        let temperature = table.column("temperature").unwrap();
        assert_eq!(
            (temperature.unit.as_deref(), temperature.points.clone()),
            (Some("K"), vec![(0.0, 94.5), (0.01, 95.5)])
        );
        assert_eq!(temperature.mean_and_deviation(0.0), (95.0, 0.5));
        assert_eq!(temperature.mean_and_deviation(0.01), (95.5, 0.0));
        assert_eq!(table.column("sites").unwrap().points, [(0.01, 7.0)]);
        assert_eq!(
            parse("step,a\n3,1e-3\n").unwrap(),
            Table {
                axis: "Step".into(),
                columns: vec![Column {
                    name: "a".into(),
                    unit: None,
                    points: vec![(3.0, 1e-3)]
                }],
            }
        );
    }

    #[test]
    fn a_foreign_line_is_named() {
        for text in ["step,a\n1\n", "step,a\n1,x\n", "step,a\n1,2,3\n"] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains("line 2"), "{message}");
        }
    }
}
