//! Speeds by commit: a line of JSON for each run of `all`, and a plot of them, so that a loss of speed is seen.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;
use serde::{Deserialize, Serialize};

use crate::median;

/// The lines' file, below `benches`.
pub const FILE: &str = "results/history.jsonl";
/// The plot's.
pub const PLOT: &str = "results/history.svg";

/// One run of all benchmarks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Date of the commit.
    pub date: String,
    /// Commit; ends in `+` where the tree had changes.
    pub commit: String,
    /// Processor and threads.
    pub machine: String,
    /// What was measured.
    pub rows: Vec<Reading>,
}

/// One system by one program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The system.
    pub system: String,
    /// `baton cpu`, `OpenMM`, …
    pub runs_on: String,
    /// Each reading, in turn with the other programs' on this system.
    pub steps_per_second: Vec<f64>,
    /// Milliseconds of processor time a step, likewise; empty where it is not measured.
    #[serde(default)]
    pub processor_ms: Vec<f64>,
}

impl Entry {
    /// An entry without rows: this commit, this machine.
    ///
    /// # Errors
    /// Git does not say which commit this is.
    pub fn here(threads: usize) -> Result<Self> {
        let git = |arguments: &[&str]| -> Result<String> {
            let mut command = Command::new("git");
            let output = command.arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output()?;
            anyhow::ensure!(output.status.success(), "git {}: no answer", arguments.join(" "));
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let changed = if git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
            ""
        } else {
            "+"
        };
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let model = model.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
        Ok(Self {
            date: git(&["show", "-s", "--format=%cs", "HEAD"])?,
            commit: git(&["rev-parse", "--short=7", "HEAD"])? + changed,
            machine: format!("{model}, {threads} threads"),
            rows: Vec::new(),
        })
    }

    /// The medians as a table in Markdown, each system's rows beside OpenMM's.
    pub fn table(&self) -> Vec<String> {
        let mut lines = vec![
            "| system | runs on | steps/s | ours / OpenMM | processor ms a step | OpenMM / ours |".to_owned(),
            "|---|---|---|---|---|---|".to_owned(),
        ];
        for row in &self.rows {
            let peer = self
                .rows
                .iter()
                .find(|peer| peer.system == row.system && peer.runs_on == OPENMM);
            let peer = peer.filter(|_| row.runs_on != OPENMM);
            let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
            let over = |a: Option<f64>, b: Option<f64>| number(a.zip(b).map(|(a, b)| a / b));
            let rate = median(&row.steps_per_second);
            let processor = median(&row.processor_ms);
            lines.push(format!(
                "| {} | {} | {} | {} | {} | {} |",
                row.system,
                row.runs_on,
                number(rate),
                over(rate, peer.and_then(|peer| median(&peer.steps_per_second))),
                number(processor),
                over(peer.and_then(|peer| median(&peer.processor_ms)), processor),
            ));
        }
        lines
    }
}

/// The name of the peer that every system has.
pub const OPENMM: &str = "OpenMM CPU platform";
/// Ours on the CPU device.
pub const OURS: &str = "Baton cpu";

/// All entries of a file, oldest first.
///
/// # Errors
/// The file cannot be read, or a line is none.
pub fn read(path: &Path) -> Result<Vec<Entry>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate();
    let entry = |(number, line)| serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), number + 1));
    lines.map(entry).collect()
}

/// Steps per second of ours, in those of OpenMM's CPU platform, for each system over the entries, as SVG.
///
/// # Errors
/// No entry has both, or the drawing library refuses.
pub fn plot(entries: &[Entry]) -> Result<String> {
    let mut curves: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        for row in entry.rows.iter().filter(|row| row.runs_on == OURS) {
            let peer = entry
                .rows
                .iter()
                .find(|peer| peer.system == row.system && peer.runs_on == OPENMM);
            let rates = median(&row.steps_per_second).zip(peer.and_then(|peer| median(&peer.steps_per_second)));
            if let Some((ours, theirs)) = rates.filter(|(_, theirs)| *theirs > 0.0) {
                curves.entry(&row.system).or_default().push((index as f64, ours / theirs));
            }
        }
    }
    let all = curves.values().flatten();
    let top = all.map(|(_, ratio)| *ratio).fold(0.0, f64::max) * 1.1;
    anyhow::ensure!(top > 0.0, "no entry has both {OURS} and {OPENMM}");
    let mut svg = String::new();
    let refused = |error: &dyn std::fmt::Display| anyhow!("the plot cannot be drawn: {error}");
    {
        let root = SVGBackend::with_string(&mut svg, (1000, 480)).into_drawing_area();
        root.fill(&WHITE).map_err(|error| refused(&error))?;
        let last = entries.len().saturating_sub(1) as f64;
        let mut chart = ChartBuilder::on(&root)
            .caption("Steps per second, ours / OpenMM's CPU platform", ("sans-serif", 22))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(48)
            .build_cartesian_2d(-0.2..last + 0.2, 0.0..top)
            .map_err(|error| refused(&error))?;
        let name = |x: &f64| {
            let entry = entries.get(x.round() as usize).filter(|_| x.fract() == 0.0 && *x >= 0.0);
            entry.map_or_else(String::new, |entry| format!("{} {}", entry.date, entry.commit))
        };
        chart
            .configure_mesh()
            .x_labels(entries.len().min(8))
            .x_label_formatter(&name)
            .draw()
            .map_err(|error| refused(&error))?;
        for (index, (system, points)) in curves.into_iter().enumerate() {
            let colour = Palette99::pick(index).to_rgba();
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(4);
            let drawn = chart.draw_series(line).map_err(|error| refused(&error))?;
            drawn
                .label(system)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        let mut labels = chart.configure_series_labels();
        let labels = labels
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8));
        labels.border_style(BLACK.mix(0.3)).draw().map_err(|error| refused(&error))?;
        root.present().map_err(|error| refused(&error))?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(commit: &str, ours: f64) -> Entry {
        let row = |runs_on: &str, rate: f64, processor_ms: f64| Reading {
            system: "melt".to_owned(),
            runs_on: runs_on.to_owned(),
            steps_per_second: vec![rate],
            processor_ms: vec![processor_ms],
        };
        Entry {
            date: "2026-01-01".to_owned(),
            commit: commit.to_owned(),
            machine: String::new(),
            rows: vec![row(OURS, ours, 10.0), row(OPENMM, 50.0, 30.0)],
        }
    }

    #[test]
    fn a_table_has_both_ratios_and_a_plot_every_entry() {
        let entries = [entry("aaaaaaa", 100.0), entry("bbbbbbb", 75.0)];
        assert_eq!(entries[0].table()[2], "| melt | Baton cpu | 100.00 | 2.00 | 10.00 | 3.00 |");
        assert_eq!(
            entries[0].table()[3],
            "| melt | OpenMM CPU platform | 50.00 | - | 30.00 | - |"
        );
        let svg = plot(&entries).expect("it is drawn");
        assert!(svg.contains("aaaaaaa") && svg.contains("bbbbbbb") && svg.contains("melt"));
        assert!(plot(&[]).is_err());
    }

    #[test]
    fn the_committed_history_is_read_and_drawn() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let entries = read(&path).expect("each line is an entry");
        let has_peer = |entry: &Entry| entry.rows.iter().any(|row| row.runs_on == OPENMM);
        assert!(!entries.iter().any(has_peer) || plot(&entries).is_ok_and(|svg| svg.contains("</svg>")));
    }
}
