//! How every figure looks: a title, then panels stacked over one horizontal axis, each with a light grid and its unit on the axis.
//!
//! Drawn at 1600 pixels of width, since the backend rounds to whole ones; SVG scales it to any size.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 1600;
const TITLE: u32 = 110;
const PANEL: u32 = 420;
const AXIS: u32 = 96;
const LEFT: u32 = 210;
/// Points of a curve beyond which only the extremes of equal bins are drawn.
const POINTS_MAX: usize = 3000;

const INK: RGBColor = RGBColor(38, 43, 51);
const FAINT: RGBColor = RGBColor(110, 118, 129);
const GRID: RGBColor = RGBColor(228, 231, 236);
/// Blue, vermilion, green, purple: told apart by the colour-blind (Okabe and Ito).
pub(crate) const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
];

/// A line through points.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// Named in the legend; none without a name.
    pub(crate) name: Option<String>,
    /// Where it goes, left to right.
    pub(crate) points: Vec<(f64, f64)>,
    /// Index into the palette.
    pub(crate) colour: usize,
    /// How it is drawn.
    pub(crate) stroke: Stroke,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stroke {
    /// A line: data in order.
    Line,
    /// A thin line: a fit or a reference rather than data.
    Thin,
    /// A dot for each point.
    Dots,
}

/// A vertical line with a word: where a value from elsewhere lies.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// Position on the x axis.
    pub(crate) x: f64,
    /// Text beside the line.
    pub(crate) label: String,
}

/// Curves over one vertical axis.
#[derive(Clone, Debug, Default)]
pub(crate) struct Panel {
    /// Vertical axis: quantity and unit.
    pub(crate) axis: String,
    /// Curves.
    pub(crate) curves: Vec<Curve>,
    /// Vertical lines.
    pub(crate) marks: Vec<Mark>,
    /// A line of text in the panel's upper right corner.
    pub(crate) note: String,
    /// Where the vertical axis begins, if not just below the data.
    pub(crate) from: Option<f64>,
}

/// A whole figure.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// Title.
    pub(crate) title: String,
    /// Second, fainter line.
    pub(crate) subtitle: String,
    /// Horizontal axis: quantity and unit.
    pub(crate) axis: String,
    /// Panels, top to bottom.
    pub(crate) panels: Vec<Panel>,
    /// Both axes over this range, in square panels; none where axes follow the data.
    pub(crate) range: Option<Range<f64>>,
}

impl Figure {
    /// The figure as SVG text.
    ///
    /// # Errors
    /// The drawing library refuses, which it does for axes without extent.
    pub(crate) fn svg(&self) -> anyhow::Result<String> {
        let mut svg = String::new();
        let panels = u32::try_from(self.panels.len())?;
        let panel_height = if self.range.is_some() { WIDTH - LEFT } else { PANEL };
        let height = TITLE + panels * panel_height + AXIS;
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
            let failed = |error: DrawingAreaErrorKind<_>| anyhow::anyhow!("cannot draw '{}': {error}", self.title);
            root.fill(&WHITE).map_err(failed)?;
            root.draw(&Text::new(
                self.title.as_str(),
                (48, 30),
                font(44).style(FontStyle::Bold).color(&INK),
            ))
            .map_err(failed)?;
            root.draw(&Text::new(self.subtitle.as_str(), (48, 80), font(28).color(&FAINT)))
                .map_err(failed)?;
            let x = self.range.clone();
            let x = x.unwrap_or_else(|| extent(self.panels.iter().flat_map(xs), 0.0));
            let (_, mut rest) = root.split_vertically(TITLE);
            for (index, panel) in self.panels.iter().enumerate() {
                let is_last = index + 1 == self.panels.len();
                let (area, below) = rest.split_vertically(panel_height + if is_last { AXIS } else { 0 });
                rest = below;
                let y = self.range.clone().unwrap_or_else(|| panel.extent());
                draw(&area, panel, [x.clone(), y], is_last.then_some(self.axis.as_str())).map_err(failed)?;
            }
            root.present().map_err(failed)?;
        }
        Ok(svg)
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

impl Panel {
    /// Of the vertical axis.
    fn extent(&self) -> Range<f64> {
        let points = self.curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1));
        let mut y = extent(points, 0.08);
        if !self.note.is_empty() {
            // Room for the note above the curves.
            y.end += (y.end - y.start) * 0.14;
        }
        if let Some(from) = self.from {
            y.start = from;
        }
        y
    }
}

fn draw<'a>(area: &Area<'a>, panel: &Panel, [x, y]: [Range<f64>; 2], x_axis: Option<&str>) -> Drawn<'a> {
    let mut builder = ChartBuilder::on(area);
    builder
        .margin_top(26)
        .margin_right(60)
        .margin_left(30)
        .y_label_area_size(LEFT);
    builder.x_label_area_size(if x_axis.is_some() { AXIS } else { 0 });
    let mut chart = builder.build_cartesian_2d(x.clone(), y.clone())?;
    let (x_text, y_text) = (tick_text(&x), tick_text(&y));
    chart
        .configure_mesh()
        .bold_line_style(GRID.stroke_width(2))
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT.stroke_width(2))
        .x_labels(9)
        .y_labels(if x == y { 9 } else { 6 })
        .x_label_formatter(&x_text)
        .y_label_formatter(&y_text)
        .label_style(font(28).color(&INK))
        .axis_desc_style(font(31).color(&INK))
        .x_desc(x_axis.unwrap_or_default())
        .y_desc(panel.axis.as_str())
        .draw()?;
    for mark in &panel.marks {
        let line = DashedLineSeries::new([(mark.x, y.start), (mark.x, y.end)], 10, 8, FAINT.stroke_width(2));
        chart.draw_series(line)?;
        let at = (mark.x + (x.end - x.start) * 0.006, y.end - (y.end - y.start) * 0.03);
        chart.draw_series([Text::new(mark.label.clone(), at, font(26).color(&FAINT))])?;
    }
    for curve in &panel.curves {
        let colour = COLOURS[curve.colour % COLOURS.len()];
        let drawn = match curve.stroke {
            Stroke::Dots => {
                let dots = curve.points.iter().filter(|point| point.0.is_finite() && point.1.is_finite());
                chart.draw_series(dots.map(|point| Circle::new(*point, 4, colour.mix(0.5).filled())))?
            }
            stroke => {
                let width = if stroke == Stroke::Thin { 2 } else { 3 };
                chart.draw_series(LineSeries::new(thinned(&curve.points), colour.stroke_width(width)))?
            }
        };
        if let Some(name) = &curve.name {
            drawn
                .label(name.clone())
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 40, y)], colour.stroke_width(5)));
        }
    }
    if panel.curves.iter().any(|curve| curve.name.is_some()) {
        let mut labels = chart.configure_series_labels();
        labels
            .position(SeriesLabelPosition::LowerRight)
            .legend_area_size(56)
            .margin(16);
        labels
            .label_font(font(27).color(&INK))
            .background_style(WHITE.mix(0.85))
            .border_style(TRANSPARENT)
            .draw()?;
    }
    let (right, top) = (
        chart.plotting_area().get_x_axis_pixel_range().end,
        chart.plotting_area().get_y_axis_pixel_range().start,
    );
    let (left, above) = area.get_base_pixel();
    let style = font(27).color(&INK).pos(Pos::new(HPos::Right, VPos::Top));
    area.draw(&Text::new(panel.note.as_str(), (right - left - 16, top - above + 12), style))
}

fn font<'a>(pixels: u32) -> TextStyle<'a> {
    // The backend divides font sizes by this, to make up for fonts it measures itself.
    ("Helvetica, Arial, DejaVu Sans, sans-serif", f64::from(pixels) * 1.24)
        .into_font()
        .into()
}

trait Bold {
    fn style(self, style: FontStyle) -> Self;
}

impl Bold for TextStyle<'_> {
    fn style(mut self, style: FontStyle) -> Self {
        self.font = self.font.style(style);
        self
    }
}

fn xs(panel: &Panel) -> impl Iterator<Item = f64> + '_ {
    panel.curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.0))
}

/// Range of finite values, widened by a share of itself on both sides; never without extent.
fn extent(values: impl Iterator<Item = f64>, share: f64) -> Range<f64> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    let span = high - low;
    if span <= low.abs().max(high.abs()) * 1e-12 {
        let half = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
        return low - half..high + half;
    }
    low - span * share..high + span * share
}

/// Text of a tick with as many decimals as a tenth of the range needs, or in powers of ten where numbers are very large or small.
fn tick_text(range: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
    let step = (range.end - range.start) / 10.0;
    let largest = range.start.abs().max(range.end.abs());
    let decimals = (-step.log10()).ceil().clamp(0.0, 12.0) as usize;
    let powers = !(1e-3..1e6).contains(&largest);
    move |value: &f64| {
        if value.abs() < step * 1e-6 {
            return "0".into();
        }
        if powers {
            format!("{value:.1e}").replace('-', "\u{2212}")
        } else {
            format!("{value:.decimals$}").replace('-', "\u{2212}")
        }
    }
}

/// At most [`POINTS_MAX`] points: lowest and highest of each bin, in their order, so that no spike is lost.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|point| point.0.is_finite() && point.1.is_finite())
        .collect();
    if finite.len() <= POINTS_MAX {
        return finite;
    }
    let bin = finite.len().div_ceil(POINTS_MAX / 2);
    let extremes = |bin: &[(f64, f64)]| {
        let by_y = |a: &usize, b: &usize| bin[*a].1.total_cmp(&bin[*b].1);
        let (low, high) = (
            (0..bin.len()).min_by(by_y).unwrap_or(0),
            (0..bin.len()).max_by(by_y).unwrap_or(0),
        );
        [bin[low.min(high)], bin[low.max(high)]]
    };
    finite.chunks(bin).flat_map(extremes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(points: Vec<(f64, f64)>) -> Figure {
        let curve = Curve {
            name: Some("data".into()),
            points,
            colour: 0,
            stroke: Stroke::Line,
        };
        let panel = Panel {
            axis: "Temperature (K)".into(),
            curves: vec![curve],
            note: "mean 94.4 K".into(),
            ..Panel::default()
        };
        Figure {
            title: "T < 100".into(),
            subtitle: "argon".into(),
            axis: "Time (ps)".into(),
            panels: vec![panel],
            range: None,
        }
    }

    #[test]
    fn figures_carry_their_words_and_survive_hard_data() {
        for points in [
            vec![],
            vec![(0.0, 1.0)],
            vec![(0.0, 0.0), (1.0, 0.0)],
            vec![(0.0, f64::NAN), (1.0, 2.0), (2.0, f64::INFINITY)],
            (0..100_000).map(|i| (f64::from(i), f64::from(i % 7))).collect(),
        ] {
            let svg = figure(points).svg().unwrap();
            for word in ["T &lt; 100", "Temperature (K)", "Time (ps)", "mean 94.4 K", "</svg>"] {
                assert!(svg.contains(word), "{word}");
            }
            assert!(svg.len() < 300_000, "{}", svg.len());
        }
    }

    #[test]
    fn thinning_keeps_every_spike() {
        let mut points: Vec<(f64, f64)> = (0..50_000).map(|i| (f64::from(i), 0.0)).collect();
        points[12_345].1 = 9.0;
        points[40_000].1 = -9.0;
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS_MAX);
        assert!(thin.contains(&(12_345.0, 9.0)) && thin.contains(&(40_000.0, -9.0)));
        assert!(thin.is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn ticks_tell_neighbours_apart() {
        let text = tick_text(&(-4520.31..-4520.27));
        assert_ne!(text(&-4520.30), text(&-4520.29));
        assert_eq!(tick_text(&(0.0..100.0))(&20.0), "20");
    }
}
