//! Surveys side by side: a row for each device, in Markdown.

use protocol::text::plain;

use super::{Survey, Surveyed};
use crate::Fingerprint;
use crate::conformance::Outcome;

/// Characters of a driver's or a device's name that are shown.
const NAME_MAX: usize = 60;

/// The rows of a table, its head first: surveys in their order, devices in theirs. `name` is what the reader finds the survey by.
pub fn table<'a>(surveys: impl IntoIterator<Item = (&'a str, &'a Survey)>) -> Vec<String> {
    let mut lines = vec![
        "| device | driver | system | strict probes | portable class | checks | steps/s | survey |".to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for (name, survey) in surveys {
        for (about, device) in survey.conformance.devices.iter().zip(&survey.devices) {
            let none = || "none".to_owned();
            let class = about
                .portable_class
                .as_ref()
                .map_or_else(none, |key| cell(key.get(..12).unwrap_or(key)));
            lines.push(format!(
                "| {} | {} | {} {} | {} | {class} | {} | {} | {} |",
                cell(&about.name),
                cell(&about.driver),
                cell(&survey.system),
                cell(&survey.architecture),
                device.portable.as_ref().map_or_else(none, probes),
                checks(survey, &device.id),
                speeds(device),
                cell(name),
            ));
        }
    }
    lines
}

/// Text of a driver or of a stranger, as it may stand in a cell.
fn cell(text: &str) -> String {
    let plain = plain(text);
    let mut shown: String = plain.chars().take(NAME_MAX).collect();
    if plain.chars().count() > NAME_MAX {
        shown.push('…');
    }
    let special = |c: char| matches!(c, '|' | '<' | '>' | '[' | ']' | '`' | '*' | '_' | '\\' | '&');
    shown
        .chars()
        .flat_map(|c| special(c).then_some('\\').into_iter().chain(Some(c)))
        .collect()
}

/// Right, of all columns of all probes.
fn probes(fingerprint: &Fingerprint) -> String {
    let right = fingerprint.findings.iter().filter(|finding| finding.is_portable()).count();
    format!("{right} of {}", fingerprint.findings.len())
}

fn checks(survey: &Survey, id: &str) -> String {
    let count = |outcome| {
        let of_device = survey.conformance.cells.iter().filter(|cell| cell.device == id);
        of_device.filter(|cell| cell.outcome == outcome).count()
    };
    let (passed, failed) = (count(Outcome::Passed), count(Outcome::Failed));
    match failed {
        0 => format!("{passed} passed"),
        failed => format!("{passed} passed, **{failed} failed**"),
    }
}

fn speeds(device: &Surveyed) -> String {
    let each = device.speed.iter();
    let each = each.map(|speed| format!("{} {:.0}", cell(&speed.package), speed.steps_per_second));
    let all: Vec<String> = each.collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}
