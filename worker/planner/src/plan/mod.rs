//! The state of an agent, and one step of it: an input is taken in, then everything that is due is done.
//!
//! | module | owns |
//! |---|---|
//! | [`devices`] | devices that come and go, and jobs that lose theirs |
//! | [`host`] | this host and the server: registration, presence, heartbeats, offers |
//! | [`leases`] | what orders and answers say of jobs: held, fetched, committed, dropped |
//! | [`turn`] | this project beside others of the same agent |
//! | [`work`] | what is due for jobs: controls, devices, commits, ends |
//! | [`view`] | the state as a person may see it |
//!
//! Invariant: a step leaves nothing due. A second one at the same time with [`Input::Tick`] has no effects.

pub mod devices;
mod host;
mod leases;
mod turn;
pub mod view;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use protocol::AttemptId;
use protocol::http::{Orders, RegisterHost};

use crate::effect::{Contributed, Effect, Ending, Errand, ErrandId, Message, RunId};
use crate::input::{Answer, Facts, Input, Request, Server, Setup, Stop, Trouble, Turn};
use crate::job::Job;
use crate::policy::Policy;
use crate::reason::{Failure, Presence, Reason};
use crate::time::Time;
use devices::Slot;
use host::{Announced, Requests, Standing};
use turn::Asked;

/// An answer by which work that is here would be void counts once another one, to a request made so much later, says the same.
pub const CONFIRM_MS: u64 = 5_000;
/// An agent that has run for less time is young; contests that are further apart have nothing to do with each other.
pub(crate) const YOUNG_MS: u64 = 600_000;
/// Threads that are to stop at once have so long to say that they did: a pass that computes is not interrupted, and nothing on disk depends on it.
pub const STOP_PATIENCE_MS: u64 = 1_000;
/// A server that is away for the same reason again is said to be after this time: one that answers some requests and others never is away and back
/// all the time.
const AWAY_AGAIN_MS: u64 = 600_000;
/// Offers that brought no job are asked for again after this time.
const OFFERS_PAUSE_MS: u64 = 1_000;
/// With nothing to do for this long, an agent that is to end when idle ends.
const IDLE_END_MS: u64 = 5_000;
/// Between two looks for fetched files that nothing needs.
const SWEEP_EVERY_MS: u64 = 600_000;

/// Why nothing is computed now, and since when nothing has been.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    pub(crate) reason: Reason,
    since: Time,
}

/// Whether the last orders are of this life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The server has said nothing since the agent began.
    Nothing,
    /// It has.
    Orders,
}

/// The state of an agent.
#[derive(Clone, Debug)]
pub struct Planner {
    now: Time,
    effects: Vec<Effect>,
    ending: Option<Ending>,
    next_errand: u64,
    next_run: u64,
    dice: u64,

    policy: Policy,
    facts: Facts,
    request: Request,
    stop: Stop,
    /// When a signal asked for the end now.
    stop_now_at: Option<Time>,
    pause_patience_ms: u64,
    pause: Option<Pause>,
    idle_since: Option<Time>,

    description: RegisterHost,
    can_enrol: bool,
    standing: Standing,
    server: Server,
    /// Why the server was said to be away last, and when; whether it is to be said that it is back.
    away_said: Option<(String, Time)>,
    back_unsaid: bool,
    requests: Requests,
    /// Since when the server says that it does not know this host.
    unknown_since: Option<Time>,
    /// How often another agent was found to speak for this host, and when last.
    contended: (u32, Time),
    announced: Announced,
    beat_due: Time,
    /// When the last heartbeat began.
    beat_sent: Time,
    /// Whether the last heartbeat said that new jobs are taken; none when the server may not know.
    accepting_told: Option<bool>,
    asked: Asked,
    turn: Turn,

    heard: Heard,
    /// Whether what earlier lives left is gone.
    tidied: bool,
    orders: Option<Orders>,
    slots: Vec<Slot>,
    /// Devices changed, and the server does not know it yet.
    devices_untold: bool,
    jobs: BTreeMap<AttemptId, Job>,
    /// Attempts that are over here, and that the last orders may still list.
    over: BTreeSet<AttemptId>,
    contributed: Contributed,
    swept: Time,
}

impl Planner {
    /// The planner of an agent that begins. What it does first comes of its first step.
    #[must_use]
    pub fn new(setup: Setup, now: Time) -> Self {
        let mut planner = Self {
            now,
            effects: Vec::new(),
            ending: None,
            next_errand: 0,
            next_run: 0,
            dice: setup.seed,
            policy: setup.policy,
            facts: setup.facts,
            request: setup.request,
            stop: Stop::No,
            stop_now_at: None,
            pause_patience_ms: setup.pause_patience_ms,
            pause: None,
            idle_since: None,
            description: setup.description,
            can_enrol: setup.can_enrol,
            standing: setup.host.map_or(Standing::Unknown, Standing::Known),
            server: Server::Reachable,
            away_said: None,
            back_unsaid: false,
            requests: Requests::default(),
            unknown_since: None,
            contended: (0, now),
            // A life before this one may have announced that it leaves.
            announced: match setup.host {
                Some(_) => Announced::Unknown,
                None => Announced::Current(Presence::Here),
            },
            beat_due: now,
            beat_sent: now,
            accepting_told: None,
            asked: Asked::No,
            turn: Turn::default(),
            heard: Heard::Nothing,
            tidied: false,
            orders: None,
            slots: setup.devices.into_iter().map(Slot::new).collect(),
            devices_untold: false,
            jobs: BTreeMap::new(),
            over: BTreeSet::new(),
            contributed: setup.contributed,
            swept: now,
        };
        // Go on with what was told in an earlier life, until the server says otherwise.
        if let Some(orders) = setup.orders.filter(|orders| planner.host() == Some(orders.host)) {
            planner.follow(&orders);
            planner.orders = Some(orders);
            planner.jobs.values_mut().for_each(|job| job.is_of_earlier_life = true);
        }
        planner
    }

    /// Take in one input at a time, and do everything that is then due. The effects are to be carried out in their order. After
    /// [`Effect::Exit`] there are none any more.
    pub fn step(&mut self, input: Input, now: Time) -> Vec<Effect> {
        self.now = self.now.max(now);
        if self.ending.is_none() {
            self.absorb(input);
        }
        if self.ending.is_none() {
            self.do_what_is_due();
        }
        std::mem::take(&mut self.effects)
    }

    /// The moment at which something is due though nothing comes in; none while everything waits for inputs. It may be in the past: now.
    #[must_use]
    pub fn wake_at(&self) -> Option<Time> {
        if self.ending.is_some() {
            return None;
        }
        let pause_ends = match self.request {
            Request::Pause { until: Some(until) } => Some(until).filter(|until| *until > self.now),
            _ => None,
        };
        let migrates = self.pause.as_ref().map(|pause| pause.since.after(self.pause_patience_ms));
        let migrates = migrates.filter(|at| *at > self.now);
        let idle_end = self.idle_since.map(|since| since.after(IDLE_END_MS));
        let commits = self.host().and(self.jobs.values().filter_map(Job::commit_due).min());
        [
            pause_ends,
            migrates,
            idle_end,
            self.stop_now_at.map(|at| at.after(STOP_PATIENCE_MS)),
            commits,
            self.jobs.values().map(|job| job.retry_at).filter(|at| *at > self.now).min(),
            self.heartbeat_due(),
            self.handover_ends(),
            Some(self.requests.retry_at).filter(|at| *at > self.now),
            Some(self.requests.offers_at).filter(|at| *at > self.now),
            Some(self.swept.after(SWEEP_EVERY_MS)),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn absorb(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::Orders(orders) => self.obey(orders),
            Input::Refused(trouble) => self.refused(&Answer::Trouble(trouble)),
            Input::Answer(errand, answer) => self.answered(errand, answer),
            Input::Boundary(run, boundary) => self.reached(run, boundary),
            Input::Stopped(run, ended) => self.stopped(run, ended),
            Input::Facts(facts) => self.facts = facts,
            Input::Devices(devices, description) => self.found_devices(devices, *description),
            Input::Policy(policy) => self.policy = policy,
            Input::Description(description) => self.description = *description,
            Input::Request(request) => self.request = request,
            Input::Stop(stop) => self.asked_to_stop(stop),
            Input::Server(server) => self.found_server(server),
            Input::Turn(turn) => self.turn = turn,
        }
    }

    /// An answer counts only while somebody waits for it, so that late and repeated ones change nothing.
    fn answered(&mut self, errand: ErrandId, answer: Answer) {
        if self.host_request_answered(errand, &answer) {
            return;
        }
        let waiting = self.jobs.iter().find(|(_, job)| job.waits_for(errand));
        if let Some((&attempt, _)) = waiting {
            self.job_errand_answered(attempt, answer);
        }
    }

    fn do_what_is_due(&mut self) {
        self.look_at_pause();
        if self.stop == Stop::Now {
            return self.stop_now();
        }
        self.look_at_idleness();
        self.register();
        if self.ending.is_some() {
            return;
        }
        self.take_offers();
        self.drive_jobs();
        self.drive_slots();
        self.deliver();
        self.announce();
        self.heartbeat();
        self.sweep();
        self.end_if_done();
    }

    fn look_at_pause(&mut self) {
        let reason = self.policy.why_not(self.request, &self.facts, self.now);
        let reason = reason.or_else(|| (!self.has_device()).then_some(Reason::NoDevice));
        let same = match (&reason, &self.pause) {
            (Some(new), Some(old)) => new.same_kind(&old.reason),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.say(reason.clone().map_or(Message::Resumed, Message::Paused));
        }
        let since = self.pause.as_ref().map_or(self.now, |pause| pause.since);
        self.pause = reason.map(|reason| Pause { reason, since });
    }

    fn asked_to_stop(&mut self, stop: Stop) {
        if stop <= self.stop {
            return;
        }
        self.stop = stop;
        self.stop_now_at = (stop == Stop::Now).then_some(self.now);
        self.say(match stop {
            Stop::Now => Message::StoppingNow,
            _ => Message::Leaving {
                with_jobs: !self.jobs.is_empty(),
            },
        });
    }

    fn found_server(&mut self, server: Server) {
        let said = match (&self.server, &server) {
            (Server::Reachable, Server::Away(why)) => {
                let is_news = self
                    .away_said
                    .as_ref()
                    .is_none_or(|(said, at)| said != why || self.now.since(*at) >= AWAY_AGAIN_MS);
                is_news.then(|| {
                    self.away_said = Some((why.clone(), self.now));
                    self.back_unsaid = true;
                    Message::ServerAway(why.clone())
                })
            }
            (Server::Away(_), Server::Reachable) => std::mem::take(&mut self.back_unsaid).then_some(Message::ServerBack),
            _ => None,
        };
        self.server = server;
        if let Some(said) = said {
            self.say(said);
        }
    }

    fn look_at_idleness(&mut self) {
        let may = self.pause.is_none() && self.turn.elsewhere.is_none();
        let idle = self.policy.exit_when_idle && self.has_nothing() && self.heard == Heard::Orders && may;
        self.idle_since = idle.then(|| self.idle_since.unwrap_or(self.now));
    }

    /// Neither a job here nor one listed.
    fn has_nothing(&self) -> bool {
        self.jobs.is_empty() && self.orders.as_ref().is_none_or(|orders| orders.leases.is_empty())
    }

    fn sweep(&mut self) {
        if self.now < self.swept.after(SWEEP_EVERY_MS) {
            return;
        }
        self.swept = self.now;
        let leases = self.jobs.values().map(|job| &job.lease);
        let needed = leases.flat_map(|lease| [Some(lease.archive), lease.checkpoint.as_ref().map(|safe| safe.blob)]);
        let needed = needed.flatten().collect();
        self.effects.push(Effect::SweepFetched(needed));
    }

    fn say(&mut self, message: Message) {
        self.effects.push(Effect::Say(message));
    }

    fn exit(&mut self, ending: Ending) {
        self.ending = Some(ending.clone());
        self.effects.push(Effect::Exit(ending));
    }

    fn begin(&mut self, errand: Errand) -> ErrandId {
        let id = ErrandId(self.next_errand);
        self.next_errand += 1;
        self.effects.push(Effect::Begin(id, errand));
        id
    }

    /// The next number of the seed's series.
    fn roll(&mut self) -> u64 {
        protocol::split_mix::next(&mut self.dice)
    }

    fn slot_of(&self, run: RunId) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.running.is_some_and(|(running, _)| running == run))
    }

    fn runs(&self, attempt: AttemptId) -> bool {
        let mut running = self.slots.iter().filter_map(|slot| slot.running);
        running.any(|(_, running)| running == attempt)
    }
}

/// What an answer that an errand of a job should never have says of the job: nothing that could be relied on.
fn unexpected(answer: &Answer) -> Failure {
    let kind = match answer {
        Answer::Trouble(Trouble::Failed(failure)) => return failure.clone(),
        Answer::Trouble(Trouble::LeaseOver(why) | Trouble::UnknownHost(why) | Trouble::Copied(why)) => why,
        _ => "an answer that does not belong to it",
    };
    Failure::new(crate::reason::Cause::Unknown, kind)
}
