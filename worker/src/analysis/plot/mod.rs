//! Figures of a run as SVG.
//!
//! | module | owns |
//! |---|---|
//! | [`figure`] | how every figure looks: stacked panels over one horizontal axis |
//! | [`series`] | observables over time, energy drift |
//! | [`structure`] | g(r), mean square displacement, deviation and torsions of a molecule |

pub(crate) mod figure;
pub(crate) mod series;
pub(crate) mod structure;

use std::path::{Path, PathBuf};

use anyhow::Context;
use kernels::run::RunDir;

use crate::analysis::physics::diffusion::Diffusion;
use crate::analysis::physics::of_run::Physics;
use crate::console::output;
use figure::Figure;
use structure::Named;

/// Draw everything a run has to show into a folder; returns the files.
///
/// # Errors
/// The run's files are not whole, or the folder cannot be written.
pub(crate) fn of_run(dir: &RunDir, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    draw(dir, &Physics::of(dir, None, &[])?, folder)
}

/// Draw physics that is known already.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn draw(dir: &RunDir, physics: &Physics, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut files = Vec::new();
    for (name, figure) in figures(dir, physics) {
        let file = folder.join(name);
        let svg = figure.svg()?;
        output::file(&file, |out| Ok(out.write_all(svg.as_bytes())?))?;
        files.push(file);
    }
    Ok(files)
}

fn figures(dir: &RunDir, physics: &Physics) -> Vec<(String, Figure)> {
    let manifest = dir.package().manifest();
    let subtitle = if physics.atoms > 0 {
        format!("{}, {} atoms", manifest.name, physics.atoms)
    } else {
        manifest.name.clone()
    };
    let mut figures = series::figures_of(&physics.table, physics.from, &subtitle);
    if let (Some(drift), Some(total)) = (&physics.drift, physics.conserved.and_then(|name| physics.table.column(name))) {
        let points = total.since(physics.from);
        let unit = total.unit.as_deref().unwrap_or("");
        let figure = series::drift(&points, unit, physics.atoms, drift.line.slope, &physics.table.axis, &subtitle);
        figures.push(("drift.svg".into(), figure));
    }
    let Some(shape) = &physics.positions else { return figures };
    // Structure is looked at in Angstrom, as in the literature.
    let factor = shape.to_angstrom();
    let unit = if factor == 10.0 {
        "Å"
    } else {
        shape.unit.as_deref().unwrap_or("length")
    };
    if let Some(first) = physics.rdf.first() {
        let curves = physics.pair_names().into_iter().zip(&physics.rdf).map(|(name, rdf)| Named {
            name,
            points: rdf.points.iter().map(|(r, g)| (r * factor, *g)).collect(),
        });
        let peak = first.peak.filter(|_| physics.rdf.len() == 1).map(|(r, g)| (r * factor, g));
        figures.push(("rdf.svg".into(), structure::rdf(curves.collect(), unit, peak, &subtitle)));
    }
    if let Some(deviation) = &physics.deviation {
        let points = deviation.points.iter().map(|(time, value)| (*time, value * factor)).collect();
        let note = format!(
            "{} atoms, from the first frame, after the best superposition",
            deviation.atoms
        );
        figures.push((
            "rmsd.svg".into(),
            structure::deviation(points, unit, &physics.table.axis, &note, &subtitle),
        ));
    }
    if !physics.torsions.is_empty() {
        let axis = &physics.table.axis;
        figures.push(("torsions.svg".into(), structure::torsions(&physics.torsions, axis, &subtitle)));
    }
    if let [first, second, ..] = &physics.torsions[..] {
        let figure = structure::torsion_map([first, second], physics.from, &subtitle);
        figures.push(("torsion-map.svg".into(), figure));
    }
    if let Ok(found) = &physics.diffusion {
        let area = factor * factor;
        let of_kind = |(name, found): (Option<String>, &Diffusion)| {
            let points: Vec<(f64, f64)> = found.points.iter().map(|(time, value)| (*time, value * area)).collect();
            let end = points.last().map_or(0.0, |point| point.0);
            let fit = [0.0, end].map(|time| (time, found.line.at(time) * area));
            (Named { name, points }, fit)
        };
        let kinds = physics.kind_names().into_iter().zip(found).map(of_kind).collect();
        let note = |(name, found): (Option<String>, &Diffusion)| {
            let name = name.map(|name| format!(" of {name}")).unwrap_or_default();
            match unit {
                "Å" => format!("D{name} = {:.2} × 10⁻⁵ cm²/s", found.coefficient * 1e3),
                _ => format!("D{name} = {:.3e} {unit}²/ps", found.coefficient),
            }
        };
        let notes: Vec<String> = physics.kind_names().into_iter().zip(found).map(note).collect();
        figures.push((
            "diffusion.svg".into(),
            structure::displacement(kinds, (unit, "ps"), &notes.join(", "), &subtitle),
        ));
    }
    figures
}
