//! A job's observables as small line plots, drawn as SVG here: no script, no style of their own, colours of the page's style sheet.
//!
//! Each plot says in words what it shows, for those who do not see it.

use maud::{Markup, html};

use crate::observables::Series;

/// Width and height of a plot, in its own units, and the room around its curve.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 110.0;
const MARGIN: f64 = 6.0;

/// All of a job's plots; nothing where there is nothing to plot.
pub(super) fn plots(series: &Series, safe: u64) -> Markup {
    let drawn = (0..series.columns.len()).filter_map(|column| plot(series, column));
    let drawn: Vec<Markup> = drawn.collect();
    if drawn.is_empty() {
        return html! {};
    }
    html! {
        h3 { "Observables" }
        @if series.upto < safe { p.none { "Read up to segment " (series.upto) " of " (safe) " so far." } }
        @if series.left_out > 0 { p.none { "The outputs of " (series.left_out) " segments could not be shown: fetch them." } }
        div.plots { @for plot in &drawn { (plot) } }
    }
}

/// The curve of one column; none where it has fewer than two numbers.
fn plot(series: &Series, column: usize) -> Option<Markup> {
    let finite = |value: &f64| value.is_finite();
    let numbers = series.points.iter();
    let numbers = numbers.filter_map(|(time, cells)| Some((*time, cells.get(column).copied().flatten().filter(finite)?)));
    let points: Vec<(f64, f64)> = numbers.filter(|(time, _)| time.is_finite()).collect();
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        return None;
    }
    let least = points.iter().fold(f64::INFINITY, |least, (_, value)| least.min(*value));
    let most = points.iter().fold(f64::NEG_INFINITY, |most, (_, value)| most.max(*value));
    let along = |time: f64| MARGIN + place(time, first.0, last.0) * (WIDTH - 2.0 * MARGIN);
    let up = |value: f64| HEIGHT - MARGIN - place(value, least, most) * (HEIGHT - 2.0 * MARGIN);
    let curve: Vec<String> = points
        .iter()
        .map(|(time, value)| format!("{:.1},{:.1}", along(*time), up(*value)))
        .collect();
    let described = &series.columns[column];
    let unit = described.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
    let axis = series
        .time_unit
        .as_ref()
        .map_or("step".to_owned(), |unit| format!("time, {unit}"));
    let (from, to) = (short(first.0), short(last.0));
    let words = format!(
        "{}: {} to {}{unit}, the last {}, over {axis} {from} to {to}",
        described.name,
        short(least),
        short(most),
        short(last.1)
    );
    Some(html! {
        figure.plot data-key={ "plot-" (described.name) } {
            figcaption { (described.name) small { " " (short(last.1)) (unit) } }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(words) {
                polyline points=(curve.join(" ")) {}
            }
            p { small { (short(least)) " to " (short(most)) (unit) " · " (axis) " " (from) " to " (to) } }
        }
    })
}

/// Where a number lies between two others, 0 to 1; the middle where these are one.
fn place(value: f64, least: f64, most: f64) -> f64 {
    // Halves, so that the difference of two large numbers is finite.
    let (span, at) = (most / 2.0 - least / 2.0, value / 2.0 - least / 2.0);
    if span > 0.0 { at / span } else { 0.5 }
}

/// A number in six figures.
fn short(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e6).contains(&value.abs()) {
        return format!("{value:.4e}");
    }
    let before_point = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let decimals = (5.0 - before_point).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observables::Column;

    fn series(name: &str, values: &[Option<f64>]) -> Series {
        Series {
            columns: vec![Column {
                name: name.to_owned(),
                unit: Some("K".to_owned()),
            }],
            points: values
                .iter()
                .enumerate()
                .map(|(at, value)| (at as f64, vec![*value]))
                .collect(),
            upto: 3,
            ..Series::default()
        }
    }

    #[test]
    fn a_curve_stays_within_its_frame_whatever_the_numbers_are() {
        for values in [
            vec![Some(1.0), None, Some(3.0), Some(2.0)],
            vec![Some(5.0), Some(5.0)],
            vec![Some(f64::MAX), Some(f64::MIN), Some(f64::NAN), Some(f64::INFINITY)],
            vec![Some(1e-300), Some(-1e-300)],
        ] {
            let text = plots(&series("energy", &values), 3).into_string();
            let points = text
                .split("points=\"")
                .nth(1)
                .and_then(|text| text.split('"').next())
                .unwrap();
            for pair in points.split(' ') {
                let (x, y) = pair.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!(
                    (0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y),
                    "{values:?}: {pair}"
                );
            }
            assert!(text.contains("aria-label=\"energy: "), "{text}");
        }
        for values in [vec![], vec![Some(1.0)], vec![None, Some(2.0)]] {
            assert!(plots(&series("energy", &values), 3).into_string().is_empty());
        }
        let text = plots(&series("a<b>&\"", &[Some(1.0), Some(2.0)]), 5).into_string();
        assert!(!text.contains("<b>") && text.contains("Read up to segment 3 of 5"), "{text}");
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 25.0, 24.999_998_6, -0.5, 94.436_29, 123_456.789, 1e9, -1.5e-5].map(short);
        assert_eq!(
            shown,
            ["0", "25", "25", "-0.5", "94.4363", "123457", "1.0000e9", "-1.5000e-5"].map(str::to_owned)
        );
    }
}
