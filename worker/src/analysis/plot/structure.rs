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
    let top = top(&curves);
    let measured = (0..).zip(curves).map(|(colour, curve)| Curve {
        name: curve.name,
        points: curve.points.into_iter().map(|(r, g)| (r, g.min(top))).collect(),
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
            .or_else(|| top.is_finite().then(|| "bonded pairs rise above the figure".to_owned()))
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

/// Where g(r) is cut: no liquid packs ten times as close as its mean, so what is above are atoms that hang together, and the highest of what comes behind them
/// (a fiftieth of the range further, for their feet) is what there is to see. Infinity where nothing is above.
fn top(curves: &[Named]) -> f64 {
    const BONDED: f64 = 10.0;
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let Some(last) = all().filter(|point| point.1 > BONDED).map(|point| point.0).reduce(f64::max) else {
        return f64::INFINITY;
    };
    let end = all().map(|point| point.0).fold(0.0, f64::max);
    let behind = all().filter(|point| point.0 > last + 0.02 * end).map(|point| point.1);
    1.1 * behind.reduce(f64::max).unwrap_or(BONDED).clamp(1.0, BONDED)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bond_does_not_hide_the_liquid() {
        let curve = |bond: f64| Named {
            name: None,
            points: (0..100)
                .map(|k| {
                    (
                        0.1 * f64::from(k),
                        if k == 10 {
                            bond
                        } else if k == 13 {
                            2.7
                        } else {
                            1.0
                        },
                    )
                })
                .collect(),
        };
        assert!((top(&[curve(1.0), curve(140.0)]) - 1.1 * 2.7).abs() < 1e-12);
        assert_eq!(top(&[curve(3.0)]), f64::INFINITY);
    }
}
