//! What people see: lines that stay, the status file, the live view.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use protocol::http::Action;

use super::{Desk, Place, Seat};
use crate::agent::held::{Held, Phase};
use crate::agent::machine;
use crate::agent::policy::now_ms;
use crate::agent::state::Wished;
use crate::agent::view::{DeviceStatus, JobStatus, Status};

impl Desk {
    pub(super) fn say(&mut self, text: &str) {
        self.view.say(text);
        self.drawn = None;
    }

    pub(super) fn show(&mut self, last: bool) {
        let away = self.link.away().map(|away| {
            let since = crate::console::progress::duration(away.since.elapsed().as_secs_f64());
            let again = away.again.saturating_duration_since(Instant::now()).as_secs_f64();
            let again = crate::console::progress::duration(again);
            (
                away.why.clone(),
                format!("waits for the server since {since}, asks again in {again}: {}", away.why),
            )
        });
        let key = away.as_ref().map(|(why, _)| why.clone());
        if key.is_some() != self.away_said.is_some() {
            match &key {
                Some(why) => self.say(&format!(
                    "the server is away ({why}); computing goes on, boundaries are kept here"
                )),
                None => self.say("the server is back"),
            }
            self.away_said = key;
        }
        if !last && self.drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_secs(1)) {
            return;
        }
        self.drawn = Some(Instant::now());
        let status = self.status(away.map(|(_, text)| text));
        self.setup.state.write_lightly("status.json", &status);
        self.view.draw(&status);
    }

    pub(super) fn status(&self, waits: Option<String>) -> Status {
        let why_not = match (&self.why_not, self.wished, self.place()) {
            (_, _, Place::Leaving(reason)) => Some(format!("leaving: {reason}")),
            (Some(why), ..) => Some(why.clone()),
            (None, Wished::Finish, _) => Some("finishing: takes no new jobs".into()),
            _ => None,
        };
        Status {
            at_ms: now_ms(),
            pid: std::process::id(),
            server: self.server.clone(),
            host: self.identity.as_ref().map(|own| own.host.0),
            name: self.preferences.name.clone().unwrap_or_else(machine::name),
            waits,
            why_not,
            devices: self.seats.iter().map(|seat| self.device_status(seat)).collect(),
            contributed: self.contributed,
        }
    }

    pub(super) fn device_status(&self, seat: &Seat) -> DeviceStatus {
        let info = seat.device.info();
        let jobs: Vec<JobStatus> = self
            .held
            .values()
            .filter(|held| held.lease.device == info.id)
            .map(job_status)
            .collect();
        let told = self
            .orders
            .iter()
            .flat_map(|orders| &orders.idle)
            .find(|idle| idle.device == info.id);
        let idle = match (&told, self.heard) {
            _ if !jobs.is_empty() => None,
            (Some(idle), _) => Some(idle.why.clone()),
            (None, false) => Some("idle: the server has not answered yet".into()),
            (None, true) => Some("idle".into()),
        };
        DeviceStatus {
            id: info.id.clone(),
            name: info.name.clone(),
            classes: seat.classes.iter().map(ToString::to_string).collect(),
            jobs,
            idle,
            gap_ms: seat.idle.gap_ms(),
        }
    }
}

fn job_status(held: &Held) -> JobStatus {
    let steps = held
        .package
        .as_ref()
        .map_or(0, |package| package.manifest().run.steps_per_segment);
    let step = held.step.load(Ordering::Relaxed).max(held.reached * steps);
    let speed = (held.segment_ms > 0).then(|| steps as f64 * 1000.0 / held.segment_ms as f64);
    let until = held.lease.until_segment * steps;
    let phase = match held.phase {
        Phase::Fetching => "fetching",
        Phase::Ready => "ready",
        Phase::Computing => "computing",
        Phase::Stopped if held.finished() => "finished, goes home",
        Phase::Stopped => "stopped",
    };
    JobStatus {
        job: held.lease.job.0,
        name: held.lease.name.clone(),
        phase: phase.into(),
        told: match held.lease.action {
            Action::Run => None,
            Action::Wait => Some("next in line".into()),
            Action::StopAtBoundary => Some(format!("stops at its next boundary: {}", held.lease.reason)),
            Action::StopNow => Some(format!("stops now: {}", held.lease.reason)),
        },
        step,
        steps: until,
        segment: held.reached,
        committed: held.committed.unwrap_or(0),
        segments: held.lease.until_segment,
        steps_per_s: speed,
        left_s: speed.map(|speed| until.saturating_sub(step) as f64 / speed),
        boundary_s: speed.map(|speed| ((held.reached + 1) * steps).saturating_sub(step) as f64 / speed),
    }
}
