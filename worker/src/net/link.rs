//! Whether the server answers, and when to ask again: growing pauses with jitter, cut short for all requests once one gets through.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::NetError;

const FIRST: Duration = Duration::from_millis(500);

/// What is known of the way to the server.
#[derive(Debug)]
pub(crate) struct Link {
    longest: Duration,
    state: Mutex<State>,
    woken: Notify,
}

#[derive(Debug, Default)]
struct State {
    away: Option<Away>,
    rtt_ms: Option<u32>,
}

/// A server that does not answer.
#[derive(Clone, Debug)]
pub(crate) struct Away {
    /// Since when.
    pub(crate) since: Instant,
    /// What it said last, or why it says nothing.
    pub(crate) why: String,
    /// What answers is not the server, or cannot be understood: the last such answer, which may need a person.
    pub(crate) odd: Option<String>,
    /// When it is asked again.
    pub(crate) again: Instant,
}

impl Link {
    /// A link whose pauses grow up to `longest`.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest: longest.max(FIRST),
            state: Mutex::default(),
            woken: Notify::new(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server is away, and since when.
    pub(crate) fn away(&self) -> Option<Away> {
        self.state().away.clone()
    }

    /// Round trip of the last request, milliseconds.
    pub(crate) fn rtt_ms(&self) -> Option<u32> {
        self.state().rtt_ms
    }

    /// The server answered, within `took`.
    pub(crate) fn up(&self, took: Option<Duration>) {
        let mut state = self.state();
        if let Some(took) = took {
            state.rtt_ms = Some(u32::try_from(took.as_millis()).unwrap_or(u32::MAX));
        }
        if state.away.take().is_some() {
            self.woken.notify_waiters();
        }
    }

    /// The server did not answer; it is asked again in `pause`.
    pub(crate) fn down(&self, why: &str, pause: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        let since = state.away.as_ref().map_or(now, |away| away.since);
        why.clone_into(
            &mut state
                .away
                .get_or_insert(Away {
                    since,
                    why: String::new(),
                    odd: None,
                    again: now,
                })
                .why,
        );
        if let Some(away) = &mut state.away {
            away.again = now + pause;
        }
    }

    /// The same, where something answered that cannot be right.
    pub(crate) fn odd(&self, why: &str, pause: Duration) {
        self.down(why, pause);
        if let Some(away) = &mut self.state().away {
            away.odd = Some(why.to_owned());
        }
    }

    /// Do `work` until it is done, refused by the server that is expected, or [`NetError::Corrupt`]. Pauses grow, and end early when another request gets through.
    ///
    /// # Errors
    /// A refusal, or a file of our own.
    pub(crate) async fn insist<T, F: Future<Output = Result<T, NetError>>>(
        &self,
        work: impl FnMut() -> F,
    ) -> Result<T, NetError> {
        let may_pass = |error: &NetError| matches!(error, NetError::Garbled(_) | NetError::Setup(_) | NetError::Stranger(_));
        self.repeat(work, may_pass).await
    }

    /// The same for a first contact: what this program was told of the server is not waited for to become right.
    ///
    /// # Errors
    /// A refusal, a file of our own, or [`NetError::Setup`].
    pub(crate) async fn insist_at_first<T, F: Future<Output = Result<T, NetError>>>(
        &self,
        work: impl FnMut() -> F,
    ) -> Result<T, NetError> {
        self.repeat(work, |error| matches!(error, NetError::Garbled(_) | NetError::Stranger(_)))
            .await
    }

    async fn repeat<T, F: Future<Output = Result<T, NetError>>>(
        &self,
        mut work: impl FnMut() -> F,
        may_pass: impl Fn(&NetError) -> bool,
    ) -> Result<T, NetError> {
        let mut pauses = Pauses::new(self.longest);
        loop {
            match work().await {
                Err(NetError::Away { why, again }) => self.pause(&why, pauses.next(again)).await,
                // What answers there is not the server, or not yet: a captive portal, a proxy, a certificate that is being renewed.
                Err(error) if may_pass(&error) => {
                    let (why, pause) = (error.to_string(), pauses.next(None));
                    self.odd(&why, pause);
                    self.pause(&why, pause).await;
                }
                other => {
                    self.up(None);
                    return other;
                }
            }
        }
    }

    /// Wait, unless the server is back before.
    pub(crate) async fn pause(&self, why: &str, pause: Duration) {
        let woken = self.woken.notified();
        self.down(why, pause);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = woken => {}
        }
    }

    /// Growing pauses for one kind of request, counted apart from the others.
    pub(crate) fn pauses(&self) -> Pauses {
        Pauses::new(self.longest)
    }
}

/// Growing pauses.
#[derive(Clone, Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    fn new(longest: Duration) -> Self {
        Self {
            next: FIRST.min(longest),
            longest,
        }
    }

    /// The next one: half to one and a half times what its turn is, so that a thousand hosts do not come back at once. Never shorter than
    /// what the server asked for.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let base = self.next;
        self.next = (self.next * 2).min(self.longest);
        let dice = getrandom::u32().unwrap_or(u32::MAX / 2);
        let pause = base.mul_f64(0.5 + f64::from(dice) / f64::from(u32::MAX));
        pause.max(asked.unwrap_or_default().min(Duration::from_secs(3600)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_pause_is_longer_than_an_hour_whatever_a_server_asks_for(
            longest in 0u64..3600,
            asked in proptest::collection::vec(proptest::option::of(any::<u64>()), 1..20),
        ) {
            let mut pauses = Pauses::new(Duration::from_secs(longest));
            for asked in asked {
                let pause = pauses.next(asked.map(Duration::from_secs));
                let own = Duration::from_secs(longest).mul_f64(1.5);
                prop_assert!(pause <= own.max(Duration::from_secs(3600)), "{pause:?}");
                prop_assert!(asked.is_some() || pause <= own, "{pause:?}");
                prop_assert!(pause >= Duration::from_secs(asked.unwrap_or(0).min(3600)));
            }
        }
    }

    #[test]
    fn pauses_grow_to_the_longest_and_differ() {
        let longest = Duration::from_secs(60);
        let mut pauses = Pauses::new(longest);
        let all: Vec<Duration> = (0..40).map(|_| pauses.next(None)).collect();
        assert!(all[0] <= FIRST.mul_f64(1.5), "{all:?}");
        assert!(all.iter().all(|pause| *pause <= longest.mul_f64(1.5)), "{all:?}");
        assert!(all[20..].iter().all(|pause| *pause >= longest / 2), "{all:?}");
        let different: std::collections::BTreeSet<_> = all[20..].iter().collect();
        assert!(different.len() > 10, "no jitter: {all:?}");
        assert!(pauses.next(Some(Duration::from_secs(100))) >= Duration::from_secs(100));
    }

    #[tokio::test]
    async fn a_waiting_request_goes_on_when_another_gets_through() {
        let link = std::sync::Arc::new(Link::new(Duration::from_secs(600)));
        let waits = std::sync::Arc::clone(&link);
        let waiting = tokio::spawn(async move { waits.pause("no answer", Duration::from_secs(600)).await });
        while link.away().is_none() {
            tokio::task::yield_now().await;
        }
        assert_eq!(link.away().map(|away| away.why).as_deref(), Some("no answer"));
        link.up(None);
        tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .expect("woken")
            .expect("no panic");
        assert!(link.away().is_none());
    }
}
