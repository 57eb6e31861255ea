//! A report for people: each finding with the line it is about.

use super::report::{Finding, Level, LintReport, Place};

/// Characters of a source line that are shown.
const SHOWN_CHARS_MAX: usize = 160;

impl LintReport {
    /// The report as lines. Findings that the author accepts are counted, not shown.
    pub fn lines(&self) -> Vec<String> {
        let (accepted, shown): (Vec<&Finding>, Vec<&Finding>) =
            self.findings.iter().partition(|finding| finding.allowed.is_some());
        let mut lines: Vec<String> = shown.into_iter().flat_map(frame).collect();
        let count = |number: usize, what: &str| match number {
            1 => format!("1 {what}"),
            number => format!("{number} {what}s"),
        };
        let (errors, warnings) = (self.count(Level::Error), self.count(Level::Warning));
        let mut summary = match (errors, warnings) {
            (0, 0) => format!("{}: clean", self.subject),
            _ => format!("{}: {}, {}", self.subject, count(errors, "error"), count(warnings, "warning")),
        };
        if !accepted.is_empty() {
            summary.push_str(&format!(", {} accepted by comments", count(accepted.len(), "finding")));
        }
        lines.push(summary);
        lines
    }
}

fn frame(finding: &Finding) -> Vec<String> {
    let place = &finding.place;
    let related = finding.related.as_ref();
    let widest = related.map_or(place.line, |(other, _)| place.line.max(other.line));
    let margin = " ".repeat(widest.to_string().len());
    let mut lines = vec![
        format!("{}[{}]: {}", finding.level.as_str(), finding.rule.id, finding.message),
        format!("{margin}--> {}:{}:{}", place.file, place.line, place.column),
        format!("{margin} |"),
    ];
    lines.extend(code(place, &margin, "^"));
    if let Some((other, text)) = related {
        lines.push(format!("{margin}::: {}:{}:{}: {text}", other.file, other.line, other.column));
        lines.extend(code(other, &margin, "-"));
    }
    lines.push(format!("{margin} = why: {}", finding.rule.why));
    lines.push(format!("{margin} = instead: {}", finding.rule.instead));
    lines.push(String::new());
    lines
}

/// A line of the source, marked below.
fn code(place: &Place, margin: &str, mark: &str) -> [String; 2] {
    let shown: String = (place.text.chars().take(SHOWN_CHARS_MAX))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let end = if place.end_line == place.line {
        place.end_column
    } else {
        place.text.trim_end().chars().count() + 1
    };
    let column = place.column.min(SHOWN_CHARS_MAX);
    let width = end.min(SHOWN_CHARS_MAX + 1).saturating_sub(column).max(1);
    let number = format!("{:>width$}", place.line, width = margin.len());
    [
        format!("{number} | {shown}").trim_end().to_owned(),
        format!("{margin} | {}{}", " ".repeat(column - 1), mark.repeat(width)),
    ]
}
