//! The report as one web page that needs nothing beside itself.

use std::fmt::Write;

use super::{CHECKS, ConformanceReport, Outcome};

const STYLE: &str = "
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1d1d1f;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #d0d0d5;padding:.4rem .6rem;text-align:left;vertical-align:top}
th{background:#f4f4f6;font-weight:600}td small,th small{display:block;color:#55555b;font-weight:400}
.passed{background:#e7f6ea}.failed{background:#fde4e1}.absent{color:#6a6a70}
.mark{font-weight:600}code{font:13px ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{color:#eaeaec;background:#17171a}th{background:#232327}th,td{border-color:#3a3a40}
.passed{background:#173a20}.failed{background:#4a1d18}td small,th small,.absent{color:#a2a2a9}}
";

/// Text as it may stand in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page.
pub fn page(report: &ConformanceReport) -> String {
    let mut html = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>Conformance of this machine's devices</title>");
    _ = write!(html, "<style>{STYLE}</style><h1>Conformance of this machine's devices</h1>");
    let count = |outcome| report.cells.iter().filter(|cell| cell.outcome == outcome).count();
    _ = write!(
        html,
        "<p>{}: {} checks passed, {} failed, {} do not apply. Baton {}, golden kernels for {} steps, probes repeated {} times, {} random orders.</p>",
        if report.passed() {
            "All is well"
        } else {
            "<strong>Not all is well</strong>"
        },
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Absent),
        escaped(&report.version),
        report.steps,
        report.repeats,
        report.orders
    );
    matrix(&mut html, report);
    html.push_str("<h2>What each device does differently</h2>");
    for device in &report.devices {
        _ = write!(html, "<h3>{}: {}</h3>", escaped(&device.id), escaped(&device.name));
        list(&mut html, "Under strict compilation (portable tier)", &device.strict);
        list(&mut html, "Under stock compilation (class-bound tier)", &device.stock);
    }
    html.push_str("</html>\n");
    html
}

fn matrix(html: &mut String, report: &ConformanceReport) {
    html.push_str("<table><thead><tr><th scope=\"col\">Check</th>");
    for device in &report.devices {
        let key = |class: &Option<String>| class.as_ref().map_or("none".to_owned(), |key| key[..12].to_owned());
        _ = write!(
            html,
            "<th scope=\"col\">{}<small>{}<br>{}<br>portable <code>{}</code><br>class-bound <code>{}</code></small></th>",
            escaped(&device.id),
            escaped(&device.name),
            escaped(&device.driver),
            key(&device.portable_class),
            key(&device.class_bound_class)
        );
    }
    html.push_str("</tr></thead><tbody>");
    for row in report.rows() {
        let about = CHECKS.iter().find(|(name, _)| *name == row.0).map_or("", |(_, about)| about);
        let steps = report.steps_of(row).map_or(String::new(), |steps| format!(", {steps} steps"));
        let package = row.1.map(|name| format!(" {}{steps}", escaped(name))).unwrap_or_default();
        _ = write!(
            html,
            "<tr><th scope=\"row\">{}{package}<small>{}</small></th>",
            escaped(row.0),
            escaped(about)
        );
        for device in &report.devices {
            let Some(cell) = report.cell(row, &device.id) else {
                html.push_str("<td class=\"absent\">not made</td>");
                continue;
            };
            let (class, mark) = match cell.outcome {
                Outcome::Passed => ("passed", "passed"),
                Outcome::Failed => ("failed", "failed"),
                Outcome::Absent => ("absent", "does not apply"),
            };
            _ = write!(
                html,
                "<td class=\"{class}\"><span class=\"mark\">{mark}</span><small>{}</small></td>",
                escaped(&cell.words)
            );
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
}

fn list(html: &mut String, title: &str, words: &[String]) {
    _ = write!(html, "<p>{title}:");
    if words.is_empty() {
        html.push_str(" as IEEE 754 says, in every probe.</p>");
        return;
    }
    html.push_str("</p><ul>");
    for text in words {
        _ = write!(html, "<li>{}</li>", escaped(text));
    }
    html.push_str("</ul>");
}

#[cfg(test)]
mod tests {
    use super::super::{Cell, Settings};
    use super::*;

    #[test]
    fn a_page_escapes_what_drivers_and_packages_call_themselves() {
        let mut report = ConformanceReport::new(&Settings::default());
        report.cells.push(Cell {
            device: "a".into(),
            check: "golden".into(),
            package: Some("<script>".into()),
            steps: Some(10),
            outcome: Outcome::Failed,
            words: "x < y & \"z\"".into(),
            seconds: 0.0,
        });
        report.devices.push(super::super::DeviceResults {
            id: "a".into(),
            name: "<b>card</b>".into(),
            driver: "d".into(),
            compiler: "c".into(),
            portable_class: None,
            class_bound_class: None,
            strict: vec!["1 < 2".into()],
            stock: Vec::new(),
        });
        let page = page(&report);
        assert!(!page.contains("<script>") && !page.contains("<b>card") && page.contains("x &lt; y &amp; &quot;z&quot;"));
        assert!(page.contains("Not all is well") && page.contains("1 &lt; 2"));
    }
}
