//! The queue of events in virtual time. Events of one moment come in the order in which they were put in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events, each with its moment in milliseconds.
#[derive(Debug)]
pub(crate) struct Timeline<E> {
    heap: BinaryHeap<Reverse<(u64, u64, E)>>,
    put: u64,
}

impl<E: Ord> Timeline<E> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            put: 0,
        }
    }

    pub(crate) fn put(&mut self, at_ms: u64, event: E) {
        self.heap.push(Reverse((at_ms, self.put, event)));
        self.put += 1;
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, E)> {
        self.heap.pop().map(|Reverse((at, _, event))| (at, event))
    }
}
