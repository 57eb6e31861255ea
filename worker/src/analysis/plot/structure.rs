//! Figures of a liquid's structure and motion: g(r), and the mean square displacement.

use super::figure::{Curve, Figure, Mark, Panel, Stroke};
use crate::analysis::physics::torsion::Torsion;

/// A curve of a figure, with its name where there are several.
pub(crate) struct Named {
    /// The name.
    pub(crate) name: Option<String>,
    /// The curve.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Radial distribution functions; `r` in the unit that is named. `peak` is the first peak `(r, g)` where there is one curve that has one.
pub(crate) fn rdf(curves: Vec<Named>, unit: &str, peak: Option<(f64, f64)>, subtitle: &str) -> Figure {
    let points = curves.first().map_or(&[][..], |curve| &curve.points);
    let level: Vec<(f64, f64)> = [points.first(), points.last()]
        .into_iter()
        .flatten()
        .map(|point| (point.0, 1.0))
        .collect();
    let level = Curve {
        name: None,
        points: level,
        colour: 3,
        stroke: Stroke::Thin,
    };
    let measured = (0..).zip(curves).map(|(colour, curve)| Curve {
        name: curve.name,
        points: curve.points,
        colour,
        stroke: Stroke::Line,
    });
    let panel = Panel {
        axis: "g(r)".into(),
        curves: [level].into_iter().chain(measured).collect(),
        marks: peak
            .iter()
            .map(|(r, _)| Mark {
                x: *r,
                label: format!("{r:.3} {unit}"),
            })
            .collect(),
        note: peak
            .map(|(r, g)| format!("first peak {g:.2} at {r:.3} {unit}"))
            .unwrap_or_default(),
        from: Some(0.0),
    };
    let title = "Radial distribution function".into();
    Figure {
        title,
        subtitle: subtitle.to_owned(),
        axis: format!("r ({unit})"),
        panels: vec![panel],
        range: None,
    }
}

/// Root mean square deviation of a molecule over time.
pub(crate) fn deviation(points: Vec<(f64, f64)>, unit: &str, axis: &str, note: &str, subtitle: &str) -> Figure {
    let panel = Panel {
        axis: format!("RMSD ({unit})"),
        curves: vec![Curve {
            name: None,
            points,
            colour: 0,
            stroke: Stroke::Line,
        }],
        note: note.to_owned(),
        from: Some(0.0),
        ..Panel::default()
    };
    Figure {
        title: "Largest molecule".into(),
        subtitle: subtitle.to_owned(),
        axis: axis.to_owned(),
        panels: vec![panel],
        range: None,
    }
}

/// Torsion angles over time, a panel each. Dots: an angle that passes 180 degrees is no jump.
pub(crate) fn torsions(torsions: &[Torsion], axis: &str, subtitle: &str) -> Figure {
    let panel = |torsion: &Torsion| Panel {
        axis: format!("{} (°)", torsion.asked.name),
        curves: vec![Curve {
            name: None,
            points: torsion.points.clone(),
            colour: 0,
            stroke: Stroke::Dots,
        }],
        ..Panel::default()
    };
    Figure {
        title: "Torsion angles".into(),
        subtitle: subtitle.to_owned(),
        axis: axis.to_owned(),
        panels: torsions.iter().map(panel).collect(),
        range: None,
    }
}

/// Two torsions of each frame from a time on, one over the other: of φ and ψ, Ramachandran's map.
pub(crate) fn torsion_map(torsions: [&Torsion; 2], from: f64, subtitle: &str) -> Figure {
    let [x, y] = torsions;
    let both = x.points.iter().zip(&y.points).filter(|(x, _)| x.0 >= from);
    let points: Vec<(f64, f64)> = both.map(|(x, y)| (x.1, y.1)).collect();
    let panel = Panel {
        axis: format!("{} (°)", y.asked.name),
        note: format!("{} frames", points.len()),
        curves: vec![Curve {
            name: None,
            points,
            colour: 0,
            stroke: Stroke::Dots,
        }],
        ..Panel::default()
    };
    Figure {
        title: format!("{} and {}", x.asked.name, y.asked.name),
        subtitle: subtitle.to_owned(),
        axis: format!("{} (°)", x.asked.name),
        panels: vec![panel],
        range: Some(-180.0..180.0),
    }
}

/// Mean square displacement over the time between two looks, with the line that the diffusion coefficient is the slope of; one of both for each
/// kind of atom.
pub(crate) fn displacement(kinds: Vec<(Named, [(f64, f64); 2])>, units: (&str, &str), note: &str, subtitle: &str) -> Figure {
    let (length, time) = units;
    let curves = (0..).zip(kinds).flat_map(|(index, (kind, fit))| {
        let of = kind.name.map(|name| format!(" of {name}")).unwrap_or_default();
        let measured = Curve {
            name: Some(format!("mean square displacement{of}")),
            points: kind.points,
            colour: 2 * index,
            stroke: Stroke::Line,
        };
        let line = Curve {
            name: Some("slope 6 D".into()),
            points: fit.to_vec(),
            colour: 2 * index + 1,
            stroke: Stroke::Thin,
        };
        [measured, line]
    });
    let panel = Panel {
        axis: format!("⟨Δr²⟩ ({length}²)"),
        curves: curves.collect(),
        note: note.to_owned(),
        from: Some(0.0),
        ..Panel::default()
    };
    Figure {
        title: "Diffusion".into(),
        subtitle: subtitle.to_owned(),
        axis: format!("Time ({time})"),
        panels: vec![panel],
        range: None,
    }
}
