//! The hours of the week as a volunteer writes them: `mon-fri 18:00-08:00`, `sat,sun`, `daily 22:00-06:30`.

use planner::week::{DAY_MINUTES, Week};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The week that these entries open together.
///
/// # Errors
/// An entry that is none, with what was expected in its place.
pub(crate) fn week(entries: &[String]) -> Result<Week, String> {
    let mut spans = Vec::new();
    for entry in entries {
        let (first, length) = entry_of(entry).map_err(|problem| {
            format!("schedule, entry {entry:?}: {problem}; expected days and hours, such as \"mon-fri 18:00-08:00\", \"sat,sun\" or \"daily 22:00-06:30\"")
        })?;
        spans.extend(first.into_iter().map(|from| (from, length)));
    }
    Week::new(spans).ok_or_else(|| "schedule: found no hours, expected one entry at least".to_owned())
}

/// The same hours on every day.
pub(crate) fn daily(from: u16, until: u16) -> Option<Week> {
    let length = length(from, until);
    Week::new((0..7).map(|day| (day * DAY_MINUTES + from, length)))
}

/// A minute of the week in words: `Mon 18:00`.
pub(crate) fn words(minute: u16) -> String {
    let day = DAYS.get(usize::from(minute / DAY_MINUTES)).map_or("", |day| *day);
    let mut letters = day.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let day: String = first.into_iter().chain(letters).collect();
    format!("{day} {:02}:{:02}", minute % DAY_MINUTES / 60, minute % 60)
}

/// Minutes from one time of the day to another, over midnight where that is not later.
fn length(from: u16, until: u16) -> u16 {
    (until + DAY_MINUTES - from - 1) % DAY_MINUTES + 1
}

/// The minutes of the week in which an entry opens, and for how many minutes.
fn entry_of(entry: &str) -> Result<(Vec<u16>, u16), String> {
    let lower = entry.trim().to_lowercase();
    let (days, hours) = lower.split_once(char::is_whitespace).unwrap_or((&lower, ""));
    let (from, until) = match hours.trim() {
        "" => (0, DAY_MINUTES),
        hours => {
            let (from, until) = hours
                .split_once('-')
                .ok_or_else(|| format!("found the hours {hours:?} without a '-'"))?;
            (time(from, DAY_MINUTES - 1)?, time(until, DAY_MINUTES)?)
        }
    };
    let days = days_of(days)?.into_iter().map(|day| day * DAY_MINUTES + from);
    Ok((days.collect(), length(from, until)))
}

fn days_of(text: &str) -> Result<Vec<u16>, String> {
    if text == "daily" {
        return Ok((0..7).collect());
    }
    let mut found = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        let days = (last + 7 - first) % 7;
        found.extend((0..=days).map(|ahead| (first + ahead) % 7));
    }
    Ok(found)
}

fn day(text: &str) -> Result<u16, String> {
    let found = (0..).zip(DAYS).find(|(_, name)| *name == text.trim());
    found
        .map(|(day, _)| day)
        .ok_or_else(|| format!("found the day {text:?}, expected mon, tue, wed, thu, fri, sat, sun or daily"))
}

/// A time of the day, in minutes.
fn time(text: &str, most: u16) -> Result<u16, String> {
    let problem = || format!("found the time {text:?}, expected HH:MM");
    let (hour, minute) = text.trim().split_once(':').ok_or_else(problem)?;
    let number = |text: &str| match text.len() {
        1 | 2 if text.bytes().all(|c| c.is_ascii_digit()) => text.parse::<u16>().map_err(|_| problem()),
        _ => Err(problem()),
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    if minute < 60 && minutes <= most {
        Ok(minutes)
    } else {
        Err(problem())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Week, String> {
        week(&text.split(';').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn days_and_hours_are_read_over_midnight_and_over_the_end_of_the_week() {
        let week = read("mon-fri 18:00-08:00; sat,sun").unwrap();
        assert_eq!(
            week.closed(0).map(|closed| (words(closed.from), words(closed.until))),
            Some(("Mon 00:00".into(), "Mon 18:00".into()))
        );
        assert!(week.is_open(5 * DAY_MINUTES) && !week.is_open(4 * DAY_MINUTES + 8 * 60));
        assert_eq!(read("sat-mon").unwrap(), read("sat;sun;mon 00:00-24:00").unwrap());
        assert_eq!(read("Daily 22:00-6:30").unwrap(), daily(22 * 60, 6 * 60 + 30).unwrap());
        assert!(read("sun 23:00-01:00").unwrap().is_open(59));
        let always = read("daily").unwrap();
        assert!((0..7 * DAY_MINUTES).all(|minute| always.is_open(minute)));
        assert_eq!(
            read("mon 08:00-08:00").unwrap().closed(0).map(|closed| closed.lasts),
            Some(6 * DAY_MINUTES)
        );
    }

    #[test]
    fn what_is_no_entry_is_refused_with_what_was_expected() {
        for (text, part) in [
            ("", "found the day \"\""),
            ("someday 10:00-12:00", "found the day \"someday\""),
            ("mon 10-12", "found the time \"10\", expected HH:MM"),
            ("mon 10:00", "without a '-'"),
            ("mon 10:60-12:00", "found the time \"10:60\""),
            ("mon 24:00-12:00", "found the time \"24:00\""),
            ("mon 10:00-24:01", "found the time \"24:01\""),
            ("mon -1:00-12:00", "found the time \"\""),
            ("mon,,tue", "found the day \"\""),
        ] {
            let message = read(text).unwrap_err();
            assert!(
                message.contains(part) && message.contains("mon-fri 18:00-08:00"),
                "{text}: {message}"
            );
        }
        assert!(week(&[]).is_err());
    }
}
