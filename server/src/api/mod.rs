//! Handlers: each checks who asks, turns a request into an event or a look at the state, and answers.

pub mod admin;
pub mod attempts;
pub mod blobs;
pub mod classes;
pub mod credit;
pub mod hosts;
pub mod jobs;
pub mod signed;

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::app::Listening;
use crate::engine::stopped;

/// Items of a list in one answer.
pub const PAGE: usize = 100;

/// Shortest and longest time between two events of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// No sooner than this after a change.
    pub pause: Duration,
    /// Without a change after this.
    pub again: Duration,
}

impl Pace {
    /// At every change, and at nothing else.
    pub const AT_ONCE: Self = Self {
        pause: Duration::ZERO,
        again: Duration::MAX,
    };
}

/// A stream that begins with what is so, and tells every change at once, until there is nothing more, the caller has no access any more, or the
/// server stops.
pub fn stream(
    changes: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    listening: Listening,
    pace: Pace,
    look: impl Fn() -> BoxFuture<'static, Option<Event>> + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + Send> {
    let begin = (changes, stop, look, listening, true);
    let events = futures_util::stream::unfold(begin, move |(mut changes, mut stop, look, mut listening, first)| async move {
        if !first {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return None,
                () = listening.ended() => return None,
                changed = changes.changed() => changed.ok()?,
                () = tokio::time::sleep(pace.again) => {}
            }
            tokio::time::sleep(pace.pause).await;
        }
        changes.mark_unchanged();
        let event = look().await?;
        Some((Ok(event), (changes, stop, look, listening, false)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
