//! What the server is told of us: where we are, that we take offers, how far we have come.

use std::time::{Duration, Instant};

use protocol::http::{Heartbeat, JobProgress, LeaveNotice};
use reqwest::Method;

use super::{Desk, Note, Place};
use crate::agent::errands::Errands;
use crate::agent::policy::now_ms;
use crate::agent::state::Wished;

/// With nothing to do for this long, an agent that shall end when idle ends.
const IDLE_END: Duration = Duration::from_secs(5);

impl Desk {
    /// Where we are to be.
    pub(super) fn place(&self) -> Place {
        if self.asked > 0 {
            return Place::Leaving("Ctrl-C or SIGTERM".into());
        }
        let nothing = self.held.is_empty() && self.orders.as_ref().is_none_or(|orders| orders.leases.is_empty());
        if self.wished == Wished::Finish && nothing && self.heard {
            return Place::Leaving("finished".into());
        }
        if self.idle_since.is_some_and(|since| since.elapsed() >= IDLE_END) {
            return Place::Leaving("nothing to do".into());
        }
        match (&self.why_not, self.paused_since) {
            (Some(why), Some(since)) if since.elapsed() >= self.setup.pause_patience => {
                let back = match self.wished {
                    Wished::Pause { until_ms: Some(until) } => Some(until.saturating_sub(now_ms()).div_ceil(1000)),
                    _ => None,
                };
                let reason = why.strip_prefix("paused: ").unwrap_or(why).to_owned();
                match &self.told {
                    // Told once; the seconds that are left change all the time.
                    Some(told @ Place::Away(..)) => told.clone(),
                    _ => Place::Away(reason, back),
                }
            }
            _ => Place::Here,
        }
    }

    pub(super) fn tell_place(&mut self) {
        let place = self.place();
        let Some(own) = self
            .identity
            .as_ref()
            .filter(|_| !self.telling && self.told.as_ref() != Some(&place))
        else {
            return;
        };
        self.telling = true;
        let path = format!("/v1/hosts/{}/departure", own.host);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        tokio::spawn(async move {
            let Errands { client, link, .. } = &errands;
            let notice = |reason: &str, back_in_s| LeaveNotice {
                in_s: 0,
                back_in_s,
                reason: reason.to_owned(),
            };
            let answer = match &place {
                Place::Here => link.insist(|| client.call(Method::DELETE, &path)).await,
                Place::Away(reason, back) => {
                    let notice = notice(reason, *back);
                    link.insist(|| client.send(Method::POST, &path, &notice)).await
                }
                Place::Leaving(reason) => {
                    let notice = notice(reason, None);
                    link.insist(|| client.send(Method::POST, &path, &notice)).await
                }
            };
            drop(sender.send(Note::Told(place, answer)));
        });
    }

    pub(super) fn accepting(&self) -> bool {
        self.why_not.is_none() && self.wished != Wished::Finish && !matches!(self.place(), Place::Leaving(_))
    }

    pub(super) fn take_offers(&mut self) {
        let offers = self.orders.as_ref().is_some_and(|orders| orders.offers > 0);
        let Some(own) = self.identity.as_ref().filter(|_| offers && !self.taking && self.accepting()) else {
            return;
        };
        self.taking = true;
        let path = format!("/v1/hosts/{}/leases", own.host);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        tokio::spawn(async move {
            let answer = errands.link.insist(|| errands.client.call(Method::POST, &path)).await;
            drop(sender.send(Note::Taken(answer)));
        });
    }

    pub(super) fn beat(&mut self) {
        let accepting = self.accepting();
        let changed = self.accepting_told.is_some_and(|told| told != accepting);
        let gone = matches!(self.place(), Place::Leaving(_)) && self.held.is_empty();
        let due = (Instant::now() >= self.beat_due || changed) && !gone;
        let Some(own) = self.identity.as_ref().filter(|_| due && !self.beating && !self.registering) else {
            return;
        };
        self.beating = true;
        self.beat_due = Instant::now() + Duration::from_secs(5);
        self.accepting_told = Some(accepting);
        let why = match (&self.why_not, self.wished) {
            (Some(why), _) => Some(why.strip_prefix("paused: ").unwrap_or(why).to_owned()),
            (None, Wished::Finish) => Some("finishing".to_owned()),
            _ => None,
        };
        let jobs = self.held.values().map(|held| JobProgress {
            attempt: held.lease.attempt,
            epoch: held.lease.epoch,
            segment: held.reached,
            segment_ms: held.segment_ms,
        });
        let beat = Heartbeat {
            clock_ms: now_ms(),
            rtt_ms: self.link.rtt_ms(),
            jobs: jobs.collect(),
            accepting,
            why: why.filter(|_| !accepting),
            errors: self.errors,
        };
        let path = format!("/v1/hosts/{}/heartbeat", own.host);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            let answer = errands.client.send(Method::POST, &path, &beat).await;
            if answer.is_ok() {
                errands.link.up(Some(begun.elapsed()));
            }
            drop(sender.send(Note::Beat(answer)));
        });
    }
}

/// Four fifths of the longest pause that the server allows.
pub(super) fn beat_pause(heartbeat_s: u64) -> Duration {
    let dice = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
    Duration::from_secs_f64(heartbeat_s.max(1) as f64 * (0.7 + 0.2 * dice))
}
