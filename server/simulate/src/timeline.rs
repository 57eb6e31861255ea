//! The queue of events in virtual time. Events of one moment come in the order in which they were put in.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

/// An event with its moment in milliseconds and its place among those of one moment.
#[derive(Debug)]
struct Entry<E> {
    key: (u64, u64),
    event: E,
}

impl<E> Ord for Entry<E> {
    /// The earliest is the greatest: a heap has the greatest on top.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}

/// Milliseconds of a span.
const SPAN_MS: u64 = 8192;

/// Events, each with its moment in milliseconds: a heap of those of the span that is played, and lists of those of each later span. With 300,000 hosts a
/// million events wait, and a heap of all of them would not stay in the cache.
#[derive(Debug)]
pub(crate) struct Timeline<E> {
    /// Holds the first event, if there is any.
    played: BinaryHeap<Entry<E>>,
    /// The span that is played; events of earlier ones count as its own.
    span: u64,
    later: BTreeMap<u64, Vec<Entry<E>>>,
    put: u64,
}

impl<E> Timeline<E> {
    pub(crate) fn new() -> Self {
        Self {
            played: BinaryHeap::new(),
            span: 0,
            later: BTreeMap::new(),
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at_ms: u64, event: E) {
        let entry = Entry {
            key: (at_ms, self.put),
            event,
        };
        self.put += 1;
        let span = at_ms / SPAN_MS;
        if span <= self.span {
            self.played.push(entry);
        } else {
            self.later.entry(span).or_default().push(entry);
            self.turn();
        }
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.played.peek().map(|entry| entry.key.0)
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, E)> {
        let popped = self.played.pop();
        self.turn();
        popped.map(|Entry { key: (at, _), event }| (at, event))
    }

    /// Goes on to the next span when the one that was played is empty.
    fn turn(&mut self) {
        if self.played.is_empty()
            && let Some((span, events)) = self.later.pop_first()
        {
            (self.span, self.played) = (span, events.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_those_of_one_moment_as_they_were_put_in() {
        let mut timeline = Timeline::new();
        // Times of several spans, some of them alike, and some put in when later ones were played already.
        let times = (0..2000_u64).map(|index| index * 7919 % 1009 * 64);
        let mut expected: Vec<(u64, u64)> = times.zip(0..).collect();
        for (at, index) in &expected {
            timeline.put(*at, *index);
        }
        expected.sort_unstable();
        let mut played = Vec::new();
        for _ in 0..1000 {
            assert_eq!(timeline.next_ms(), expected.get(played.len()).map(|(at, _)| *at));
            played.extend(timeline.pop());
        }
        assert_eq!(played, expected[..1000]);
        let now_ms = played[999].0;
        for index in 2000..2100 {
            let at = now_ms + index % 7 * 3000;
            timeline.put(at, index);
            expected.push((at, index));
        }
        expected[1000..].sort_unstable();
        played.extend(std::iter::from_fn(|| timeline.pop()));
        assert_eq!(played, expected);
        assert_eq!(timeline.next_ms(), None);
    }
}
