//! The report as one HTML file that needs nothing else: tables, and plots as SVG inside.

use std::fmt::Write as _;

use plotters::prelude::*;

use crate::calibration::Calibration;
use crate::comparison::{Comparison, Summary};
use crate::parameters::Parameters;

const SIZE: (u32, u32) = (760, 320);
/// Told apart by the colour-blind (Okabe and Ito).
const COLOURS: [RGBColor; 3] = [RGBColor(213, 94, 0), RGBColor(0, 114, 178), RGBColor(0, 158, 115)];
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#262b33}\
table{border-collapse:collapse;margin:1em 0}td,th{padding:.25em .8em;border-bottom:1px solid #e4e7ec;text-align:right}\
td:first-child,th:first-child{text-align:left}pre{background:#f5f6f8;padding:1em;overflow:auto}svg{max-width:100%;height:auto}";

/// One line of the table: what, and how to read it from a summary.
type Line = (&'static str, fn(&Summary) -> String);

const LINES: &[Line] = &[
    ("jobs completed a day", |s| format!("{:.0}", s.completed_per_day)),
    ("throughput, % of the work that hosts could do while up", |s| {
        percent(s.throughput)
    }),
    ("wasted, % of work", |s| percent(s.wasted)),
    ("computed once more to verify, % of work", |s| percent(s.checked)),
    ("turnaround, hours: median", |s| hours(s.turnaround_median_h)),
    ("turnaround, hours: 95 %", |s| hours(s.turnaround_95_h)),
    ("results within a day of the first start, %", |s| percent(s.within_a_day)),
    ("urgent job, hours: median", |s| hours(s.urgent_median_h)),
    ("urgent job, hours: 95 %", |s| hours(s.urgent_95_h)),
    ("an hour left when the host goes down, hours to the result: median", |s| {
        hours(s.last_hour_median_h)
    }),
    ("the same: 95 %", |s| hours(s.last_hour_95_h)),
    ("stranded for six hours and more, times for each 1000 jobs", |s| {
        format!("{:.1}", s.stranded_per_1000)
    }),
    ("jobs that went on on another host, times", |s| s.moves.to_string()),
    ("jobs begun anew, times", |s| s.restarts.to_string()),
    ("moved, GB", |s| format!("{:.0}", s.moved_gb)),
    ("compute minutes for each MB moved", |s| format!("{:.1}", s.minutes_per_mb)),
];

fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

fn hours(hours: Option<f64>) -> String {
    hours.map_or_else(|| "none".to_owned(), |hours| format!("{hours:.2}"))
}

/// The page of a comparison, its variations, and the population's calibration.
///
/// # Errors
/// The drawing library refuses, which it does for axes without extent.
pub fn render(
    comparison: &Comparison,
    variations: &[(String, Comparison)],
    calibration: &Calibration,
) -> Result<String, String> {
    let mut page = String::new();
    let Parameters {
        hosts,
        servers,
        days,
        seed,
        ..
    } = comparison.parameters;
    let of = if comparison.traced {
        "Recorded hosts".to_owned()
    } else {
        format!("{hosts} hosts")
    };
    let shared = match servers {
        1 => String::new(),
        _ => format!(" shared evenly by {servers} servers, none of which knows of the others"),
    };
    let mut put = |text: String| page.push_str(&text);
    put(format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Batch against time-sharing</title><style>{STYLE}</style>\n\
         <h1>Batch against time-sharing, simulated</h1>\n<p>{of}{shared}, {days} days, seed {seed}. Hosts and jobs are the same under each policy; \
         \"moving\" is the serving core itself, without verification and with the usual one (<code>--verify sampled</code>).</p>\n<h2>Policies</h2>\n"
    ));
    put(table(&comparison.policies));
    let bars = |value: fn(&Summary) -> f64| -> Vec<(&str, f64)> {
        comparison
            .policies
            .iter()
            .map(|summary| (summary.policy, value(summary)))
            .collect()
    };
    put(bar_chart("Wasted, % of work", &bars(|s| s.wasted * 100.0))?);
    put(bar_chart(
        "Turnaround, 95 %, hours",
        &bars(|s| s.turnaround_95_h.unwrap_or(0.0)),
    )?);
    put(bar_chart(
        "Stranded for six hours and more, for each 1000 jobs",
        &bars(|s| s.stranded_per_1000),
    )?);
    if !variations.is_empty() {
        put("<h2>When something is different</h2>\n".to_owned());
    }
    for (name, variation) in variations {
        put(format!("<h3>{}</h3>\n{}", escape(name), table(&variation.policies)));
    }
    put("<h2>The paper's figures</h2>\n<table><tr><th>%</th><th>paper</th><th>simulated</th></tr>\n".to_owned());
    for row in &calibration.rows {
        put(format!(
            "<tr><td>{}</td><td>{}</td><td>{:.2}</td></tr>\n",
            escape(&row.what),
            row.paper,
            row.simulated
        ));
    }
    put("</table>\n".to_owned());
    let curve = |points: &[(u64, f64)]| points.iter().map(|(day, value)| (*day as f64, *value)).collect::<Vec<_>>();
    put(line_chart(
        "Figure 1: hosts that remained, %, by day",
        &curve(&calibration.retention),
    )?);
    put(line_chart(
        "Figure 1: hosts leaving, % a day, by day",
        &curve(&calibration.loss),
    )?);
    let ranked: Vec<(f64, f64)> = calibration
        .hours
        .iter()
        .enumerate()
        .map(|(rank, hours)| (rank as f64, *hours))
        .collect();
    put(line_chart("Figure 2: hours a day, by rank", &ranked)?);
    let network: Vec<(f64, f64)> = calibration
        .network
        .iter()
        .map(|(addresses, check_ins)| (*check_ins as f64, *addresses as f64))
        .collect();
    let title = "Figure 3: distinct addresses (up) against check-ins (across, to 100)";
    put(point_chart(title, &network, 100.0, false)?);
    let parameters = comparison.parameters.toml().map_err(|error| error.to_string())?;
    put(format!("<h2>Parameters</h2>\n<pre>{}</pre>\n</html>\n", escape(&parameters)));
    Ok(page)
}

fn table(policies: &[Summary]) -> String {
    let mut table = "<table><tr><th></th>".to_owned();
    for summary in policies {
        let _ = write!(table, "<th>{}</th>", summary.policy);
    }
    table.push_str("</tr>\n");
    for (name, read) in LINES {
        let _ = write!(table, "<tr><td>{name}</td>");
        for summary in policies {
            let _ = write!(table, "<td>{}</td>", read(summary));
        }
        table.push_str("</tr>\n");
    }
    table + "</table>\n"
}

/// The same table as lines of Markdown.
#[must_use]
pub fn markdown(policies: &[Summary]) -> String {
    let names: Vec<&str> = policies.iter().map(|summary| summary.policy).collect();
    let mut table = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for (name, read) in LINES {
        let values: Vec<String> = policies.iter().map(read).collect();
        let _ = writeln!(table, "| {name} | {} |", values.join(" | "));
    }
    table
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn bar_chart(title: &str, bars: &[(&str, f64)]) -> Result<String, String> {
    let most = bars.iter().map(|(_, value)| *value).fold(1e-9, f64::max) * 1.1;
    let mut svg = String::new();
    let failed = |error: String| format!("cannot draw {title:?}: {error}");
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..bars.len() as f64, 0.0..most)
            .map_err(|error| failed(error.to_string()))?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .draw()
            .map_err(|error| failed(error.to_string()))?;
        for (index, (name, value)) in bars.iter().enumerate() {
            let (left, right) = (index as f64 + 0.2, index as f64 + 0.8);
            let colour = COLOURS[index % COLOURS.len()];
            let bar = Rectangle::new([(left, 0.0), (right, *value)], colour.filled());
            let label = Text::new(
                format!("{name}: {value:.2}"),
                (left, *value + most * 0.06),
                ("sans-serif", 16),
            );
            chart.draw_series([bar]).map_err(|error| failed(error.to_string()))?;
            chart.draw_series([label]).map_err(|error| failed(error.to_string()))?;
        }
        root.present().map_err(|error| failed(error.to_string()))?;
    }
    Ok(svg + "\n")
}

/// Points, across from 0 to `right`: joined by a line, or each a dot.
fn point_chart(title: &str, points: &[(f64, f64)], right: f64, joined: bool) -> Result<String, String> {
    let most = points.iter().map(|(_, y)| *y).fold(1e-9, f64::max) * 1.05;
    let mut svg = String::new();
    let failed = |error: String| format!("cannot draw {title:?}: {error}");
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..right, 0.0..most)
            .map_err(|error| failed(error.to_string()))?;
        chart.configure_mesh().draw().map_err(|error| failed(error.to_string()))?;
        let points = points.iter().copied().filter(|(x, _)| *x <= right);
        let drawn = match joined {
            true => chart
                .draw_series(LineSeries::new(points, COLOURS[1].stroke_width(2)))
                .map(drop),
            false => chart
                .draw_series(points.map(|point| Circle::new(point, 3, COLOURS[1].mix(0.5).filled())))
                .map(drop),
        };
        drawn.map_err(|error| failed(error.to_string()))?;
        root.present().map_err(|error| failed(error.to_string()))?;
    }
    Ok(svg + "\n")
}

fn line_chart(title: &str, points: &[(f64, f64)]) -> Result<String, String> {
    let right = points.last().map_or(1.0, |(x, _)| x.max(1.0));
    point_chart(title, points, right, true)
}
