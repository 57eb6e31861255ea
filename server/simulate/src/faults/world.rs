//! The events of one world in virtual time, and the faults that its seed draws.

use std::collections::VecDeque;

use planner::{Answer, Errand, ErrandId, Input};
use protocol::{Digest, Tier, Verify};
use scheduler::Event;
use scheduler::testing::{START_MS, submission};

use super::chance::{Chance, Kind, Purpose, Script};
use super::happening::{Happening, mix};
use super::machine::Machine;
use super::server::Server;
use super::{Broken, Mutant, Played};
use crate::random::Draws;
use crate::timeline::Timeline;

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
/// Faults come until then; afterwards every job has to end before `END_MS`.
const CALM_MS: u64 = 5 * HOUR;
const END_MS: u64 = 80 * HOUR;
/// Events of one world, at most: one that goes round in circles is broken.
const EVENTS_MAX: u64 = 200_000;
/// What is kept of what happened, for a report.
const BEFORE: usize = 40;

pub(super) struct World {
    seed: u64,
    pub(super) now_ms: u64,
    pub(super) chance: Chance,
    pub(super) timeline: Timeline<Happening>,
    pub(super) server: Server,
    pub(super) machines: Vec<Machine>,
    pub(super) calm: bool,
    pub(super) mutant: Option<Mutant>,
    due_ms: Option<u64>,
    broken: Option<String>,
    /// What happened lately; nothing is noted, and no text made of it, unless it is asked for.
    before: Option<VecDeque<String>>,
    pub(super) played: Played,
}

impl World {
    /// The world of a seed. With `notes` all that happens is noted, and its digest is of the texts; without, of what, when and to whom it happened.
    pub(super) fn new(seed: u64, mutant: Option<Mutant>, script: Option<Script>, notes: bool) -> Self {
        let mut chance = Chance::new(seed, script);
        let mut draws = chance.draws(Purpose::World, 0);
        let mut timeline = Timeline::new();
        let mut hostile = chance.draws(Purpose::Hostile, 0);
        let is_hostile = hostile.below(4) == 0;
        // Two honest hosts have to agree, and one of them may be away for good: it is given up, and never comes back under its number.
        let machines = if is_hostile {
            4 + hostile.below(2)
        } else {
            2 + draws.below(3)
        };
        for index in 0..machines {
            timeline.put(draws.below(10 * MINUTE), Happening::Start(index as usize));
        }
        for job in 0..2 + draws.below(4) {
            timeline.put(draws.below(2 * HOUR), Happening::Submit(job));
        }
        timeline.put(draws.below(20 * MINUTE), Happening::Fault);
        timeline.put(CALM_MS, Happening::Calm);
        let mut server = Server::new(mutant);
        server.hostile = is_hostile;
        let mut all: Vec<Machine> = (0..machines).map(|index| Machine::new(index, is_hostile)).collect();
        if is_hostile {
            all[0].hostile = true;
        }
        Self {
            seed,
            now_ms: 0,
            chance,
            timeline,
            server,
            machines: all,
            calm: false,
            mutant,
            due_ms: None,
            broken: None,
            before: notes.then(VecDeque::new),
            played: Played::default(),
        }
    }

    pub(super) fn breaks(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    pub(super) fn play(mut self) -> Result<Played, Box<Broken>> {
        while self.broken.is_none() && self.server.broken.is_none() {
            let Some((at, happening)) = self.timeline.pop() else { break };
            if at > END_MS || self.calm && self.server.all_ended() {
                break;
            }
            self.now_ms = at;
            self.note(&happening);
            self.happen(happening);
            self.push_orders();
            self.plan_due();
            if self.played.events > EVENTS_MAX {
                self.breaks(format!("more than {EVENTS_MAX} events: the world goes round in circles"));
            }
        }
        if self.broken.is_none() && self.server.broken.is_none() {
            self.server.assert_ended();
        }
        self.played.jobs = self.server.packages.len() as u64;
        self.played.core_events = self.server.applied;
        self.played.taken_back = self.server.times_taken_back;
        self.played.unconfirmed = self.server.unconfirmed;
        match self.broken.or(self.server.broken) {
            None => Ok(self.played),
            Some(what) => Err(Box::new(Broken {
                seed: self.seed,
                at_ms: self.now_ms,
                what,
                before: self.before.unwrap_or_default().into(),
                script: self.chance.struck,
            })),
        }
    }

    fn note(&mut self, happening: &Happening) {
        self.played.events += 1;
        let Some(before) = &mut self.before else {
            let (what, machine) = happening.number();
            self.played.digest = mix(self.played.digest ^ self.now_ms.rotate_left(20) ^ what << 8 ^ machine);
            return;
        };
        let mut line = format!("{:>9} {happening:?}", self.now_ms);
        let digest = Digest::of(line.as_bytes()).0;
        let first = digest.first_chunk().copied().map_or(0, u64::from_le_bytes);
        self.played.digest = mix(self.played.digest ^ first);
        line.truncate(line.char_indices().nth(160).map_or(line.len(), |(at, _)| at));
        if before.len() == BEFORE {
            before.pop_front();
        }
        before.push_back(line);
    }

    /// Whether a fault strikes now, one in so many; never in the calm.
    pub(super) fn strikes(&mut self, kind: Kind, machine: usize, one_in: u64, text: &str) -> Option<Draws> {
        let (strike, draws) = self.chance.strikes(kind, machine, one_in).filter(|_| !self.calm)?;
        self.chance.note(self.now_ms, strike, format!("host {machine}: {text}"));
        Some(draws)
    }

    /// Time for a message: mostly a moment, sometimes minutes, so that others overtake it.
    fn delay(&mut self, machine: usize, what: &str) -> u64 {
        let usual = 20 + self.chance.draws(Purpose::Delay, machine).below(1000);
        match self.strikes(Kind::Late, machine, 20, &format!("{what} is late")) {
            Some(mut draws) => draws.below(5 * MINUTE),
            None => usual,
        }
    }

    fn is_lost(&mut self, machine: usize, what: &str) -> bool {
        let cut = self.machines[machine].cut_until_ms > self.now_ms;
        let lost = self.strikes(Kind::Lost, machine, 12, &format!("{what} is lost")).is_some() || cut;
        self.played.lost += u64::from(lost);
        lost
    }

    /// Sends an errand that is outstanding, and plans to ask again.
    pub(super) fn send(&mut self, machine: usize, id: ErrandId) {
        let found = &self.machines[machine];
        let (life, wall) = (found.life, (START_MS + self.now_ms).saturating_add_signed(found.clock_ms));
        let Some(errand) = found.errands.get(&id).cloned() else {
            return;
        };
        if let Errand::Commit { attempt, boundaries, .. } = &errand {
            let folder = self.machines[machine].folders.get(attempt);
            let newest = boundaries.last().map_or(0, |last| last.entry.segment);
            let is_safe = folder.is_some_and(|folder| self.server.safe_in(folder) >= Some(newest));
            let is_here = folder.is_some_and(|folder| folder.checkpoints.contains(&newest));
            if folder.is_some() && !is_safe && !is_here {
                self.breaks(format!(
                    "host {machine}: the checkpoint of boundary {newest} is gone before it was safe"
                ));
            }
        }
        let what = format!("request {}", name(&errand));
        let copies = if self.is_lost(machine, &what) {
            0
        } else {
            1 + u64::from(
                self.strikes(Kind::Twice, machine, 12, &format!("{what} comes twice"))
                    .is_some(),
            )
        };
        self.played.twice += copies.saturating_sub(1);
        for _ in 0..copies {
            let at = self.now_ms + self.delay(machine, &what);
            let errand = Box::new(errand.clone());
            self.timeline.put(
                at,
                Happening::Request {
                    machine,
                    life,
                    id,
                    errand,
                    wall_ms: wall,
                },
            );
        }
        let again = self.now_ms + 20_000 + self.chance.draws(Purpose::Resend, machine).below(20_000);
        self.timeline.put(again, Happening::Resend { machine, life, id });
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Request {
                machine,
                life,
                id,
                errand,
                wall_ms,
            } => {
                if !self.server.up {
                    return;
                }
                // A request of an earlier process arrives all the same.
                let host = self.machines[machine].identity;
                let answer = self.server.serve(self.now_ms, (machine, life, id), host, wall_ms, &errand);
                let what = format!("answer to {}", name(&errand));
                if !self.is_lost(machine, &what) {
                    let at = self.now_ms + self.delay(machine, &what);
                    let answer = Box::new(answer);
                    self.timeline.put(
                        at,
                        Happening::Answer {
                            machine,
                            life,
                            id,
                            answer,
                        },
                    );
                }
            }
            Happening::Answer {
                machine,
                life,
                id,
                answer,
            } => {
                if self.machines[machine].life == life {
                    self.answered(machine, id, *answer);
                }
            }
            Happening::Resend { machine, life, id } => {
                let found = &mut self.machines[machine];
                if found.life != life {
                    return;
                }
                match found.errands.get(&id) {
                    None => {}
                    Some(Errand::Heartbeat(..)) => {
                        found.errands.remove(&id);
                        self.give(machine, Input::Answer(id, Answer::Away { again_ms: 15_000 }));
                    }
                    Some(_) => self.send(machine, id),
                }
            }
            Happening::Orders { machine, life, orders } => {
                if self.machines[machine].life == life {
                    self.give(machine, Input::Orders(*orders));
                }
            }
            Happening::Segment {
                machine,
                life,
                run,
                stamp,
            } => self.thread(machine, life, run, stamp),
            Happening::Wake { machine, life } => {
                let found = &mut self.machines[machine];
                if found.life == life && found.wake_ms == Some(self.now_ms) {
                    found.wake_ms = None;
                    self.give(machine, Input::Tick);
                }
            }
            Happening::Due => {
                if self.due_ms.is_none_or(|due| due <= self.now_ms) {
                    self.due_ms = None;
                }
                if self.server.up && self.server.due_ms().is_some_and(|due| due <= self.now_ms) {
                    drop(self.server.apply(self.now_ms, &Event::Tick));
                }
            }
            Happening::Start(machine) => self.start(machine),
            Happening::Stop { machine, life, stop } => {
                if self.machines[machine].life == life && self.machines[machine].planner.is_some() {
                    self.machines[machine].told_to_end = true;
                    self.give(machine, Input::Stop(stop));
                }
            }
            Happening::ServerBack => {
                if !self.server.up {
                    self.server.restart(self.now_ms);
                }
            }
            Happening::Owner(machine, on_battery) => {
                self.machines[machine].facts.on_battery = on_battery;
                let facts = self.machines[machine].facts.clone();
                self.give(machine, Input::Facts(facts));
            }
            Happening::Submit(number) => {
                if !self.server.up {
                    return self.timeline.put(self.now_ms + MINUTE, Happening::Submit(number));
                }
                let mut draws = self.chance.draws(Purpose::Job, usize::try_from(number).unwrap_or(0));
                let tier = if draws.below(2) == 0 {
                    Tier::Portable
                } else {
                    Tier::ClassBound
                };
                let mut job = submission(&format!("job {number}"), tier, 2 + draws.below(8));
                job.package = Digest::of(&number.to_le_bytes());
                job.archive = job.package;
                job.priority = if draws.below(4) == 0 { 9 } else { 3 };
                job.now = draws.below(2) == 0;
                job.segment_ms = Some(3 * MINUTE);
                let verified = self.server.hostile && self.mutant != Some(Mutant::ResultsBelieved);
                job.verify = if verified { Verify::Full } else { Verify::None };
                self.server.submit(self.now_ms, job);
            }
            Happening::Fault => self.fault(),
            Happening::Calm => {
                self.settle();
                self.timeline.put(self.now_ms + HOUR, Happening::Release);
            }
            Happening::Release => {
                self.server.release(self.now_ms);
                self.timeline.put(self.now_ms + HOUR, Happening::Release);
            }
        }
    }

    fn start(&mut self, machine: usize) {
        if self.machines[machine].planner.is_none() {
            let seed = self.chance.draws(Purpose::Start, machine).bits();
            self.machines[machine].start(self.now_ms, seed);
            self.give(machine, Input::Tick);
        }
    }

    /// Orders that changed go out over the streams.
    fn push_orders(&mut self) {
        for host in std::mem::take(&mut self.server.changed) {
            let Some(machine) = self.machines.iter().position(|machine| machine.identity == Some(host)) else {
                continue;
            };
            let Some(orders) = self.server.orders(host) else { continue };
            let life = self.machines[machine].life;
            if self.machines[machine].planner.is_some() && !self.is_lost(machine, "stream's orders") {
                let at = self.now_ms + self.delay(machine, "stream's orders");
                let orders = Box::new(orders);
                self.timeline.put(at, Happening::Orders { machine, life, orders });
            }
        }
    }

    fn plan_due(&mut self) {
        let Some(due) = self.server.due_ms().map(|due| due.max(self.now_ms + 1)) else {
            return;
        };
        if self.server.up && self.due_ms.is_none_or(|planned| planned > due) {
            self.due_ms = Some(due);
            self.timeline.put(due, Happening::Due);
        }
    }
}

/// What a request asks for, in a word.
fn name(errand: &Errand) -> &'static str {
    match errand {
        Errand::Enrol(_) => "enrol",
        Errand::Update(..) => "register",
        Errand::Announce(..) => "announce",
        Errand::TakeOffers(_) => "take",
        Errand::Heartbeat(..) => "heartbeat",
        Errand::Fetch(_) => "fetch",
        Errand::Commit { .. } => "commit",
        Errand::End { .. } => "end",
    }
}
