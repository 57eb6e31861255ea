//! The hours of the week in which to compute, in minutes of the local week: 0 is Monday 00:00.
//!
//! Invariant: a week has at least one open minute.

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;
/// Minutes of a week.
pub const WEEK_MINUTES: u16 = 7 * DAY_MINUTES;

/// When to compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// From a minute of the week, before [`WEEK_MINUTES`], for so many minutes, 1 to [`WEEK_MINUTES`]; over the end of the week into the next one.
    spans: Vec<(u16, u16)>,
}

/// A time in which nothing is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Minute of the week in which it begins.
    pub from: u16,
    /// Minute of the week in which it ends.
    pub until: u16,
    /// Minutes from now to its beginning; 0 while it lasts.
    pub begins_in: u16,
    /// Minutes that it lasts as a whole.
    pub lasts: u16,
}

impl Week {
    /// Open from a minute of the week for so many minutes each; none where that is no minute at all.
    #[must_use]
    pub fn new(spans: impl IntoIterator<Item = (u16, u16)>) -> Option<Self> {
        let spans = spans
            .into_iter()
            .map(|(from, length)| (from % WEEK_MINUTES, length.min(WEEK_MINUTES)));
        let spans: Vec<_> = spans.filter(|(_, length)| *length > 0).collect();
        (!spans.is_empty()).then_some(Self { spans })
    }

    /// Whether this minute of the week is open.
    #[must_use]
    pub fn is_open(&self, minute: u16) -> bool {
        self.spans.iter().any(|(from, length)| minutes_to(*from, minute) < *length)
    }

    /// Minutes from this minute of the week until the next one that is open; 0 when it is open.
    #[must_use]
    pub fn opens_in(&self, minute: u16) -> u16 {
        let ends = self
            .spans
            .iter()
            .map(|(from, _)| minutes_to(minute, *from))
            .min()
            .unwrap_or(0);
        if self.is_open(minute) { 0 } else { ends }
    }

    /// The closed time that lasts at this minute of the week, or else the next one; none where all minutes are open.
    #[must_use]
    pub fn closed(&self, minute: u16) -> Option<Closed> {
        let ends = |span: &(u16, u16)| (span.0 + span.1) % WEEK_MINUTES;
        // A closed time begins where a span ends and no other one goes on.
        let begins = self.spans.iter().map(ends).filter(|end| !self.is_open(*end));
        let begins_in = match self.is_open(minute) {
            true => begins.map(|begin| minutes_to(minute, begin)).min()?,
            false => 0,
        };
        let from = match begins_in {
            0 => self.spans.iter().map(ends).min_by_key(|end| minutes_to(*end, minute))?,
            ahead => (minute + ahead) % WEEK_MINUTES,
        };
        let lasts = self.opens_in(from);
        Some(Closed {
            from,
            until: (from + lasts) % WEEK_MINUTES,
            begins_in,
            lasts,
        })
    }
}

/// Minutes from one minute of the week to the next time that it is another one.
fn minutes_to(from: u16, to: u16) -> u16 {
    (to + WEEK_MINUTES - from) % WEEK_MINUTES
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u16 = 60;

    fn at(day: u16, hour: u16) -> u16 {
        day * DAY_MINUTES + hour * HOUR
    }

    #[test]
    fn evenings_and_the_weekend() {
        // Monday to Friday from 18:00 to 08:00, and Saturday and Sunday.
        let evenings = (0..5).map(|day| (at(day, 18), 14 * HOUR));
        let week = Week::new(evenings.chain([(at(5, 0), 2 * DAY_MINUTES)])).expect("open");
        for (day, hour, is_open) in [
            (0, 7, false),
            (0, 18, true),
            (1, 7, true),
            (1, 8, false),
            (5, 12, true),
            (6, 23, true),
        ] {
            assert_eq!(week.is_open(at(day, hour)), is_open, "day {day}, {hour}:00");
        }
        // Sunday's night ends at midnight.
        assert_eq!(week.opens_in(at(0, 0)), 18 * HOUR);
        let tuesday = Closed {
            from: at(1, 8),
            until: at(1, 18),
            begins_in: 20 * HOUR - 8 * HOUR,
            lasts: 10 * HOUR,
        };
        assert_eq!(week.closed(at(0, 20)), Some(tuesday));
        assert_eq!(week.closed(at(1, 9)), Some(Closed { begins_in: 0, ..tuesday }));
        assert_eq!(
            week.closed(at(5, 9)).map(|closed| (closed.from, closed.begins_in)),
            Some((0, 39 * HOUR))
        );
    }

    #[test]
    fn a_week_without_a_minute_is_none_and_one_that_is_always_open_is_never_closed() {
        assert_eq!(Week::new([(5, 0)]), None);
        let all = Week::new([(at(3, 5), WEEK_MINUTES)]).expect("open");
        assert!((0..WEEK_MINUTES).all(|minute| all.is_open(minute) && all.opens_in(minute) == 0));
        assert_eq!(all.closed(17), None);
    }

    /// What is said of closed times is what the minutes themselves say.
    #[test]
    fn closed_times_are_runs_of_closed_minutes() {
        for spans in [
            vec![(0, 1)],
            vec![(10_079, 2), (600, 60)],
            vec![(100, 50), (120, 100), (219, 1)],
        ] {
            let week = Week::new(spans.clone()).expect("open");
            for minute in (0..WEEK_MINUTES).step_by(7) {
                let after = |ahead: u16| week.is_open((minute + ahead) % WEEK_MINUTES);
                assert_eq!(
                    Some(week.opens_in(minute)),
                    (0..WEEK_MINUTES).find(|ahead| after(*ahead)),
                    "{spans:?} {minute}"
                );
                let closed = week.closed(minute).expect("some are closed");
                assert_eq!(
                    Some(closed.begins_in),
                    (0..WEEK_MINUTES).find(|ahead| !after(*ahead)),
                    "{spans:?} {minute}"
                );
                let runs = (0..closed.lasts).all(|ahead| !week.is_open((closed.from + ahead) % WEEK_MINUTES));
                let before = (closed.from + WEEK_MINUTES - 1) % WEEK_MINUTES;
                assert!(
                    runs && week.is_open(closed.until) && week.is_open(before),
                    "{spans:?} {minute} {closed:?}"
                );
            }
        }
    }
}
