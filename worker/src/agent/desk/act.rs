//! What is due: wishes and signals looked at, devices given their jobs, boundaries brought home, ends told.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use device::{DeviceKind, SessionOptions};
use protocol::http::{Action, EndAttempt};
use protocol::{AttemptId, Outcome};

use super::{Desk, Note, Place};
use crate::agent::compute::{Task, Wish};
use crate::agent::held::Phase;
use crate::agent::policy::now_ms;
use crate::agent::preferences::Preferences;
use crate::agent::record::Kept;
use crate::agent::state::Contributed;
use crate::agent::{machine, policy};
use crate::exit::Exit;

/// Length of submits, so that a desktop stays smooth.
const SUBMIT_MS: f32 = 10.0;

impl Desk {
    /// Do all that is due. An exit when there is a reason to end.
    pub(super) fn act(&mut self) -> Option<Exit> {
        self.look_at_wishes();
        if let Some(exit) = self.look_at_signals() {
            return Some(exit);
        }
        // Not known any more: enrolled anew once nothing of the old life computes.
        if self.identity.is_none() && self.seats.iter().all(|seat| seat.running.is_none()) {
            self.register();
        }
        self.tell_place();
        self.take_offers();
        self.drive_seats();
        for attempt in self.held.keys().copied().collect::<Vec<_>>() {
            self.bring_home(attempt);
            self.tell_end(attempt);
        }
        self.beat();
        self.sweep();
        self.show(false);
        self.done()
    }

    pub(super) fn look_at_wishes(&mut self) {
        let wished = self.setup.state.read("wish.json").unwrap_or_default();
        if wished != self.wished {
            self.wished = wished;
            self.watch.forget();
        }
        let changed = self.config_time();
        if changed != self.config_changed {
            self.config_changed = changed;
            let found = self.setup.access.worker();
            match found.and_then(|(_, table)| Preferences::merge(&self.setup.given, table)) {
                Ok(preferences) => {
                    self.preferences = preferences;
                    self.watch.forget();
                    self.say("the preferences changed");
                    if self.identity.is_some() {
                        self.register();
                    }
                }
                Err(error) => self.say(&format!("{error}; the preferences stay as they were")),
            }
        }
        let seen = self.watch.look(&self.preferences, &self.setup.state);
        let why_not = policy::why_not(&self.preferences, self.wished, seen, now_ms(), machine::utc_minute());
        let kind = |why: &Option<String>| {
            why.as_ref().map(|why| {
                why.split(" more")
                    .next()
                    .unwrap_or("")
                    .chars()
                    .filter(|c| !c.is_ascii_digit())
                    .collect::<String>()
            })
        };
        if kind(&why_not) != kind(&self.why_not) {
            match &why_not {
                Some(why) => self.say(why),
                None => self.say("goes on"),
            }
        }
        match (&why_not, self.paused_since) {
            (None, _) => self.paused_since = None,
            (Some(_), None) => self.paused_since = Some(Instant::now()),
            (Some(_), Some(_)) => {}
        }
        self.why_not = why_not;
    }

    pub(super) fn look_at_signals(&mut self) -> Option<Exit> {
        let asked = self.stop.asked();
        if asked > self.asked {
            self.asked = asked;
            self.say(match (asked, self.held.is_empty()) {
                (1, true) => "leaving",
                (1, false) => "leaving: jobs go to their next boundary and home first; Ctrl-C again stops at once, and keeps every boundary",
                _ => "stopping now; every boundary is kept, and goes on when the agent starts again",
            });
        }
        if asked >= 2 {
            for held in self.held.values() {
                held.gate.set(Wish::Now);
            }
            let computing = self.seats.iter().any(|seat| seat.running.is_some());
            return (!computing).then_some(if self.held.is_empty() { Exit::Done } else { Exit::Stopped });
        }
        None
    }

    /// Give every device its next job, and every thread its wish.
    pub(super) fn drive_seats(&mut self) {
        let paused = self.why_not.is_some();
        for held in self.held.values() {
            let wish = match held.lease.action {
                _ if held.failed.is_some() => Wish::Now,
                Action::StopNow => Wish::Now,
                Action::StopAtBoundary if paused => Wish::Now,
                Action::StopAtBoundary => Wish::Boundary,
                Action::Run | Action::Wait if paused => Wish::Pause,
                // The server may be away; it will say the same.
                Action::Run | Action::Wait if self.asked > 0 => Wish::Boundary,
                Action::Run | Action::Wait => Wish::Go,
            };
            held.gate.set(wish);
        }
        // What never began here, and shall not, has stopped already.
        for held in self.held.values_mut() {
            if held.phase == Phase::Ready && held.stopping() {
                held.phase = Phase::Stopped;
            }
            if held.phase == Phase::Fetching && held.stopping() {
                if let Some(errand) = held.errand.take() {
                    errand.abort();
                }
                held.phase = Phase::Stopped;
            }
            if held.phase == Phase::Stopped && !held.finished() && !held.stopping() && held.package.is_some() && !held.ending {
                held.phase = Phase::Ready;
            }
        }
        if paused || self.asked > 0 {
            return;
        }
        let orders = self.orders.take();
        for index in 0..self.seats.len() {
            if self.seats[index].running.is_some() {
                continue;
            }
            let id = self.seats[index].device.info().id.clone();
            let line = orders
                .iter()
                .flat_map(|orders| &orders.leases)
                .filter(|lease| lease.device == id);
            // The next begins as soon as the device is free, while the one before still goes home.
            let first = line
                .map(|lease| lease.attempt)
                .find(|attempt| self.held.get(attempt).is_some_and(|held| !held.off_device()));
            if first.is_none() {
                self.seats[index].idle.forget();
            }
            if let Some(attempt) = first
                && self.held.get(&attempt).is_some_and(|held| held.phase == Phase::Ready)
            {
                self.begin(index, attempt);
            }
        }
        self.orders = orders;
    }

    pub(super) fn begin(&mut self, seat: usize, attempt: AttemptId) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        let Some(package) = held.package.clone() else { return };
        let seat = &mut self.seats[seat];
        let is_cpu = seat.device.info().kind == DeviceKind::BuiltInCpu;
        let session = SessionOptions {
            submit_ms: Some(SUBMIT_MS),
            threads: is_cpu.then(|| threads(self.preferences.max_ncpus_pct)),
            ..SessionOptions::default()
        };
        held.step
            .store(held.reached * package.manifest().run.steps_per_segment, Ordering::Relaxed);
        let task = Task {
            attempt,
            folder: held.folder.clone(),
            start: held.start.take(),
            package,
            device: Arc::clone(&seat.device),
            class: held.lease.class,
            until: held.lease.until_segment,
            session,
            gate: Arc::clone(&held.gate),
            step: Arc::clone(&held.step),
            idle: Arc::clone(&seat.idle),
            notes: self.sender.clone(),
        };
        let text = format!(
            "job {} {}: computes on {} from segment {}",
            held.lease.job, held.lease.name, held.lease.device, held.reached
        );
        match task.spawn() {
            Ok(()) => {
                held.phase = Phase::Computing;
                held.began = Some(Instant::now());
                seat.running = Some(attempt);
                self.beat_due = Instant::now();
            }
            Err(error) => {
                held.phase = Phase::Stopped;
                held.failed = Some((Outcome::Aborted, format!("no thread: {error}")));
            }
        }
        self.say(&text);
    }

    /// Bring boundaries home when that is due.
    pub(super) fn bring_home(&mut self, attempt: AttemptId) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        let waited = held.committed_at.elapsed() >= Duration::from_secs(held.lease.commit_every_s);
        let due = held.off_device() || waited && !held.stopping() || held.is_full();
        if !due || held.homing.is_some() || held.ending || !held.has_news() || self.identity.is_none() {
            return;
        }
        let load = held.load();
        let Some(target) = load.last().map(|kept| kept.entry.segment) else {
            return;
        };
        let news: Vec<&Kept> = load.iter().filter(|kept| kept.blob.is_some()).collect();
        let steps = held
            .package
            .as_ref()
            .map_or(0, |package| package.manifest().run.steps_per_segment);
        let delta = Contributed {
            segments: news.len() as u64,
            steps: news.len() as u64 * steps,
            computed_ms: news.iter().map(|kept| kept.ms).sum(),
            jobs: 0,
        };
        held.homing = Some(target);
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        let (folder, epoch) = (held.folder.clone(), held.lease.epoch);
        let errand = tokio::spawn(async move {
            let answer = errands.home(folder, attempt, epoch, load).await;
            drop(sender.send(Note::Home(attempt, delta, answer)));
        });
        held.errand = Some(errand.abort_handle());
    }

    /// Say that an attempt has stopped, once all of it is home.
    pub(super) fn tell_end(&mut self, attempt: AttemptId) {
        let Some(held) = self.held.get_mut(&attempt) else { return };
        let over = held.stopping() && held.off_device() && held.homing.is_none() && !held.has_news();
        if !over || held.ending || held.finished() && held.failed.is_none() || self.identity.is_none() {
            return;
        }
        held.ending = true;
        let (outcome, message) = match &held.failed {
            Some((outcome, message)) => (*outcome, message.chars().take(500).collect()),
            None => (Outcome::Migrated, format!("stopped at segment {}", held.reached)),
        };
        let end = EndAttempt {
            epoch: held.lease.epoch,
            outcome,
            cause: protocol::ErrorCause::Host,
            message,
        };
        let (errands, sender) = (self.errands.clone(), self.sender.clone());
        let errand = tokio::spawn(async move {
            let answer = errands.end(attempt, end).await;
            drop(sender.send(Note::Ended(attempt, answer)));
        });
        held.errand = Some(errand.abort_handle());
    }

    pub(super) fn sweep(&mut self) {
        if self.swept.elapsed() < Duration::from_secs(600) {
            return;
        }
        self.swept = Instant::now();
        let leases = self.held.values().map(|held| &held.lease);
        let needed = leases.flat_map(|lease| [Some(lease.archive), lease.checkpoint.as_ref().map(|safe| safe.blob)]);
        self.errands.sweep(&needed.flatten().collect());
    }

    pub(super) fn done(&mut self) -> Option<Exit> {
        let nothing = self.held.is_empty() && self.orders.as_ref().is_none_or(|orders| orders.leases.is_empty());
        let idle = self.preferences.exit_when_idle && nothing && self.heard && self.why_not.is_none();
        self.idle_since = if idle {
            self.idle_since.or_else(|| Some(Instant::now()))
        } else {
            None
        };
        if !matches!(self.place(), Place::Leaving(_)) || !self.held.is_empty() || self.beating {
            return None;
        }
        // With nothing left to bring home, a server that is away finds out by itself.
        if self.link.away().is_some() {
            return Some(Exit::Done);
        }
        if self.stirred && self.identity.is_some() {
            self.stirred = false;
            self.told = None;
            return None;
        }
        let told = matches!(self.told, Some(Place::Leaving(_))) || self.identity.is_none();
        told.then_some(Exit::Done)
    }
}

fn threads(percent: f64) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    ((cores as f64 * percent / 100.0).ceil() as usize).clamp(1, cores)
}
