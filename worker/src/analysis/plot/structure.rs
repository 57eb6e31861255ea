//! Figures of a liquid's structure and motion: g(r), and the mean square displacement.

use super::figure::{Curve, Figure, Mark, Panel};

/// The radial distribution function; `r` in the unit that is named, with its first peak `(r, g)` where it has one.
pub(crate) fn rdf(points: &[(f64, f64)], unit: &str, peak: Option<(f64, f64)>, subtitle: &str) -> Figure {
    let level: Vec<(f64, f64)> = [points.first(), points.last()]
        .into_iter()
        .flatten()
        .map(|point| (point.0, 1.0))
        .collect();
    let panel = Panel {
        axis: "g(r)".into(),
        curves: vec![
            Curve {
                name: None,
                points: level,
                colour: 3,
                thin: true,
            },
            Curve {
                name: None,
                points: points.to_vec(),
                colour: 0,
                thin: false,
            },
        ],
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
    }
}

/// Mean square displacement over the time between two looks, with the line that the diffusion coefficient is the slope of.
pub(crate) fn displacement(
    points: &[(f64, f64)],
    fit: [(f64, f64); 2],
    units: (&str, &str),
    note: &str,
    subtitle: &str,
) -> Figure {
    let (length, time) = units;
    let panel = Panel {
        axis: format!("⟨Δr²⟩ ({length}²)"),
        curves: vec![
            Curve {
                name: Some("mean square displacement".into()),
                points: points.to_vec(),
                colour: 0,
                thin: false,
            },
            Curve {
                name: Some("slope 6 D".into()),
                points: fit.to_vec(),
                colour: 1,
                thin: true,
            },
        ],
        note: note.to_owned(),
        from: Some(0.0),
        ..Panel::default()
    };
    Figure {
        title: "Diffusion".into(),
        subtitle: subtitle.to_owned(),
        axis: format!("Time ({time})"),
        panels: vec![panel],
    }
}
