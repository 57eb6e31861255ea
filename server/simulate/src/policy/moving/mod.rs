//! Moving: the serving core itself gives leases, takes commits and moves jobs. Here is what each host's agent does with its orders, as changes
//! of state alone: progress comes from the grid of boundaries, and commits that would have come between two changes are made up when one comes
//! that the core has to know of. An absence that ends before the core would have noticed it is none for the core.
//!
//! Heartbeats are no events: the core is set never to notice silence by itself, and an absent host is taken out after `unreachable_min` when it has
//! nothing, after `lost_min` when it has jobs, as silence would. So a host's silences do not lower the core's trust in it.

mod runs;

use std::collections::BTreeSet;

use protocol::http::{Action, JobProgress, Lease, LeaveNotice};
use protocol::{AttemptId, ChainEntry, HardwareClass, HostId, JobId, JobState, Tier, Verify};
use scheduler::testing::{START_MS, registration, submission};
use scheduler::{Command, Config, Core, Event, Origin, Reply};

use super::{Context, Policy, Wake, index};
use crate::grid::Grid;
use crate::parameters::Parameters;
use crate::population::{Change, HOUR, MINUTE};

/// The core gives a host that leaves at once so long to bring its boundaries home.
const LEAVE_MS: u64 = 10 * MINUTE;
/// Hosts of which the core's state is saved and restored at the end, to see that it comes out the same.
const SAVED_MAX: usize = 10_000;
/// Ten years: the longest time that the core's settings take.
const NEVER_MS: u64 = 10 * 365 * 24 * HOUR;

/// A lease as its host has it.
#[derive(Clone, Debug)]
struct Local {
    attempt: AttemptId,
    epoch: u64,
    /// Its place in the ledger; none for a check, of which the host does not know that it is one.
    job: Option<u64>,
    /// Its number in the core.
    number: JobId,
    until: u64,
    class: HardwareClass,
    /// The last boundary on disk, and the last that is safe on the server.
    reached: u64,
    safe: Option<u64>,
    /// The last boundary that is safe on the server and that the core was not told of, since nothing depends on it yet.
    arrived: Option<u64>,
    /// When its package and checkpoint are here.
    ready_ms: u64,
    grid: Option<Grid>,
    stops: bool,
    /// When the core was last told how far it is.
    told_ms: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct Seat {
    host: HostId,
    registered: bool,
    up: bool,
    locals: Vec<Local>,
    /// What it computes by its last orders: the attempt, whether it stops, and at once. Its orders may have changed since it went down.
    head: Option<(AttemptId, bool, bool)>,
    is_outdated: bool,
    stamp: u64,
    /// Number of the newest absence, and whether the core was told that the host leaves.
    absence: u64,
    leaving: bool,
}

/// The policy.
pub(crate) struct Moving {
    core: Core,
    seats: Vec<Seat>,
    /// The slot of each host of the core; hosts that left have no slot any more.
    slots: Vec<Option<u64>>,
    verify: Verify,
    /// Jobs whose last boundary is there, and whose checks go on.
    verifying: BTreeSet<JobId>,
    tier: Tier,
    segments: u64,
    segment_work_ms: u64,
    commit_ms: u64,
    unreachable_ms: u64,
    lost_ms: u64,
    package_bytes: u64,
    checkpoint_bytes: u64,
    result_bytes: u64,
    chain: Vec<ChainEntry>,
    applied: u64,
    /// The first event that was refused though it should not have been.
    refused: Option<String>,
}

impl Moving {
    pub(crate) fn new(parameters: &Parameters, slots: u64, verify: Verify, server: u64) -> Self {
        let (jobs, policies) = (&parameters.jobs, &parameters.policies);
        let minutes = |minutes: f64| (minutes * MINUTE as f64) as u64;
        let config = Config {
            unreachable_ms: NEVER_MS,
            lost_ms: NEVER_MS,
            dropped_ms: NEVER_MS,
            // Boundaries come home only when something happens.
            stall_ms: NEVER_MS,
            commit_ms: minutes(policies.commit_min),
            lead_ms: minutes(policies.lead_min),
            user_running_max: u32::MAX,
            user_jobs_max: u32::MAX,
            retire_ms: HOUR,
            check_key: runs::check_key(server),
            ..Config::default()
        };
        Self {
            core: Core::new(config),
            seats: vec![Seat::default(); index(slots)],
            slots: Vec::new(),
            verify,
            verifying: BTreeSet::new(),
            tier: if jobs.class_bound { Tier::ClassBound } else { Tier::Portable },
            segments: jobs.segments,
            segment_work_ms: (jobs.segment_s * 1000.0) as u64,
            commit_ms: minutes(policies.commit_min),
            unreachable_ms: minutes(policies.unreachable_min),
            lost_ms: minutes(policies.lost_min).max(LEAVE_MS),
            package_bytes: (jobs.package_mb * 1e6) as u64,
            checkpoint_bytes: (jobs.checkpoint_mb * 1e6) as u64,
            result_bytes: (jobs.result_mb * 1e6) as u64,
            chain: runs::chain(jobs.segments),
            applied: 0,
            refused: None,
        }
    }

    fn apply(&mut self, now_ms: u64, event: &Event) -> Option<Reply> {
        self.applied += 1;
        match self.core.apply(event, START_MS + now_ms) {
            Ok(reply) => Some(reply),
            Err(refusal) => {
                self.refused.get_or_insert_with(|| format!("at {now_ms} ms: {refusal}"));
                None
            }
        }
    }

    /// Hosts whose orders changed see them, until none changes any more.
    fn follow(&mut self, context: &mut Context<'_>) {
        loop {
            let mut changed = BTreeSet::new();
            for command in self.core.take_commands() {
                match command {
                    Command::Orders(host) => changed.extend(self.slots.get(index(host.0.saturating_sub(1))).copied().flatten()),
                    Command::Changed(job, _) if self.verifying.contains(&job) => self.look_at_verified(context, job),
                    _ => {}
                }
            }
            if changed.is_empty() {
                return;
            }
            for slot in changed {
                self.obey(context, slot);
            }
        }
    }

    /// A job whose checks went on is completed once they have passed.
    fn look_at_verified(&mut self, context: &mut Context<'_>, job: JobId) {
        if self.core.job(job).is_ok_and(|view| view.state == JobState::Completed) {
            self.verifying.remove(&job);
            if let Some(place) = Self::place(job) {
                context.ledger.done(place, context.now_ms);
            }
        }
    }

    /// Place of a job of the core in the ledger: both number jobs as they are submitted, the core from 1.
    fn place(job: JobId) -> Option<u64> {
        job.0.checked_sub(1)
    }

    /// A host that is up does what its orders say.
    fn obey(&mut self, context: &mut Context<'_>, slot: u64) {
        let seat = &mut self.seats[index(slot)];
        seat.is_outdated = !seat.up;
        let host = seat.host;
        if seat.is_outdated {
            return;
        }
        let Ok(mut orders) = self.core.orders(host) else { return };
        if orders.offers > 0 {
            self.apply(context.now_ms, &Event::Take { host });
            orders.leases = self.core.orders(host).map(|orders| orders.leases).unwrap_or_default();
        }
        let gone: Vec<AttemptId> = self.seats[index(slot)].locals.iter().map(|local| local.attempt).collect();
        for attempt in gone {
            if orders.leases.iter().all(|lease| lease.attempt != attempt) {
                self.drop_local(context, slot, attempt);
            }
        }
        for lease in &orders.leases {
            self.accept(context, slot, lease);
        }
        self.seats[index(slot)].head = orders.leases.first().map(|head| {
            let stops = matches!(head.action, Action::StopAtBoundary | Action::StopNow);
            (head.attempt, stops, head.action == Action::StopNow)
        });
        self.go_on(context, slot);
    }

    /// The first lease of a host's line computes.
    fn go_on(&mut self, context: &mut Context<'_>, slot: u64) {
        if let Some((attempt, stops, at_once)) = self.seats[index(slot)].head {
            self.compute(context, slot, attempt, stops, at_once);
        }
    }

    /// Enters a lease that is new here.
    fn accept(&mut self, context: &mut Context<'_>, slot: u64, lease: &Lease) {
        if self.seats[index(slot)]
            .locals
            .iter()
            .any(|local| local.attempt == lease.attempt)
        {
            return;
        }
        let safe = lease.checkpoint.as_ref().map(|safe| safe.entry.segment);
        let reached = safe.unwrap_or(0);
        let bytes = self.package_bytes
            + if lease.checkpoint.is_some() {
                self.checkpoint_bytes
            } else {
                0
            };
        context.ledger.bytes += bytes;
        let is_check = self.core.is_check(lease.attempt);
        context.ledger.moves += u64::from(reached > 0 && !is_check);
        let ready_ms = context.now_ms + context.host(slot).download_ms(bytes);
        let local = Local {
            attempt: lease.attempt,
            epoch: lease.epoch,
            job: Self::place(lease.job).filter(|_| !is_check),
            number: lease.job,
            until: lease.until_segment,
            class: lease.class,
            reached,
            safe,
            arrived: None,
            ready_ms,
            grid: None,
            stops: false,
            told_ms: None,
        };
        self.seats[index(slot)].locals.push(local);
    }

    fn leave(&mut self, now_ms: u64, slot: u64, in_ms: u64, back_ms: Option<u64>) {
        let seat = &mut self.seats[index(slot)];
        seat.leaving = true;
        let host = seat.host;
        let notice = LeaveNotice {
            in_s: in_ms / 1000,
            back_in_s: back_ms.map(|back| back / 1000),
            reason: "goes off".to_owned(),
        };
        self.apply(now_ms, &Event::Leave { host, notice });
    }

    fn come(&mut self, context: &mut Context<'_>, slot: u64) {
        let now_ms = context.now_ms;
        if !self.seats[index(slot)].registered {
            let body = registration("host", context.host(slot).class);
            let register = Event::Register {
                host: None,
                body,
                address: slot,
                origin: Origin::default(),
            };
            let Some(Reply::Host(host)) = self.apply(now_ms, &register) else {
                return;
            };
            let seat = &mut self.seats[index(slot)];
            (seat.host, seat.registered, seat.up) = (host, true, true);
            self.slots.resize(index(host.0), None);
            self.slots[index(host.0 - 1)] = Some(slot);
            return;
        }
        let seat = &mut self.seats[index(slot)];
        seat.up = true;
        seat.absence += 1;
        let was_away = std::mem::take(&mut seat.leaving);
        if was_away {
            let host = seat.host;
            let segment_ms = context.hosts[index(slot)].time(self.segment_work_ms);
            let jobs = seat.locals.iter_mut().map(|local| {
                local.told_ms = Some(now_ms);
                JobProgress {
                    attempt: local.attempt,
                    epoch: local.epoch,
                    segment: local.reached,
                    segment_ms,
                }
            });
            let jobs = jobs.collect();
            self.apply(now_ms, &Event::Return { host });
            self.beat(now_ms, host, jobs);
        }
        if was_away || self.seats[index(slot)].is_outdated {
            self.obey(context, slot);
        } else {
            self.go_on(context, slot);
        }
    }

    fn go(&mut self, context: &mut Context<'_>, slot: u64, gone: bool, next_ms: Option<u64>) {
        let attempts: Vec<AttemptId> = self.seats[index(slot)].locals.iter().map(|local| local.attempt).collect();
        for attempt in &attempts {
            self.pause(context, slot, *attempt);
        }
        let seat = &mut self.seats[index(slot)];
        seat.up = false;
        seat.absence += 1;
        if !seat.registered {
            return;
        }
        let (absence, leaving, host) = (seat.absence, seat.leaving, seat.host);
        if !leaving {
            let silence = if attempts.is_empty() {
                self.unreachable_ms
            } else {
                self.lost_ms - LEAVE_MS
            };
            let at = context.now_ms + silence;
            // An absence that ends before is none for the core.
            if next_ms.is_none_or(|next| next > at) {
                context.wake(at, Wake::Silent(host.0, absence));
            }
        }
        if gone {
            // Its disk is gone with it.
            for attempt in attempts {
                self.tell(context, slot, attempt);
                self.drop_local(context, slot, attempt);
            }
        }
    }
}

impl Policy for Moving {
    fn arrive(&mut self, _context: &mut Context<'_>, slot: u64) {
        // The one that was here before keeps its number in the core, where its silence goes on.
        let seat = &mut self.seats[index(slot)];
        *seat = Seat {
            stamp: seat.stamp + 1,
            absence: seat.absence + 1,
            ..Seat::default()
        };
    }

    fn change(&mut self, context: &mut Context<'_>, slot: u64, change: Change, next_ms: Option<u64>) {
        match change {
            Change::Up => self.come(context, slot),
            Change::Announce { down_ms, back_ms } => {
                let now_ms = context.now_ms;
                self.leave(now_ms, slot, down_ms - now_ms, Some(back_ms - now_ms));
            }
            Change::Down | Change::Gone => self.go(context, slot, change == Change::Gone, next_ms),
        }
        self.follow(context);
    }

    fn wake(&mut self, context: &mut Context<'_>, wake: Wake) {
        match wake {
            Wake::Host(slot, stamp) => {
                if self.seats[index(slot)].stamp == stamp && self.seats[index(slot)].up {
                    self.arrived(context, slot);
                }
            }
            Wake::Commit(slot, stamp) => {
                if self.seats[index(slot)].stamp == stamp && self.seats[index(slot)].up {
                    self.commit_under_way(context, slot, stamp);
                }
            }
            Wake::Silent(host, absence) => {
                let slot = self.slots.get(index(host - 1)).copied().flatten();
                let seat = slot.map(|slot| &self.seats[index(slot)]);
                let came_back = seat.is_some_and(|seat| seat.host.0 == host && seat.absence != absence);
                if !came_back {
                    if let Some(slot) = slot.filter(|slot| self.seats[index(*slot)].host.0 == host) {
                        let attempts: Vec<AttemptId> =
                            self.seats[index(slot)].locals.iter().map(|local| local.attempt).collect();
                        attempts.into_iter().for_each(|attempt| self.tell(context, slot, attempt));
                    }
                    let notice = LeaveNotice {
                        in_s: 0,
                        back_in_s: None,
                        reason: "silent".to_owned(),
                    };
                    let host = HostId(host);
                    self.apply(context.now_ms, &Event::Leave { host, notice });
                    if let Some(seat) = slot.map(|slot| &mut self.seats[index(slot)]).filter(|seat| seat.host == host) {
                        seat.leaving = true;
                    }
                }
                self.follow(context);
            }
            Wake::Deadline(..) | Wake::Urgent => {}
        }
    }

    fn submit(&mut self, context: &mut Context<'_>, job: u64) {
        let mut body = submission("job", self.tier, self.segments);
        body.verify = self.verify;
        body.segment_ms = Some(self.segment_work_ms);
        if context.ledger.is_urgent(job) {
            (body.priority, body.now) = (9, true);
        }
        let event = Event::Submit {
            user: "science".to_owned(),
            job: Box::new(body),
            bytes: self.package_bytes,
        };
        if let Some(Reply::Job(number)) = self.apply(context.now_ms, &event)
            && Self::place(number) != Some(job)
        {
            self.refused
                .get_or_insert_with(|| format!("job {job} of the ledger is job {number} of the core"));
        }
        self.follow(context);
    }

    fn due_ms(&self) -> Option<u64> {
        self.core.next_due_ms().map(|due| due.saturating_sub(START_MS))
    }

    fn tick(&mut self, context: &mut Context<'_>) {
        self.apply(context.now_ms, &Event::Tick);
        self.follow(context);
    }

    fn core_events(&self) -> u64 {
        self.applied
    }

    fn check(&self) -> Result<(), String> {
        match &self.refused {
            Some(refused) => Err(format!("an event was refused: {refused}")),
            // A saved state of all hosts takes more memory than the simulation.
            None if self.seats.len() > SAVED_MAX => self.core.check_tables(),
            None => self.core.check(),
        }
    }
}
