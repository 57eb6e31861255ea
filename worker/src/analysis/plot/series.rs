//! Observables over time: one figure for each unit, one panel for each column of it.

use std::collections::BTreeMap;

use crate::analysis::observables::{Column, Table, name_and_unit};
use crate::console::progress::figures;

use super::figure::{Curve, Figure, Panel, Stroke};

/// Panels in one figure at most; what is more gets figures of its own.
const PANELS_MAX: usize = 4;

/// Figures of all columns, each with a file name. Means are of what lies at `from` and later.
pub(crate) fn figures_of(table: &Table, from: f64, subtitle: &str) -> Vec<(String, Figure)> {
    let mut groups: BTreeMap<&str, Vec<(usize, &Column)>> = BTreeMap::new();
    for (index, column) in table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| !column.points.is_empty())
    {
        groups
            .entry(column.unit.as_deref().unwrap_or(""))
            .or_default()
            .push((index, column));
    }
    let mut drawn: Vec<(String, Figure)> = Vec::new();
    for columns in groups.values() {
        for columns in columns.chunks(PANELS_MAX) {
            let names: Vec<String> = columns.iter().map(|(_, column)| words(&column.name)).collect();
            let is_energy = columns.len() > 1 && columns.iter().all(|(_, column)| is_energy(column));
            let title = if is_energy {
                "Energy".to_owned()
            } else {
                capital(&names.join(", "))
            };
            let stem = if is_energy {
                "energy".to_owned()
            } else {
                columns[0].1.name.clone()
            };
            let panels = columns
                .iter()
                .enumerate()
                .map(|(index, (_, column))| panel(column, index, from))
                .collect();
            let figure = Figure {
                title,
                subtitle: subtitle.to_owned(),
                axis: table.axis.clone(),
                panels,
                range: None,
            };
            let stem = file_stem(&stem);
            let mut names = std::iter::once(format!("{stem}.svg")).chain((2..).map(|number| format!("{stem}-{number}.svg")));
            let free = names.find(|name| drawn.iter().all(|(taken, _)| taken != name));
            drawn.push((free.expect("the numbers do not end"), figure));
        }
    }
    drawn
}

/// The drift of a conserved energy: its distance from the first value for each atom, with the line fitted through it.
pub(crate) fn drift(total: &[(f64, f64)], unit: &str, atoms: u64, slope: f64, axis: &str, subtitle: &str) -> Figure {
    let first = total.first().map_or(0.0, |point| point.1);
    let points: Vec<(f64, f64)> = total
        .iter()
        .map(|(time, value)| (*time, (value - first) / atoms as f64))
        .collect();
    let count = points.len().max(1) as f64;
    let (mean_time, mean) = points.iter().fold((0.0, 0.0), |(time, value), point| {
        (time + point.0 / count, value + point.1 / count)
    });
    let line: Vec<(f64, f64)> = [points.first(), points.last()]
        .into_iter()
        .flatten()
        .map(|(time, _)| (*time, mean + slope * (time - mean_time)))
        .collect();
    let time = name_and_unit(axis).1.unwrap_or_else(|| "step".into());
    let note = format!("drift {slope:+.2e} {unit}/{time} per atom").replace('-', "\u{2212}");
    let curves = vec![
        Curve {
            name: None,
            points,
            colour: 0,
            stroke: Stroke::Line,
        },
        Curve {
            name: Some("linear fit".into()),
            points: line,
            colour: 1,
            stroke: Stroke::Thin,
        },
    ];
    let panel = Panel {
        axis: format!("(E − E₀) / N ({unit})"),
        curves,
        note,
        ..Panel::default()
    };
    Figure {
        title: "Conservation of energy".into(),
        subtitle: subtitle.to_owned(),
        axis: axis.to_owned(),
        panels: vec![panel],
        range: None,
    }
}

fn panel(column: &Column, index: usize, from: f64) -> Panel {
    let unit = column.unit.as_deref().map(|unit| format!(" ({unit})")).unwrap_or_default();
    let (mean, deviation) = column.mean_and_deviation(from);
    Panel {
        axis: format!("{}{unit}", capital(&words(&column.name))),
        curves: vec![Curve {
            name: None,
            points: column.points.clone(),
            colour: index,
            stroke: Stroke::Line,
        }],
        note: format!("mean {} ± {}", figures(mean), figures(deviation)).replace('-', "\u{2212}"),
        ..Panel::default()
    }
}

fn is_energy(column: &Column) -> bool {
    column
        .unit
        .as_deref()
        .is_some_and(|unit| unit.starts_with("kJ") || unit.starts_with("kcal"))
        || ["potential", "kinetic", "total"]
            .iter()
            .any(|word| column.name.contains(word))
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn file_stem(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, unit: Option<&str>) -> Column {
        Column {
            name: name.into(),
            unit: unit.map(str::to_owned),
            points: vec![(0.0, 1.0), (1.0, 3.0)],
        }
    }

    #[test]
    fn columns_of_one_unit_share_a_figure_and_every_column_is_drawn() {
        let columns = vec![
            column("temperature", Some("K")),
            column("potential_energy", Some("kJ/mol")),
            column("kinetic_energy", Some("kJ/mol")),
            column("sites", None),
        ];
        let drawn = figures_of(
            &Table {
                axis: "Time (ps)".into(),
                columns,
            },
            0.0,
            "",
        );
        let names: Vec<&str> = drawn.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["sites.svg", "temperature.svg", "energy.svg"]);
        let energy = &drawn[2].1;
        assert_eq!(energy.panels.len(), 2);
        assert_eq!(energy.panels[0].axis, "Potential energy (kJ/mol)");
        assert_eq!(energy.panels[0].note, "mean 2.00 ± 1.00");
    }
}
