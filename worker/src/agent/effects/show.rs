//! What people see: lines that stay, the status file, the live view.

use std::time::{Duration, Instant};

use planner::{Control, Declined, JobView, Stage};
use protocol::http::Action;

use super::Agent;
use crate::agent::devices::Lent;
use crate::agent::view::{DeviceStatus, JobStatus, Status};
use crate::agent::{machine, words};
use crate::console::progress::duration;
use crate::net::transfer::Transfer;

/// Days of the history in the status.
const DAYS_SHOWN: usize = 14;

impl Agent {
    /// Say something that stays.
    pub(super) fn say(&mut self, text: &str) {
        self.seat.say(&words::plain(text));
        self.drawn = None;
    }

    /// Write the status and draw the live view, once a second; the last time at once.
    pub(super) fn show(&mut self, last: bool) {
        if !last && self.drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_secs(1)) {
            return;
        }
        self.drawn = Some(Instant::now());
        self.seat.show(self.status());
    }

    fn status(&self) -> Status {
        let waits = self.link.away().map(|away| {
            let since = duration(away.since.elapsed().as_secs_f64());
            let again = duration(away.again.saturating_duration_since(Instant::now()).as_secs_f64());
            format!("waits for the server since {since}, asks again in {again}: {}", away.why)
        });
        let transfers = self.errands.client.transfers.under_way();
        Status {
            transfers: transfers.iter().map(Transfer::words).collect(),
            newer: self
                .errands
                .client
                .server_version()
                .and_then(|server| words::newer(&server, env!("CARGO_PKG_VERSION"))),
            at_ms: machine::now_ms(),
            pid: std::process::id(),
            server: self.server.clone(),
            shares: Vec::new(),
            host: self.planner.host_number().map(|host| host.0),
            name: super::start::name_of(&self.preferences, self.watch.looked()),
            waits,
            // Whose turn it is stands with the projects.
            why_not: self
                .planner
                .why_no_new_jobs()
                .filter(|why| !matches!(why, Declined::Elsewhere(_)))
                .as_ref()
                .map(words::quiet),
            devices: self
                .devices
                .iter()
                .map(|lent| self.device_status(lent))
                .chain(self.gone())
                .collect(),
            contributed: self.planner.contributed(),
            verified: self.verified,
            days: self.seat.days(DAYS_SHOWN),
        }
    }

    /// Devices that are not here any more, with jobs that are on their way home.
    fn gone(&self) -> Option<DeviceStatus> {
        let is_here = |device: &str| self.lent(device).is_some();
        let mut jobs = self.planner.jobs().filter(|job| !is_here(job.device)).peekable();
        let id = jobs.peek()?.device.to_owned();
        Some(DeviceStatus {
            id,
            name: "not here any more".into(),
            classes: Vec::new(),
            idle: None,
            jobs: jobs.map(|job| self.job_status(&job)).collect(),
            gap_ms: None,
        })
    }

    fn device_status(&self, lent: &Lent) -> DeviceStatus {
        let info = lent.device.info();
        let jobs = self.planner.jobs().filter(|job| job.device == info.id);
        let jobs: Vec<JobStatus> = jobs.map(|job| self.job_status(&job)).collect();
        DeviceStatus {
            id: info.id.clone(),
            name: info.name.clone(),
            classes: lent.classes.iter().map(ToString::to_string).collect(),
            // With jobs, theirs are the lines that say what happens.
            idle: self
                .planner
                .idle(&info.id)
                .filter(|_| jobs.is_empty())
                .as_ref()
                .map(words::idle),
            jobs,
            gap_ms: lent.idle.gap_ms(),
        }
    }

    fn job_status(&self, job: &JobView<'_>) -> JobStatus {
        let steps = job.steps_per_segment.unwrap_or(0);
        let thread = self.threads.get(&job.attempt);
        let temperature = thread.and_then(|thread| thread.temperature.clone());
        let step = thread
            .map_or(0, super::threads::Thread::step)
            .max(job.reached.saturating_mul(steps));
        let is_held = job.thread.is_some_and(|(_, control)| control == Control::Pause);
        let speed = job
            .segment_ms
            .filter(|_| !is_held)
            .map(|ms| steps as f64 * 1000.0 / ms as f64);
        // The server says how many segments there are.
        let until = job.until_segment.saturating_mul(steps);
        let phase = match job.stage {
            Stage::Fetching => "fetching",
            Stage::Ready => "ready",
            Stage::Computing if is_held => "paused",
            Stage::Computing => "computing",
            Stage::Stopped if job.is_finished => "finished, goes home",
            Stage::Stopped => "stopped",
        };
        JobStatus {
            job: job.job.0,
            name: job.name.to_owned(),
            server: None,
            phase: phase.into(),
            told: match job.action {
                Action::Run => None,
                Action::Wait => Some("next in line".into()),
                Action::StopAtBoundary => Some(format!("stops at its next boundary: {}", job.reason)),
                Action::StopNow => Some(format!("stops now: {}", job.reason)),
            },
            step,
            steps: until,
            segment: job.reached,
            committed: job.safe.unwrap_or(0),
            segments: job.until_segment,
            temperature,
            steps_per_s: speed,
            left_s: speed.map(|speed| until.saturating_sub(step) as f64 / speed),
            boundary_s: speed
                .map(|speed| job.reached.saturating_add(1).saturating_mul(steps).saturating_sub(step) as f64 / speed),
        }
    }
}
