//! The queue of events in virtual time. Events of one moment come in the order in which they were put in.

use std::collections::BTreeMap;

/// Events, each with its moment in milliseconds.
#[derive(Debug)]
pub(crate) struct Timeline<E> {
    events: BTreeMap<(u64, u64), E>,
    put: u64,
}

impl<E> Timeline<E> {
    pub(crate) fn new() -> Self {
        Self {
            events: BTreeMap::new(),
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at_ms: u64, event: E) {
        self.events.insert((at_ms, self.put), event);
        self.put += 1;
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, E)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }
}
