//! The queue of events in virtual time. Events of one moment come in the order in which they were put in.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

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

/// Events, each with its moment in milliseconds.
#[derive(Debug)]
pub(crate) struct Timeline<E> {
    events: BinaryHeap<Entry<E>>,
    put: u64,
}

impl<E> Timeline<E> {
    pub(crate) fn new() -> Self {
        Self {
            events: BinaryHeap::new(),
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at_ms: u64, event: E) {
        self.events.push(Entry {
            key: (at_ms, self.put),
            event,
        });
        self.put += 1;
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.events.peek().map(|entry| entry.key.0)
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, E)> {
        self.events.pop().map(|Entry { key: (at, _), event }| (at, event))
    }
}
