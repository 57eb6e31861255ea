//! This host and the server: registration, presence, heartbeats, offers. Of each kind of request one is under way at most.

use protocol::HostId;
use protocol::http::{JobProgress, RegisterHost};

use super::turn::Asked;
use super::{CONFIRM_MS, Heard, IDLE_END_MS, OFFERS_PAUSE_MS, Planner, YOUNG_MS};
use crate::effect::{Beat, Effect, Ending, Errand, ErrandId, Message};
use crate::input::{Answer, Request, Server, Stop, Trouble};
use crate::reason::{Declined, Leaving, Presence};
use crate::time::Time;

/// After a request that was refused, the next one of the host waits so long at least.
const REFUSED_PAUSE_MS: u64 = 5_000;

/// Another agent speaks for this host: before this one registers again.
const CONTEND_PAUSE_MS: u64 = 1_000;

/// What the server knows this host as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Unknown,
    /// A number.
    Known(HostId),
}

/// Requests of the host that are under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    registration: Option<ErrandId>,
    /// The description that was sent last.
    described: Option<RegisterHost>,
    announcement: Option<(ErrandId, Presence)>,
    offers: Option<ErrandId>,
    heartbeat: Option<ErrandId>,
    /// Announcements and offers wait until then: one was refused.
    pub(super) retry_at: Time,
    /// Offers wait until then: the last ones brought no job.
    pub(super) offers_at: Time,
}

impl Requests {
    /// The description that was sent last; none before, and when the server refused it.
    pub(super) fn described(&self) -> Option<&RegisterHost> {
        self.described.as_ref()
    }

    /// Whether the answer to it is waited for.
    pub(super) fn is_registering(&self) -> bool {
        self.registration.is_some()
    }
}

/// What the server was told of where this host is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Announced {
    /// Not known: to be told.
    Unknown,
    /// This, and it heard nothing of the host since.
    Current(Presence),
    /// This, but it was heard of since, so that the server may take it to be here.
    Overtaken(Presence),
}

impl Planner {
    /// This host's number.
    pub(crate) fn host(&self) -> Option<HostId> {
        match self.standing {
            Standing::Unknown => None,
            Standing::Known(host) => Some(host),
        }
    }

    /// Register, or tell what changed. Anew only once nothing of an old life computes.
    pub(super) fn register(&mut self) {
        if self.requests.registration.is_some() || self.requests.described.as_ref() == Some(&self.description) {
            return;
        }
        let description = Box::new(self.description.clone());
        let errand = match self.standing {
            // Jobs whose device is gone go home first: the server ends their leases as soon as it knows.
            Standing::Known(_) if self.requests.retry_at > self.now || self.hands_over() || !self.has_device() => return,
            Standing::Known(host) => Errand::Update(host, description),
            Standing::Unknown if self.slots.iter().any(|slot| slot.running.is_some()) => return,
            Standing::Unknown if !self.has_device() => return,
            // A server offers what it has to a new host at once.
            Standing::Unknown if self.turn.elsewhere.is_some() => return,
            Standing::Unknown if self.can_enrol => Errand::Enrol(description),
            Standing::Unknown => return self.exit(Ending::NoToken),
        };
        self.requests.described = Some(self.description.clone());
        self.requests.registration = Some(self.begin(errand));
    }

    /// Take in an answer, if it belongs to a request of the host. Whether it does.
    pub(super) fn host_request_answered(&mut self, errand: ErrandId, answer: &Answer) -> bool {
        if self.requests.registration == Some(errand) {
            self.requests.registration = None;
            self.registered(answer);
        } else if self.requests.announcement.as_ref().is_some_and(|(id, _)| *id == errand) {
            if let Some((_, presence)) = self.requests.announcement.take()
                && let Answer::Orders(_) = answer
            {
                self.announced = match self.requests.heartbeat {
                    Some(_) => Announced::Overtaken(presence),
                    None => Announced::Current(presence),
                };
            }
            self.took(answer);
        } else if self.requests.offers == Some(errand) {
            self.requests.offers = None;
            let jobs = self.jobs.len();
            self.took(answer);
            if self.jobs.len() <= jobs {
                self.requests.offers_at = self.now.after(OFFERS_PAUSE_MS);
            }
        } else if self.requests.heartbeat == Some(errand) {
            self.requests.heartbeat = None;
            self.beaten(answer);
        } else {
            return false;
        }
        true
    }

    fn registered(&mut self, answer: &Answer) {
        match answer {
            Answer::Enrolled(host) => {
                self.standing = Standing::Known(*host);
                self.say(Message::Registered(*host));
            }
            Answer::Updated => {
                if let (Some(host), Heard::Nothing) = (self.host(), self.heard) {
                    self.say(Message::Back(host));
                }
            }
            Answer::NotEnrolled(why) => return self.exit(Ending::NotEnrolled(why.clone())),
            other => {
                self.requests.described = None;
                return self.refused(other);
            }
        }
        self.told_devices();
        self.unknown_since = None;
        self.beat_due = self.now;
        self.effects.push(Effect::Listen);
    }

    fn took(&mut self, answer: &Answer) {
        match answer {
            Answer::Orders(orders) => {
                self.unknown_since = None;
                self.obey(orders.clone());
            }
            other => self.refused(other),
        }
    }

    fn beaten(&mut self, answer: &Answer) {
        match answer {
            Answer::Orders(orders) => {
                if let Announced::Current(presence) = &self.announced {
                    self.announced = Announced::Overtaken(presence.clone());
                }
                // Seven to nine tenths of the longest pause that the server allows.
                let longest_ms = orders.heartbeat_s.clamp(1, 86_400) * 1000;
                let spread = longest_ms / 5;
                let pause = longest_ms * 7 / 10 + self.roll() % (spread + 1);
                self.beat_due = self.now.after(pause);
                self.unknown_since = None;
                self.work_is_answered();
                self.obey(orders.clone());
            }
            Answer::Away { again_ms } => {
                self.accepting_told = None;
                self.beat_due = self.now.after(*again_ms);
            }
            other => self.refused(other),
        }
    }

    /// A request of the host was refused.
    pub(super) fn refused(&mut self, answer: &Answer) {
        let pause = match answer {
            Answer::Trouble(Trouble::Copied(_)) => CONTEND_PAUSE_MS,
            _ => REFUSED_PAUSE_MS,
        };
        self.requests.retry_at = self.now.after(pause);
        self.beat_due = self.beat_due.max(self.requests.retry_at);
        match answer {
            Answer::Trouble(Trouble::UnknownHost(why) | Trouble::LeaseOver(why)) => self.doubt_host(why),
            Answer::Trouble(Trouble::Copied(why)) => self.contend(why),
            _ => {}
        }
    }

    /// The server says that it does not know this host, to a request. A stream that was opened before may go on meanwhile. That counts once
    /// it says so again: a server whose database is being restored, say, is wrong for a moment.
    pub(super) fn doubt_host(&mut self, why: &str) {
        if self.standing == Standing::Unknown {
            return;
        }
        match self.unknown_since {
            None => {
                self.unknown_since = Some(self.now);
                self.say(Message::Doubted(why.to_owned()));
            }
            Some(since) if self.now.since(since) >= CONFIRM_MS => {
                self.say(Message::Forgotten(why.to_owned()));
                self.forget_host();
            }
            Some(_) => {}
        }
    }

    /// Another agent registered under the identity of this host: one of the two runs in a copy of the other's state folder. The first time
    /// this one registers again, since the other may be gone already (a late message of an agent that this one follows). When the other does so too, one
    /// of them has to give way: the one that has run for less time, or else the one that was there first.
    fn contend(&mut self, why: &str) {
        if self.standing == Standing::Unknown {
            return;
        }
        let (times, last) = self.contended;
        let times = if self.now.since(last) > YOUNG_MS {
            1
        } else {
            times.saturating_add(1)
        };
        self.contended = (times, self.now);
        let patience = if self.now.0 < YOUNG_MS { 2 } else { 3 };
        if times < patience {
            self.requests.described = None;
            return self.say(Message::Contended(why.to_owned()));
        }
        self.contended.0 = 0;
        if !self.can_enrol {
            return self.exit(Ending::Copied(why.to_owned()));
        }
        self.say(Message::Copied(why.to_owned()));
        self.forget_host();
    }

    /// All that the server told this host is void, and the host is to be enrolled anew.
    fn forget_host(&mut self) {
        self.unknown_since = None;
        for attempt in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.drop_job(attempt);
        }
        self.standing = Standing::Unknown;
        self.orders = None;
        self.over.clear();
        let requests = std::mem::take(&mut self.requests);
        let announcement = requests.announcement.map(|(errand, _)| errand);
        let errands = [requests.registration, announcement, requests.offers, requests.heartbeat];
        self.effects.extend(errands.into_iter().flatten().map(Effect::Cancel));
        self.announced = Announced::Current(Presence::Here);
        self.effects.push(Effect::ForgetHost);
        let keep = self.slots.iter().filter_map(|slot| slot.running).map(|(_, attempt)| attempt);
        self.effects.push(Effect::DeleteJobsExcept(keep.collect()));
    }

    /// Why the agent is about to end, if it is.
    pub(crate) fn leaving(&self) -> Option<Leaving> {
        if self.stop >= Stop::AtBoundary {
            return Some(Leaving::Signal);
        }
        if self.request == Request::Finish && self.has_nothing() && self.heard == Heard::Orders {
            return Some(Leaving::Finished);
        }
        let is_idle = self.idle_since.is_some_and(|since| self.now.since(since) >= IDLE_END_MS);
        is_idle.then_some(Leaving::NothingToDo)
    }

    /// Where this host is to be.
    pub(crate) fn presence(&self) -> Presence {
        if let Some(why) = self.leaving() {
            return Presence::Leaving(why);
        }
        match &self.pause {
            Some(pause) if self.now.since(pause.since) >= self.pause_patience_ms => Presence::Away {
                reason: pause.reason.clone(),
                back_in_ms: match self.request {
                    Request::Pause { until: Some(until) } => Some(until.since(self.now)),
                    _ => self.policy.opens_in(&self.facts).map(|minutes| u64::from(minutes) * 60_000),
                },
            },
            _ => Presence::Here,
        }
    }

    /// Tell the server where this host is, when it does not know.
    pub(super) fn announce(&mut self) {
        let is_free = self.requests.announcement.is_none() && self.requests.retry_at <= self.now;
        let Some(host) = self.host().filter(|_| is_free) else {
            return;
        };
        let presence = self.presence();
        let known = match &self.announced {
            Announced::Unknown => false,
            Announced::Current(told) => told.same_kind(&presence),
            // Its last word has to be that it leaves.
            Announced::Overtaken(told) => told.same_kind(&presence) && !self.is_gone(&presence),
        };
        if !known {
            let errand = self.begin(Errand::Announce(host, presence.clone()));
            self.requests.announcement = Some((errand, presence));
        }
    }

    /// Whether nothing of this host is left to be said but that it leaves.
    fn is_gone(&self, presence: &Presence) -> bool {
        matches!(presence, Presence::Leaving(_)) && self.jobs.is_empty() && self.requests.heartbeat.is_none()
    }

    /// Why no new jobs are taken, if so.
    pub(crate) fn declined(&self) -> Option<Declined> {
        match (&self.pause, self.request, self.leaving()) {
            (Some(pause), ..) => Some(Declined::Paused(pause.reason.clone())),
            (None, Request::Finish, _) => Some(Declined::Finishing),
            (None, _, Some(why)) => Some(Declined::Leaving(why)),
            (None, _, None) => {
                let outdated = self.facts.required_version.clone().map(Declined::Outdated);
                outdated.or_else(|| self.turn.elsewhere.clone().map(Declined::Elsewhere))
            }
        }
    }

    pub(super) fn take_offers(&mut self) {
        let has_offers = self.orders.as_ref().is_some_and(|orders| orders.offers > 0);
        if let Some(host) = self.host()
            && has_offers
            && !self.devices_untold
            && self.requests.offers.is_none()
            && self.requests.retry_at.max(self.requests.offers_at) <= self.now
            && self.declined().is_none()
        {
            self.requests.offers = Some(self.begin(Errand::TakeOffers(host)));
        }
    }

    /// Whether offers are being taken.
    pub(crate) fn takes_offers(&self) -> bool {
        self.requests.offers.is_some()
    }

    /// When the next heartbeat is due; none while one is under way, or none may be sent.
    pub(super) fn heartbeat_due(&self) -> Option<Time> {
        self.host()?;
        let under_way = self.requests.heartbeat.is_some() || self.requests.registration.is_some();
        let gone = self.leaving().is_some() && self.jobs.is_empty();
        if under_way || gone {
            return None;
        }
        let accepting = self.declined().is_none();
        let has_changed = self.accepting_told.is_some_and(|told| told != accepting);
        Some(if has_changed { self.now } else { self.beat_due })
    }

    pub(super) fn heartbeat(&mut self) {
        let (Some(host), Some(due)) = (self.host(), self.heartbeat_due()) else {
            return;
        };
        if due > self.now {
            return;
        }
        let declined = self.declined();
        self.accepting_told = Some(declined.is_none());
        self.asked = if declined.is_none() { Asked::UnderWay } else { Asked::No };
        self.beat_sent = self.now;
        let jobs = self.jobs.values().map(|job| JobProgress {
            attempt: job.lease.attempt,
            epoch: job.lease.epoch,
            segment: job.record.reached(),
            segment_ms: job.segment_ms,
        });
        let beat = Beat {
            jobs: jobs.collect(),
            declined,
        };
        self.requests.heartbeat = Some(self.begin(Errand::Heartbeat(host, beat)));
    }

    /// End once there is a reason to, nothing is left here, and the server knows as far as it can.
    pub(super) fn end_if_done(&mut self) {
        let computes = self.slots.iter().any(|slot| slot.running.is_some());
        if self.leaving().is_none() || computes || !self.jobs.is_empty() || self.requests.heartbeat.is_some() {
            return;
        }
        let told = matches!(&self.announced, Announced::Current(Presence::Leaving(_)));
        // A server that is away finds out by itself.
        if told || self.host().is_none() || matches!(self.server, Server::Away(_)) {
            self.say(Message::Ended);
            self.exit(Ending::Done);
        }
    }
}
