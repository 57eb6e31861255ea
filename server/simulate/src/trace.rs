//! Hosts as they were recorded. CSV with the columns `host,from,to,speed,class`: a line for each stretch of time in which a host was up.
//!
//! `host` is any text; `from` and `to` are hours since the beginning of the trace; `speed` is in units of the reference device; `class` is a
//! whole number, the hardware class of class-bound work. A host's lines follow each other in time; it has left after the last.

use std::collections::BTreeMap;

use crate::parameters::Fault;

const HEADER: &str = "host,from,to,speed,class";
const LINES_MAX: usize = 20_000_000;
const HOURS_MAX: f64 = 3660.0 * 24.0;

/// One recorded host.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Stretches of time up, milliseconds, in order.
    pub(crate) up: Vec<(u64, u64)>,
    /// Speed in thousandths of the reference device.
    pub(crate) speed_pm: u64,
    /// Hardware class.
    pub(crate) class: u64,
}

/// Reads a trace; `file` is its name in errors. Hosts come in the order of their names.
///
/// # Errors
/// A line that is not as described, with its number and column.
pub fn read(file: &str, text: &str) -> Result<Vec<Recorded>, Fault> {
    let fault = |line: usize, detail: String| Fault {
        file: file.to_owned(),
        line,
        detail,
    };
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let header = lines.next().map_or("", |(_, line)| line);
    if header != HEADER {
        return Err(fault(1, format!("header: found {header:?}, expected {HEADER:?}")));
    }
    let mut hosts: BTreeMap<&str, Recorded> = BTreeMap::new();
    for (line, content) in lines {
        if content.is_empty() {
            continue;
        }
        if line > LINES_MAX {
            return Err(fault(line, format!("more than {LINES_MAX} lines")));
        }
        let fields: Vec<&str> = content.split(',').map(str::trim).collect();
        let [host, from, to, speed, class] = fields[..] else {
            return Err(fault(line, format!("{} columns, expected 5: {HEADER}", fields.len())));
        };
        let number = |column: &str, text: &str, least: f64, most: f64| {
            let found = text.parse::<f64>().ok().filter(|found| (least..=most).contains(found));
            found.ok_or_else(|| {
                fault(
                    line,
                    format!("{column}: found {text:?}, expected a number from {least} to {most}"),
                )
            })
        };
        if host.is_empty() {
            return Err(fault(line, "host: empty, expected a name".to_owned()));
        }
        let ms = |hours: f64| (hours * 3_600_000.0) as u64;
        let from_ms = ms(number("from", from, 0.0, HOURS_MAX)?);
        let to_ms = ms(number("to", to, 0.0, HOURS_MAX)?);
        let speed_pm = (number("speed", speed, 0.001, 1000.0)? * 1000.0) as u64;
        let class = class.parse::<u64>().ok().filter(|class| *class < 100_000);
        let class = class.ok_or_else(|| fault(line, format!("class: found {:?}, expected 0 to 99999", fields[4])))?;
        if from_ms >= to_ms {
            return Err(fault(line, format!("to: found {to}, expected more than from ({from})")));
        }
        let recorded = hosts.entry(host).or_insert(Recorded {
            up: Vec::new(),
            speed_pm,
            class,
        });
        if let Some((_, end)) = recorded.up.last().filter(|(_, end)| *end >= from_ms) {
            let hours = *end as f64 / 3_600_000.0;
            return Err(fault(
                line,
                format!("from: found {from}, expected more than {hours}, where {host}'s line before ends"),
            ));
        }
        if (recorded.speed_pm, recorded.class) != (speed_pm, class) {
            return Err(fault(
                line,
                format!("speed, class: {host} had others before, expected the same"),
            ));
        }
        recorded.up.push((from_ms, to_ms));
    }
    if hosts.is_empty() {
        return Err(fault(1, "no hosts, expected at least one line".to_owned()));
    }
    Ok(hosts.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_traces_are_refused_with_line_and_column() {
        let lines = |lines: &str| format!("{HEADER}\n{lines}");
        for (text, expected) in [
            ("name,from\n".to_owned(), "t.csv:1: header: found \"name,from\""),
            (lines(""), "t.csv:1: no hosts"),
            (lines("a,0,1,1\n"), "t.csv:2: 4 columns, expected 5"),
            (
                lines("a,0,1,1,0\n\nb,x,1,1,0\n"),
                "t.csv:4: from: found \"x\", expected a number from 0 to",
            ),
            (lines("a,0,nan,1,0\n"), "t.csv:2: to: found \"nan\""),
            (lines("a,2,2,1,0\n"), "t.csv:2: to: found 2, expected more than from (2)"),
            (lines("a,0,2,0,0\n"), "t.csv:2: speed: found \"0\""),
            (lines("a,0,2,1,-1\n"), "t.csv:2: class: found \"-1\""),
            (
                lines("a,0,2,1,0\na,1,3,1,0\n"),
                "t.csv:3: from: found 1, expected more than 2",
            ),
            (lines("a,0,2,1,0\na,3,4,2,0\n"), "t.csv:3: speed, class: a had others"),
            (lines(",0,2,1,0\n"), "t.csv:2: host: empty"),
        ] {
            let found = read("t.csv", &text).expect_err("it is wrong").to_string();
            assert!(found.starts_with(expected), "{found:?}, expected {expected:?}");
        }
        let hosts = read("t.csv", &lines("b,0,1,1,3\na,0.5,1,2,0\na,2,3,2,0\n")).expect("it is right");
        assert_eq!(hosts[0].up, [(1_800_000, 3_600_000), (7_200_000, 10_800_000)]);
        assert_eq!((hosts[0].speed_pm, hosts[1].class), (2000, 3));
    }
}
