//! `results.csv`: a row for each run of an array, with what was set, how far it came, and what its observables are.
//!
//! Of each observable: mean and standard deviation over the second half of its rows, and its last value.

use std::path::Path;

use kernels::package::Values;
use kernels::run::RunDir;

use crate::analysis::observables;
use crate::console::output;

/// Name of the file.
pub(crate) const RESULTS: &str = "results.csv";

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// Folder of the run.
    pub(crate) run: String,
    /// What is set.
    pub(crate) settings: Values,
    /// `finished`, `stopped`, `failed`, `waiting`, or a job's state.
    pub(crate) state: String,
    /// Segments that are safe.
    pub(crate) segment: u64,
    /// Steps of these.
    pub(crate) step: u64,
    /// Digest of the last boundary.
    pub(crate) digest: Option<String>,
    /// Why it failed.
    pub(crate) message: String,
    /// Column with its unit, mean, deviation and last value.
    pub(crate) observables: Vec<(String, [f64; 3])>,
}

impl Row {
    /// Fill in what a run directory says.
    ///
    /// # Errors
    /// Its chain or its table is not what was written.
    pub(crate) fn read(&mut self, dir: &RunDir) -> anyhow::Result<()> {
        let chain = dir.chain()?;
        if let Some(last) = chain.last() {
            self.segment = last.entry.segment;
            self.step = last.entry.step;
            self.digest = Some(last.entry.digest.to_string());
        }
        let Some(text) = observables::text(dir)? else {
            return Ok(());
        };
        for column in observables::parse(&text)?.columns {
            let name = column
                .unit
                .as_ref()
                .map_or_else(|| column.name.clone(), |unit| format!("{} ({unit})", column.name));
            let Some(last) = column.points.last() else { continue };
            let half = column.points[column.points.len() / 2].0;
            let (mean, deviation) = column.mean_and_deviation(half);
            self.observables.push((name, [mean, deviation, last.1]));
        }
        Ok(())
    }
}

/// Write the table, whole or not at all.
///
/// # Errors
/// The file system refuses.
pub(crate) fn write(folder: &Path, rows: &[Row]) -> anyhow::Result<()> {
    output::file(&folder.join(RESULTS), |out| Ok(out.write_all(text(rows).as_bytes())?))
}

fn text(rows: &[Row]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut columns: Vec<&str> = Vec::new();
    for row in rows {
        let new = |known: &[&str], name: &str| !known.contains(&name);
        row.settings.keys().for_each(|name| {
            if new(&names, name) {
                names.push(name)
            }
        });
        row.observables.iter().for_each(|(name, _)| {
            if new(&columns, name) {
                columns.push(name)
            }
        });
    }
    let mut header = vec!["run".to_owned()];
    header.extend(names.iter().map(|name| (*name).to_owned()));
    header.extend(["state", "segment", "step", "digest", "message"].map(str::to_owned));
    header.extend(
        columns
            .iter()
            .flat_map(|name| ["mean", "deviation", "last"].map(|what| format!("{what} {name}"))),
    );
    let mut text = line(header);
    for row in rows {
        let mut cells = vec![row.run.clone()];
        cells.extend(
            names
                .iter()
                .map(|name| row.settings.get(*name).map_or(String::new(), ToString::to_string)),
        );
        cells.extend([
            row.state.clone(),
            row.segment.to_string(),
            row.step.to_string(),
            row.digest.clone().unwrap_or_default(),
            row.message.clone(),
        ]);
        for name in &columns {
            let values = row.observables.iter().find(|(known, _)| known == name);
            cells.extend((0..3).map(|at| values.map_or(String::new(), |(_, values)| format!("{:?}", values[at]))));
        }
        text.push_str(&line(cells));
    }
    text
}

/// RFC 4180: quotes where a cell has a comma, a quote or a line feed in it.
fn line(cells: Vec<String>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    let cells: Vec<String> = cells.into_iter().map(quoted).collect();
    format!("{}\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use kernels::package::manifest::Number;

    use super::*;

    #[test]
    fn a_row_a_run_with_what_was_set_and_what_came_out() {
        let row = |run: &str, feed: f64| Row {
            run: run.into(),
            settings: Values::from([("feed".to_owned(), Number::Float(feed))]),
            state: "finished".into(),
            ..Row::default()
        };
        let mut first = row("0001", 0.03);
        first.digest = Some("ab".into());
        first.observables = vec![("energy (J)".into(), [1.5, 0.25, -2.0])];
        let mut second = row("0002", 0.5);
        second.message = "it \"exploded\", twice".into();
        let text = text(&[first, second]);
        assert_eq!(
            text,
            "run,feed,state,segment,step,digest,message,mean energy (J),deviation energy (J),last energy (J)\n\
             0001,0.03,finished,0,0,ab,,1.5,0.25,-2.0\n\
             0002,0.5,finished,0,0,,\"it \"\"exploded\"\", twice\",,,\n"
        );
    }
}
